"""Write files whole or not at all."""

import os
from pathlib import Path

from tlbench.errors import StoreError


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new, never a part.

    Raises StoreError where the file cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}-{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {error.strerror or error}.") from None
