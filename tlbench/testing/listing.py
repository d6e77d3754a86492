"""List folders forwards or backwards by name, since a file system promises no order."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


@contextmanager
def listing_sorted(backwards: bool) -> Iterator[None]:
    """Let the file system list every folder by name, or the other way round: an order that nobody promises."""
    real = {name: getattr(os, name) for name in ("listdir", "scandir")}
    iterdir, glob, rglob, walk = Path.iterdir, Path.glob, Path.rglob, os.walk

    def listdir(*arguments: Any) -> list[Any]:
        return sorted(real["listdir"](*arguments), reverse=backwards)

    def scandir(*arguments: Any) -> "_Listing":
        with real["scandir"](*arguments) as entries:
            return _Listing(sorted(entries, key=lambda entry: entry.name, reverse=backwards))

    def reverse(listing: Callable[..., Any]) -> Callable[..., Any]:
        return lambda self, *arguments, **options: iter(sorted(listing(self, *arguments, **options), reverse=backwards))

    def walked(top: Any, *arguments: Any, **options: Any) -> Iterator[Any]:
        for folder, folders, files in walk(top, *arguments, **options):
            folders.sort(reverse=backwards)
            yield folder, folders, sorted(files, reverse=backwards)

    with (
        patch.object(os, "listdir", listdir),
        patch.object(os, "scandir", scandir),
        patch.object(os, "walk", walked),
        patch.object(Path, "iterdir", reverse(iterdir)),
        patch.object(Path, "glob", reverse(glob)),
        patch.object(Path, "rglob", reverse(rglob)),
    ):
        yield


class _Listing:
    """What os.scandir returns: an iterator that is closed by `with`."""

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries = iter(entries)

    def __iter__(self) -> Iterator[Any]:
        return self._entries

    def __next__(self) -> Any:
        return next(self._entries)

    def __enter__(self) -> "_Listing":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the listing."""
        self._entries = iter(())
