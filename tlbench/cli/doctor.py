"""Check what a run depends on, for `tlbench doctor`: versions, devices, hub, cache and plugins."""

import importlib.metadata
import os
import platform
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence

from tlbench import __version__
from tlbench.errors import TlbenchError
from tlbench.host import BrokenPlugin, Catalog, Host

LIBRARIES = (
    "torch",
    "timm",
    "pluggy",
    "pandas",
    "numpy",
    "scipy",
    "scikit-learn",
    "pydantic",
    "matplotlib",
    "safetensors",
)
HUB = "https://huggingface.co"
HUB_SECONDS = 3.0


def examination(plugins: Sequence[str] = ()) -> Iterator[str]:
    """Yield lines on everything a run depends on; nothing in here raises."""
    yield f"tlbench {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield "libraries: " + ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    yield f"devices: {', '.join(_devices())}"
    yield f"hub: {_hub()}"
    yield f"cache: {_cache()}"
    yield from _plugins(plugins)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _devices() -> list[str]:
    import torch

    devices = [f"cpu ({os.cpu_count()} cores)"]
    devices += [f"cuda:{index} ({torch.cuda.get_device_name(index)})" for index in range(torch.cuda.device_count())]
    return devices + (["mps"] if torch.backends.mps.is_available() else [])


def _hub() -> str:
    address = os.environ.get("HF_ENDPOINT", HUB)
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=HUB_SECONDS):
            return f"{address} can be reached"
    except urllib.error.HTTPError as error:
        return f"{address} answers with status {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"{address} cannot be reached ({reason}); weights come from the local cache or from NAME@FILE"


def _cache() -> str:
    from tlbench.data import Cache

    try:
        opened = Cache()
    except TlbenchError as error:
        return str(error)
    size = sum(size for _, size in opened.sizes().values())
    return f"{opened.folder}, {size / 2**20:.1f} MiB"


def _plugins(files: Sequence[str]) -> Iterator[str]:
    host, unusable = _host(files)
    catalog = Catalog(host)
    clashes = list[str]()
    for kind in ("strategies", "backbones", "datasets", "metrics", "suites", "reporters"):
        try:
            getattr(catalog, kind)
        except TlbenchError as error:
            cause = error.__cause__
            (unusable if cause is not None or "cannot be used" in str(error) else clashes).append(str(error))
    yield f"plugins: {len(host.origins)} loaded, {len(host.broken) + len(unusable)} broken"
    yield from (f"  {origin}" for origin in host.origins.values())
    yield from (f"  BROKEN {sentence}" for sentence in dict.fromkeys(unusable))
    for broken in host.broken:
        yield from _explained(broken)
    yield from (f"  CLASH {clash}" for clash in clashes)
    if not sys.warnoptions and (host.broken or clashes):
        yield "a broken plugin stops only runs that need it; a clash stops every run until it is resolved"


def _host(files: Sequence[str]) -> tuple[Host, list[str]]:
    """Return the host with as many of the files as can be used, and a sentence on each of the others."""
    from tlbench.host import FILES_VARIABLE

    usable, unusable = list[str](), list[str]()
    from_environment = [file for file in os.environ.pop(FILES_VARIABLE, "").split(os.pathsep) if file]
    try:
        for file in (*from_environment, *files):
            try:
                Host([*usable, file])
            except TlbenchError as error:
                unusable.append(str(error))
            else:
                usable.append(file)
        return Host(usable), unusable
    finally:
        if from_environment:
            os.environ[FILES_VARIABLE] = os.pathsep.join(from_environment)


def _explained(broken: BrokenPlugin) -> Iterator[str]:
    """Yield a broken plugin: whose it is, the cause, a hint, and the line of its own code."""
    origin = broken.origin
    yield f"  BROKEN plugin {origin.plugin!r} from {origin}, entry point {origin.source}"
    yield f"    cause: {broken.cause}"
    if broken.hint:
        yield f"    hint:  {broken.hint}"
    if broken.place:
        yield f"    where: {broken.place.file}, line {broken.place.line}"
        if broken.place.code:
            yield f"           {broken.place.code}"
