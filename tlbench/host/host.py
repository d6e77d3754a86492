"""Find plugins, keep the broken ones with their cause, and ask the others what they offer."""

import importlib
import importlib.metadata
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from tlbench.errors import PluginError
from tlbench.host import hookspecs
from tlbench.host import trace as tracing
from tlbench.host.diagnosis import Place, cause_of, hint_of, own_place, place_of
from tlbench.names import near_miss

GROUP = "tlbench"
FILES_VARIABLE = "TLBENCH_PLUGINS"  # local plugin files, separated like a PATH


@dataclass(frozen=True)
class Origin:
    """Name where a plugin comes from: provenance for records, and a name for messages."""

    plugin: str  # the entry point's name, or the file's stem
    distribution: str  # `tlbench`, or `file`
    version: str
    source: str  # module name or path

    def __str__(self) -> str:
        if self.distribution == "file":
            return f"file {self.source}"
        return f"{self.distribution} {self.version} (plugin {self.plugin!r})"


@dataclass(frozen=True)
class BrokenPlugin:
    """Describe a plugin that cannot be used, with the sentence that says why."""

    origin: Origin
    cause: str
    hint: str = ""  # where a name of tlbench stands, if one was missed
    place: Place | None = None  # the last line of its own code that was reached
    detail: str = field(default="", repr=False)  # the whole traceback

    def __str__(self) -> str:
        return f"plugin {self.origin.plugin!r} from {self.origin} is broken: {self.sentence}"

    @property
    def sentence(self) -> str:
        """Return the cause, with the hint where there is one."""
        return " ".join(part for part in (_ended(self.cause) if self.hint else self.cause, self.hint) if part)


@dataclass(frozen=True)
class Offer:
    """Hold something that a plugin offers, under its name."""

    name: str
    thing: Any
    origin: Origin


class Host:
    """Load entry points one by one with a pluggy manager, and go on when one of them fails.

    `files` are local plugin files, as `-p` gives them: the user asked for them, so a fault there is raised.
    """

    def __init__(self, files: Sequence[str | Path] = ()) -> None:
        manager = tracing.TracedManager if tracing.is_asked_for() else pluggy.PluginManager
        self.manager = manager("tlbench")
        self.manager.add_hookspecs(hookspecs)
        self.broken: list[BrokenPlugin] = []
        self._told = 0
        self.origins: dict[str, Origin] = {}
        self.files = tuple(str(Path(file).resolve()) for file in (*_files_from_environment(), *files))
        for entry_point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda item: item.name):
            self._load_entry_point(entry_point)
        for file in dict.fromkeys(self.files):
            self._load_file(Path(file))

    def _load_entry_point(self, entry_point: importlib.metadata.EntryPoint) -> None:
        headers = _headers(entry_point.dist)
        name, version = headers.get("Name", ["unknown"])[0], headers.get("Version", ["?"])[0]
        origin = Origin(entry_point.name, name, version, entry_point.value)
        try:
            if name != "tlbench":
                _refuse_newer_host(headers.get("Requires-Dist", []))
            self._register(entry_point.load(), origin)
        except (Exception, SystemExit) as error:  # whatever a stranger's module raises is kept, not passed on
            self.broken.append(_broken(origin, error))

    def _load_file(self, path: Path) -> None:
        if not path.is_file():
            raise PluginError(f"plugin file {path} does not exist.{_near_file(path)}")
        name = "tlbench_file_" + "".join(char if char.isalnum() else "_" for char in path.stem)
        if any(other.plugin == path.stem for other in self.origins.values()):
            name += f"_{len(self.origins)}"  # two files of one name are two modules
        origin = Origin(path.stem, "file", "-", str(path))
        try:
            self._register(_import_file(path, name), origin)
        except (Exception, SystemExit) as error:
            raise PluginError(_unusable(_broken(origin, error))) from error

    def _register(self, module: Any, origin: Origin) -> None:
        """Register a plugin after checking that this host knows every hook and argument it wants."""
        if hasattr(module, "tlbench_requires"):
            _refuse_newer_host([f"tlbench{module.tlbench_requires}"])
        key = f"{origin.distribution}:{origin.source if origin.distribution == 'file' else origin.plugin}"
        _refuse_unknown_hooks(self.manager, module)
        self.manager.register(module, name=key)
        self.origins[key] = origin

    def offers(self, hook: str, check: Callable[[Any], None]) -> dict[str, Offer]:
        """Return what plugins offer through a hook, by name and sorted; two of one name are refused."""
        found: dict[str, Offer] = {}
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            origin = self.origins[implementation.plugin_name]
            for thing in self._ask(implementation, origin, check):
                offer = Offer(thing.name, thing, origin)
                if offer.name in found:
                    raise PluginError(
                        f"{hook.removeprefix('tlbench_')}: the name {offer.name!r} is claimed by both "
                        f"{found[offer.name].origin} and {origin}. Uninstall one or rename it."
                    )
                found[offer.name] = offer
        return dict(sorted(found.items()))

    def _ask(self, implementation: Any, origin: Origin, check: Callable[[Any], None]) -> list[Any]:
        """Return what one plugin offers, or remember it as broken."""
        try:
            things = implementation.function()
            if things is None or isinstance(things, (str, bytes, Mapping)) or not isinstance(things, Iterable):
                raise PluginError(f"{implementation.function.__name__} must return a list, got {things!r}.")
            things = list(things)
            for thing in things:
                check(thing)
        except (Exception, SystemExit) as error:
            broken = _broken(origin, error)
            if origin.distribution == "file":
                raise PluginError(_unusable(broken)) from error
            if broken.cause not in [other.cause for other in self.broken]:
                self.broken.append(broken)
            return []
        return things

    def unheard(self) -> list[BrokenPlugin]:
        """Return broken plugins that nobody was told of yet."""
        news = self.broken[self._told :]
        self._told = len(self.broken)
        return news

    def environment(self) -> dict[str, str]:
        """Return the facts that plugins add to every record's environment."""
        facts: dict[str, str] = {}
        for mapping in self.manager.hook.tlbench_environment():
            facts.update(mapping)
        return dict(sorted(facts.items()))


def _files_from_environment() -> list[str]:
    return [file for file in os.environ.get(FILES_VARIABLE, "").split(os.pathsep) if file]


def _import_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def _headers(distribution: importlib.metadata.Distribution | None) -> dict[str, list[str]]:
    """Read a distribution's headers by hand: the library's own parser takes longer than all of our start-up."""
    text = (distribution.read_text("METADATA") or "") if distribution else ""
    headers: dict[str, list[str]] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        key, colon, value = line.partition(": ")
        if colon and not key.startswith(" "):
            headers.setdefault(key, []).append(value)
    return headers


def _broken(origin: Origin, error: BaseException) -> BrokenPlugin:
    """Return a plugin as broken, with everything that an exception tells."""
    own = origin.source if origin.distribution == "file" else own_place(origin.source)
    trace = "".join(traceback.format_exception(error))
    place = None if isinstance(error, PluginError) else place_of(error, own)
    return BrokenPlugin(origin, cause_of(error), hint_of(error), place, trace)


def _unusable(broken: BrokenPlugin) -> str:
    """Say that a file that the user asked for cannot be used; a cause without a line of its own gets one."""
    where = f" (line {broken.place.line})" if broken.place and "(line " not in broken.cause else ""
    cause = f"{broken.cause}{where}"
    return f"plugin file {broken.origin.source} cannot be used: " + (
        f"{_ended(cause)} {broken.hint}" if broken.hint else cause
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _refuse_newer_host(requirements: Iterable[str]) -> None:
    from tlbench import __version__

    for line in requirements:
        if not line.replace(" ", "").lower().startswith("tlbench"):
            continue
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            raise PluginError(f"cannot read its requirement {line!r}: write a version range such as '>=0.1'.") from None
        if requirement.name.lower() != "tlbench" or (requirement.marker and not requirement.marker.evaluate()):
            continue
        if not requirement.specifier.contains(__version__, prereleases=True):
            raise PluginError(
                f"it needs tlbench{requirement.specifier}, and this is tlbench {__version__}. Upgrade tlbench."
            )


def _refuse_unknown_hooks(manager: pluggy.PluginManager, module: Any) -> None:
    """Raise PluginError for hooks or arguments that this host does not know, before pluggy registers anything."""
    from tlbench import __version__

    known = {name: getattr(hookspecs, name) for name in vars(hookspecs) if name.startswith("tlbench_")}
    implemented = 0
    for name in dir(module):
        options = manager.parse_hookimpl_opts(module, name)
        if options is None:
            continue
        implemented += 1
        hook = options.get("specname") or name
        if hook not in known:
            raise PluginError(
                f"it implements the hook {hook!r}, which tlbench {__version__} does not have."
                f"{near_miss(hook, known, cutoff=0.8)} It may need a newer tlbench."
            )
        offered = known[hook].__code__.co_varnames[: known[hook].__code__.co_argcount]
        wanted = getattr(module, name).__code__.co_varnames[: getattr(module, name).__code__.co_argcount]
        extra = [argument for argument in wanted if argument not in (*offered, "self")]
        if extra:
            raise PluginError(
                f"its hook {hook!r} asks for the argument {extra[0]!r}; tlbench {__version__} offers "
                f"{', '.join(offered) or 'none'}. It may need a newer tlbench."
            )
    if not implemented:
        raise PluginError(
            "it implements no hook: decorate a function such as tlbench_strategies with @tlbench.hookimpl."
        )


def _near_file(path: Path) -> str:
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    return near_miss(path.name, siblings)
