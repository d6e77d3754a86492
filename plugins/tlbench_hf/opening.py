"""Open a dataset by its name on the hub or its folder, and turn what the library raises into one line.

Code that comes with a dataset is never run: scripts are refused where a version of the library would run them.
"""

import contextlib
import logging
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlbench import DataError, near_miss

INSTALL = "hf: needs the library datasets. Install it with: pip install 'tlbench[hf]'"
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_PATIENCE = 10  # seconds until the hub counts as out of reach
_LOGGERS = ("datasets", "huggingface_hub", "fsspec", "filelock", "httpx", "httpx2")


@dataclass(frozen=True)
class Place:
    """Describe what the user named: a folder on this machine, or a dataset of the hub."""

    text: str
    folder: Path | None

    def __str__(self) -> str:
        return f"hf '{self.text}'"


def place_of(text: str) -> Place:
    """Return what a user named; raise DataError for a folder that is not there, a file, or no name at all."""
    path = Path(text).expanduser()
    if path.is_dir():
        return Place(text, path.resolve())
    if path.exists():
        parquet = f" Write parquet:{text}." if path.suffix == ".parquet" else ""
        raise DataError(f"hf '{text}' is a file; a folder is needed.{parquet}")
    if text.startswith((".", "/", "~")) or not _NAME.fullmatch(text):
        near = near_miss(path.name, [each.name for each in path.parent.iterdir()]) if path.parent.is_dir() else ""
        raise DataError(f"hf '{text}' is no folder of this machine.{near} A dataset of the hub is written OWNER/NAME.")
    return Place(text, None)


def opened(place: Place, config: str | None, revision: str | None, cache: Path | None) -> "Mapping[str, Any]":
    """Return the splits by name, each a `datasets.Dataset`; raise DataError where that cannot be.

    `cache` is where the library keeps what it makes of a local folder; of the hub's datasets it keeps its own cache.
    """
    try:
        with _quiet():
            import datasets
    except ImportError:
        raise DataError(INSTALL) from None
    try:
        with _quiet(), _bars(datasets):
            found = (
                _from_disk(datasets, place) if _is_saved(place) else _loaded(datasets, place, config, revision, cache)
            )
    except DataError:
        raise
    except Exception as error:  # the library raises what its many readers do
        raise DataError(_failure(place, error)) from None
    return dict(found) if isinstance(found, Mapping) else {"train": found}


def _is_saved(place: Place) -> bool:
    """Tell whether a folder is what `save_to_disk` writes."""
    folder = place.folder
    return folder is not None and ((folder / "dataset_dict.json").is_file() or (folder / "state.json").is_file())


def _from_disk(datasets: Any, place: Place) -> Any:
    return datasets.load_from_disk(str(place.folder))


def _loaded(datasets: Any, place: Place, config: str | None, revision: str | None, cache: Path | None) -> Any:
    arguments: dict[str, Any] = {"name": config}
    if int(datasets.__version__.split(".")[0]) < 4:  # later ones run no scripts and take no such argument
        arguments["trust_remote_code"] = False
    if place.folder is not None:
        return datasets.load_dataset(str(place.folder), cache_dir=cache and str(cache), **arguments)
    reachable = _ask_hub(place, revision)
    with contextlib.nullcontext() if reachable else _offline(datasets):
        return datasets.load_dataset(place.text, revision=revision, **arguments)


def _ask_hub(place: Place, revision: str | None) -> bool:
    """Return whether the hub answers, before its library tries for half a minute; raise DataError where it says no."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        HfApi().dataset_info(place.text, revision=revision, timeout=_PATIENCE)
    except GatedRepoError:
        raise DataError(
            f"{place} asks for an agreement on its page of the hub. Agree there, and log in with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise DataError(
            f"the hub has no dataset '{place.text}', or it is private. Check the spelling (OWNER/NAME), or log in with "
            "`hf auth login`."
        ) from None
    except RevisionNotFoundError:
        raise DataError(f"{place} has no revision '{revision}'. Name a branch, tag or commit of it.") from None
    except Exception:  # no connection, or the hub is in trouble: what was fetched before may do
        return False
    return True


@contextlib.contextmanager
def _offline(datasets: Any) -> Iterator[None]:
    """Let the library look into its own cache alone, which it would do after long attempts otherwise."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE, getattr(datasets.config, "HF_HUB_OFFLINE", False)
    constants.HF_HUB_OFFLINE = datasets.config.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE = before


def _failure(place: Place, error: Exception) -> str:
    said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    said = said if len(said) <= 300 else said[:297] + "..."
    if "Config name is missing" in said or ("config" in said.lower() and "pick one" in said.lower()):
        return f"{place} has several configurations: write ?config=NAME. {said}."
    if "BuilderConfig" in said and "not found" in said:
        return f"{place}: {said}. Write another ?config."
    if "script" in said and ("no longer supported" in said or "trust_remote_code" in said):
        return f"{place} is made by a script, and scripts of others are not run. Use a copy of it in Parquet."
    if place.folder is None and isinstance(error, (ConnectionError, TimeoutError)):
        return (
            f"{place}: the hub cannot be reached, and nothing of it was fetched before. On a machine with a network: "
            f"hf download --repo-type dataset {place.text} --local-dir DIR; then write hf:DIR."
        )
    if "doesn't contain any data files" in said or "No (supported) data files" in said:
        return f"{place} holds no data files in a form that datasets reads (class folders, Parquet, save_to_disk)."
    return f"{place} cannot be read: {said}."


@contextlib.contextmanager
def _bars(datasets: Any) -> Iterator[None]:
    """Show the library's progress bars on terminals only."""
    silenced = not sys.stderr.isatty() and not datasets.are_progress_bars_disabled()
    if silenced:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        if silenced:
            datasets.enable_progress_bars()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drop the libraries' own warnings and log lines: what matters is raised."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for name in _LOGGERS:
                logging.getLogger(name).setLevel(logging.CRITICAL)
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
