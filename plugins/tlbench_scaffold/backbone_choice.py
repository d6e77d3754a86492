"""Choose the backbones of a new suite: what the user names, what comes with tlbench, or what the hub has."""

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench import TlbenchError, WeightsError, read_weights_header
from tlbench.data import suited_backbone
from tlbench_scaffold.facts import Facts

if TYPE_CHECKING:
    from tlbench.data import Resources

SHIPPED = "test_resnet.glyphs"
# Small first: what an unknown machine can bear. All of ImageNet, as timm has them on the hub.
FROM_THE_HUB = ("mobilenetv3_small_100.lamb_in1k", "resnet18.a1_in1k", "convnext_atto.d2_in1k")
HUB_SECONDS = 2.0
_ENDING = ".safetensors"


@dataclass(frozen=True)
class Choice:
    """Hold backbones for a suite, with the sentence that says why."""

    backbones: tuple[str, ...]
    reason: str
    others: tuple[str, ...] = ()


def check_named(names: tuple[str, ...], resources: "Resources") -> tuple[str, ...]:
    """Return the backbones that a user named; raise a TlbenchError, with a near miss, for one that cannot be had.

    A weights file alone becomes `ARCHITECTURE@FILE` where the file says which architecture it is of.
    """
    found = tuple(_completed(name, resources) for name in names)
    for name in found:
        resources.backbone(name)
    return found


def _completed(name: str, resources: "Resources") -> str:
    path = Path(name).expanduser()
    if "@" in name or not (name.endswith(_ENDING) or path.is_file()):
        return name
    said = read_weights_header(path).metadata
    architecture = said.get("arch") or said.get("architecture")
    spec = f"{architecture}@{name}"
    if architecture:
        try:
            resources.backbone(spec)
        except TlbenchError:
            pass
        else:
            return spec
    hint = f" The file says it is for {architecture!r}." if architecture else ""
    raise WeightsError(f"{name!r} is a weights file: write ARCHITECTURE@{name}, as resnet18@{name}.{hint}")


def choose(facts: Facts, resources: "Resources", command: str) -> Choice:
    """Return a backbone for data of this kind, where the user names none.

    Raises WeightsError, saying what to get and the line to use it, where none that suits them is at hand; `command` is
    what the user typed.
    """
    suited = suited_backbone(facts.look, resources)
    if not isinstance(suited, str):
        return Choice((suited.spec,), f"{suited.spec}: {suited.reason}.", FROM_THE_HUB)
    if not facts.look.are_photographs:
        return Choice((SHIPPED,), f"{SHIPPED}, for want of one that says it suits these data.", FROM_THE_HUB)
    return _of_the_hub(suited, command)


def _of_the_hub(why: str, command: str) -> Choice:
    """Return a network of the hub, or say that none is to be had; `why` says what is wrong with the one at hand."""
    cached = [name for name in FROM_THE_HUB if _is_cached(name)]
    if cached:
        return Choice((cached[0],), f"{cached[0]}: its weights are in the hub's cache here.", _without(cached[0]))
    if hub_answers():
        first = FROM_THE_HUB[0]
        return Choice((first,), f"{first}: ImageNet weights, fetched from the hub now and kept.", _without(first))
    files = sorted(path.name for path in Path().glob(f"*{_ENDING}"))
    file = files[0] if files else "FILE"
    have = f" Here lies {file}." if files else ""
    raise WeightsError(
        f"no backbone for photographs is at hand: {why or 'none is installed'}, and neither the hub nor its cache has "
        f"one. Get weights of ImageNet as safetensors and write {command} -b ARCHITECTURE@{file}.{have} "
        f"-b {SHIPPED} goes on with the one for letters, of which little is to be expected."
    )


def _without(name: str) -> tuple[str, ...]:
    return tuple(other for other in FROM_THE_HUB if other != name)


def _is_cached(name: str) -> bool:
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(f"timm/{name}", "model.safetensors"), str)


def hub_answers() -> bool:
    """Tell, within seconds, whether the hub can be reached and is to be."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    address = os.environ.get("HF_ENDPOINT", constants.ENDPOINT)
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=HUB_SECONDS):
            return True
    except urllib.error.HTTPError as error:
        return error.code < 400 or error.code == 405
    except (OSError, ValueError):
        return False
