"""Keep arrays and network states on disk by a hash: what is in the cache may be deleted at any time."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np
from filelock import FileLock

from tlbench.contract import digest
from tlbench.errors import StoreError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
LARGE = 2**28  # arrays from this many bytes on are memory-mapped instead of read
VARIABLE = "TLBENCH_CACHE"
KINDS = ("copies", "datasets", "encoded", "extraction", "features", "prepared", "weights")  # the folders in it


def default_cache_folder() -> Path:
    """Return the folder that TLBENCH_CACHE names, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get(VARIABLE) or platformdirs.user_cache_dir("tlbench"))


class Cache:
    """Keep arrays and network states under the hash of what they were made from.

    Each entry is written to a temporary file and renamed, so that a killed process leaves no half entry; a
    lock per entry keeps two workers from making the same one.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_cache_folder()
        self.made = 0  # entries this process made rather than found
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _touch(self.folder)
        except OSError as error:
            raise StoreError(
                f"cannot write to the cache folder {self.folder}: {error.strerror}. Set {VARIABLE} to another folder."
            ) from None

    def folder_for(self, kind: str, key: object) -> Path:
        """Return a folder of its own for data that a plugin fetches; made when missing."""
        folder = self.folder / kind / digest(key)[:32]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def array(self, kind: str, key: object, make: Callable[[Path], None]) -> np.ndarray:
        """Return the array of a key; `make` writes it as .npy to the path it is given when it is missing.

        Large arrays come memory-mapped, copy-on-write: changing one changes nobody else's.
        """

        def read(path: Path) -> np.ndarray:
            mode: Literal["c"] | None = "c" if path.stat().st_size >= LARGE else None
            loaded: np.ndarray = np.load(path, mmap_mode=mode, allow_pickle=False)
            return loaded

        return self._entry(kind, key, ".npy", make, read)

    def has(self, kind: str, key: object, suffix: str = ".npy") -> bool:
        """Tell whether an array is there; with `.safetensors` tensors and texts."""
        return (self.folder / kind / (digest(key)[:32] + suffix)).exists()

    def state(
        self, kind: str, key: object, make: "Callable[[], tuple[dict[str, Tensor], dict[str, str]]]"
    ) -> "tuple[dict[str, Tensor], dict[str, str]]":
        """Return tensors and texts of a key, kept as safetensors; `make` returns them when they are missing."""
        from safetensors import SafetensorError, safe_open
        from safetensors.torch import save_file

        def write(path: Path) -> None:
            tensors, texts = make()
            save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=texts)

        def read(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
            try:
                with safe_open(path, framework="pt") as file:
                    names = file.keys()
                    return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
            except SafetensorError as error:
                raise ValueError(str(error)) from None

        return self._entry(kind, key, ".safetensors", write, read)

    def _entry(self, kind: str, key: object, suffix: str, make: Callable[[Path], None], read: Callable[[Path], T]) -> T:
        """Read an entry, making it where it is missing, and once more where it turns out to be damaged."""
        path = self.folder / kind / (digest(key)[:32] + suffix)
        if not path.exists():
            self._make(path, make)
        try:
            return read(path)
        except (ValueError, EOFError):
            path.unlink(missing_ok=True)
            self._make(path, make)
            return read(path)

    def _make(self, path: Path, make: Callable[[Path], None]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if path.exists():  # another worker was faster
                return
            for leftover in path.parent.glob(f".*-{path.name}"):  # of a killed process: we hold the lock
                leftover.unlink(missing_ok=True)
            temporary = path.with_name(f".{os.getpid()}-{path.name}")
            try:
                make(temporary)
                os.replace(temporary, path)
            except OSError as error:
                raise StoreError(
                    f"cannot write to the cache folder {self.folder}: {error.strerror or error}."
                ) from None
            finally:
                temporary.unlink(missing_ok=True)
            self.made += 1

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return files and bytes by kind."""
        result: dict[str, tuple[int, int]] = {}
        for kind in (self.folder / name for name in KINDS if (self.folder / name).is_dir()):
            files = [file for file in kind.rglob("*") if file.is_file() and file.suffix != ".lock"]
            result[kind.name] = (len(files), sum(file.stat().st_size for file in files))
        return result

    def clear(self) -> None:
        """Delete every entry."""
        for kind in KINDS:  # nothing else: the folder may be one that holds other things too
            if (self.folder / kind).is_dir():
                shutil.rmtree(self.folder / kind)


def _touch(folder: Path) -> None:
    probe = folder / f".write-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()
