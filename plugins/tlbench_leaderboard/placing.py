"""Put finished folders into their place in one step."""

import os
from pathlib import Path


def put(made: Path, out: Path, old: Path) -> None:
    """Put a finished folder into its place; what stood there comes back where that fails."""
    os.chmod(made, 0o755)  # a temporary folder is its maker's alone
    if out.exists():
        os.rename(out, old)
    try:
        os.rename(made, out)
    except OSError:
        if old.exists():
            os.rename(old, out)
        raise
