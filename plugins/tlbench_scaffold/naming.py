"""Name a new plugin: for users, on an index, and in Python; and refuse names that it cannot have."""

import builtins
import importlib.metadata
import importlib.util
import keyword
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlbench import ParameterError, PluginError, Spec, TlbenchError

if TYPE_CHECKING:
    from tlbench.host import Catalog

KINDS = {
    "strategy": "strategies",
    "backbone": "backbones",
    "dataset": "datasets",
    "metric": "metrics",
    "reporter": "reporters",
}
LONGEST = 32  # letters of a name: longer ones would break lines of the code that is written

# What the modules of each kind import or define: a class of this name would hide it.
_TAKEN = {
    "strategy": ("Annotated", "Block", "CosineHead", "F", "Family", "Gt", "Labelled", "Recipe", "Strategy", "Suite"),
    "backbone": ("Annotated", "Backbone", "Block", "Gt", "Path", "Recipe", "Suite", "WeightsError"),
    "dataset": ("Annotated", "Block", "DataError", "Dataset", "Gt", "Labelled", "Suite"),
    "metric": (),
    "reporter": (),
}
_ALSO_TAKEN = ("Catalog", "Host", "SUITE", "SIZE")

# Where each kind of plugin shows at once what it does.
_RUNS = {
    "strategy": "tlbench run -s {name} -s linear-probe -d 'digits[->handwritten]' --budget 5-shot",
    "backbone": "tlbench run -b {name} -s scratch -d 'digits[->handwritten]' --budget 20-shot",
    "dataset": "tlbench run -d '{name}[->night]' -s scratch -s linear-probe --budget 5-shot",
    "metric": "tlbench run -s linear-probe -s nearest-mean -d 'digits[->handwritten]' --budget 5-shot",
    "reporter": "tlbench run -s linear-probe -s nearest-mean -d 'digits[->handwritten]' --budget 5-shot",
}


@dataclass(frozen=True)
class Names:
    """Hold one plugin under all its names."""

    kind: str
    name: str  # what users type
    distribution: str  # what is installed
    module: str  # what is imported
    class_name: str

    @property
    def run_command(self) -> str:
        """Return the command that shows what the plugin does, without a download."""
        return _RUNS[self.kind].format(name=self.name)


def named(kind: str, name: str, catalog: "Catalog") -> Names:
    """Return the names of a new plugin; raise ParameterError or PluginError where it cannot be called so."""
    _require_kebab_case(name)
    _refuse_clash(kind, name, catalog)
    distribution = f"tlbench-{name}"
    _refuse_installed(distribution)
    return Names(kind, name, distribution, _free_module(kind, name), _class_name(kind, name))


def _require_kebab_case(name: str) -> None:
    if len(name) > LONGEST:
        raise ParameterError(f"{name!r} has {len(name)} letters; a plugin's name has {LONGEST} at most.")
    if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        return
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "-", name)
    better = re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
    better = better.removeprefix("tlbench-")
    hint = f" Did you mean {better!r}?" if re.match(r"[a-z]", better) else ""
    raise ParameterError(
        f"{name!r} cannot be a plugin's name: small letters and digits with single hyphens between, a letter "
        f"first.{hint}"
    )


def _refuse_clash(kind: str, name: str, catalog: "Catalog") -> None:
    """Raise where the name, or one that differs by hyphens and letters' case alone, is installed for this kind."""
    from tlbench import BackboneFamily

    offers = getattr(catalog, KINDS[kind])
    for other, offer in offers.items():
        if _alike(other) == _alike(name):
            raise PluginError(f"the {kind} {other!r} is there already, from {offer.origin}. Choose another name.")
    for offer in offers.values():
        if isinstance(offer.thing, BackboneFamily):
            for spelled in (name, name.replace("-", "_")):
                if _is_known(offer.thing, spelled):
                    raise PluginError(
                        f"the backbone {spelled!r} is there already, one of {offer.thing.name} from {offer.origin}. "
                        "Choose another name."
                    )


def _alike(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _is_known(family: object, name: str) -> bool:
    try:
        return family.find(Spec(name)) is not None  # type: ignore[attr-defined]
    except TlbenchError:  # known, and something else is wrong
        return True


def _refuse_installed(distribution: str) -> None:
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return
    raise PluginError(
        f"{distribution} {version} is installed already. Choose another name, or `pip uninstall {distribution}` first."
    )


def _free_module(kind: str, name: str) -> str:
    """Return a module's name that nothing here has; the prefix keeps clear of Python's own and of keywords."""
    stem = f"tlbench_{name.replace('-', '_')}"
    for module in (stem, f"{stem}_{kind}"):
        if importlib.util.find_spec(module) is None:
            return module
    raise PluginError(f"modules {stem!r} and '{stem}_{kind}' can be imported here already. Choose another name.")


def _class_name(kind: str, name: str) -> str:
    title = "".join(word[:1].upper() + word[1:] for word in name.split("-"))
    taken = {*_TAKEN[kind], *_ALSO_TAKEN, *dir(builtins)}
    return f"{title}{kind.capitalize()}" if title in taken or keyword.iskeyword(title) else title
