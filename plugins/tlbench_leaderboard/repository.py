"""Write the files of a leaderboard repository: what its CI runs, what its README says, and where submissions go."""

from importlib.resources import files
from pathlib import Path

from tlbench import ParameterError, __version__, write_atomically
from tlbench.errors import StoreError

_FILES = {
    ".github/workflows/leaderboard.yml": "workflow.yml",
    "README.md": "repository.md",
    "requirements.txt": "requirements.txt",
    "submissions/README.md": "submissions.md",
}


def write_repository(folder: Path, title: str) -> list[Path]:
    """Write the files and return their paths; raise StoreError where one is there already, before any is written."""
    if not title.isprintable() or not title.strip() or any(sign in title for sign in "'\"\\$`{}"):
        raise ParameterError(f"--title {title!r} must be plain words: the workflow's shell reads it.")
    if folder.exists() and not folder.is_dir():
        raise StoreError(f"{folder} is a file. Give a folder.")
    for name in _FILES:
        if (folder / name).exists():
            raise StoreError(f"{folder / name} is there already, and is not overwritten. Give another folder.")
    version = f"tlbench=={__version__}" if "dev" not in __version__ else "tlbench"
    templates = files("tlbench_leaderboard").joinpath("templates")
    written = []
    for name, template in _FILES.items():
        text = templates.joinpath(template).read_text(encoding="utf-8")
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror or error}.") from None
        write_atomically(path, text.replace("@TITLE@", title).replace("@TLBENCH@", version).encode())
        written.append(path)
    return written
