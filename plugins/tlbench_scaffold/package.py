"""Write the files of a new plugin package: all of them or none."""

import datetime
import importlib.metadata
import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from packaging.version import Version

from tlbench import ParameterError, __version__
from tlbench_scaffold.naming import KINDS, Names

_PURPOSE = {
    "strategy": "The strategy `{name}` for tlbench: class means are imprinted as a cosine head and trained.",
    "backbone": "The backbone `{name}` for tlbench: three convolutions on 32x32 images.",
    "dataset": "The dataset `{name}` for tlbench: noisy stripes of four directions, by day and by night.",
    "metric": "The metric `{name}` for tlbench: the Brier score of the predicted probabilities.",
    "reporter": "The reporter `{name}` for tlbench: the leader of each label budget, one per line.",
}
_SUMMARY = "The {kind} {name} for tlbench."
_TO_SEE = {
    "strategy": "Its row stands beside the linear probe's, on the same labelled images.",
    "backbone": "It starts at random; write `{name}@FILE` for weights of your own.",
    "dataset": "Write `{name}[day->night]` for strategies that adapt from one domain to the other.",
    "metric": "Its column stands under *All metrics* on the page, and in `tables/results.csv`.",
    "reporter": "The file is `tables/{name}.txt` among the results; `tlbench report FOLDER --format {name}` writes it.",
}
_VERSION_RULE = {
    "strategy": "whenever scores would change: it is part of what names a cell",
    "backbone": "whenever features would change: it is part of what names a cell",
    "dataset": "whenever an image or a label would change: it is part of what names a cell",
    "metric": "whenever a value would change",
    "reporter": "in `pyproject.toml` with every release",
}
_LONGEST_AUTHOR = 100


def write_package(names: Names, out: Path, author: str | None) -> Path:
    """Write the package `out/tlbench-NAME` and return its folder, which must not exist yet.

    Raises ParameterError where it does, or cannot be written; nothing is left behind then.
    """
    folder = out / names.distribution
    if os.path.lexists(folder):
        raise ParameterError(
            f"{folder} exists already, and nothing is overwritten. Move it away, or give --out FOLDER."
        )
    contents = _contents(names, _checked(author or f"The {names.distribution} authors"))
    try:
        out.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{names.distribution}-", dir=out))
    except OSError as error:
        raise ParameterError(f"cannot write to {out}: {error.strerror or error}.") from None
    try:
        for name, text in contents.items():
            path = unfinished / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        unfinished.chmod(0o777 & ~_umask())
        unfinished.rename(folder)
    except OSError as error:
        raise ParameterError(f"cannot write {folder}: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _contents(names: Names, author: str) -> dict[str, str]:
    """Return the text of every file by its path in the package."""
    loader = Environment(
        loader=PackageLoader("tlbench_scaffold"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    known = {"kind": names.kind, "name": names.name}
    test_module = f"test_{names.name.replace('-', '_')}"
    values = {
        **vars(names),
        "kinds": KINDS[names.kind],
        "summary": _SUMMARY.format(**known),
        "purpose": _PURPOSE[names.kind].format(**known),
        "what_to_see": _TO_SEE[names.kind].format(**known),
        "version_rule": _VERSION_RULE[names.kind],
        "run_command": names.run_command,
        "test_module": test_module,
        "tlbench_version": oldest_version(),
        "author": author,
        "author_quoted": json.dumps(author, ensure_ascii=False),  # TOML's basic strings are JSON's
        "year": datetime.date.today().year,
    }
    files = {
        "pyproject.toml": "shared/pyproject.toml.jinja",
        "README.md": "shared/README.md.jinja",
        "LICENSE": "shared/LICENSE.jinja",
        ".gitignore": "shared/gitignore.jinja",
        f"{names.module}.py": f"{names.kind}/module.py.jinja",
        f"tests/{test_module}.py": f"{names.kind}/test.py.jinja",
    }
    return {path: loader.get_template(template).render(values) for path, template in files.items()}


def oldest_version() -> str:
    """Return the version of tlbench to ask for: what the installer knows, where a checkout has moved on since.

    A newer one could not be installed beside this tlbench, and pip would look for it elsewhere.
    """
    found = [Version(__version__)]
    with suppress(importlib.metadata.PackageNotFoundError):
        found.append(Version(importlib.metadata.version("tlbench")))
    return min(found).public


def _checked(author: str) -> str:
    text = " ".join(author.split())
    if not text or not text.isprintable() or len(text) > _LONGEST_AUTHOR:
        raise ParameterError(f"--author must be a name of 1 to {_LONGEST_AUTHOR} printable characters, got {author!r}.")
    return text


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
