"""Write files that are there whole or not at all."""

import os
from pathlib import Path


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file in one step, so that a reader or a crash never meets half of it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # replacing is atomic only within one folder
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_text(path: Path, content: str) -> Path:
    """Write a text file, UTF-8 with plain newlines on every system, in one step; return its path."""
    return write_bytes(path, content.encode("utf-8"))
