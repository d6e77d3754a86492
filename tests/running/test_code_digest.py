"""The digest of a strategy's code covers what it imports from its own package, and no more."""

import importlib
import sys

import pytest

from tlbench.running.code_digest import core_digest, package_digest, source_digest


@pytest.fixture
def digest_of(tmp_path, monkeypatch):
    """Write a package of some files, and return the digest of its module `mine` with changes."""
    monkeypatch.syspath_prepend(tmp_path)
    first = {
        "__init__.py": "def offer():\n    from paket.other import Other\n",
        "mine.py": "from . import near\nfrom paket.deep.far import VALUE\nimport json\n",
        "near.py": "def late():\n    from .late import thing\n",
        "late.py": "thing = 1\n",
        "deep/__init__.py": "",
        "deep/far.py": "VALUE = 1\n",
        "other.py": "class Other: pass\n",
    }

    def call(**changed):
        for name, text in (first | changed).items():
            path = tmp_path / "paket" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for name in [name for name in sys.modules if name.partition(".")[0] == "paket"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        importlib.import_module("paket.mine")
        package_digest.cache_clear()
        return package_digest("paket.mine")

    yield call
    for name in [name for name in sys.modules if name.partition(".")[0] == "paket"]:
        del sys.modules[name]


@pytest.mark.parametrize("name", ["mine.py", "near.py", "late.py", "deep/far.py", "deep/__init__.py", "__init__.py"])
def test_every_file_that_a_module_imports_counts(digest_of, name):
    before = digest_of()
    assert digest_of(**{name: "VALUE = 2\n" if "far" in name else "# another line\n"}) != before
    assert digest_of() == before


def test_a_file_that_it_does_not_import_does_not_count(digest_of):
    assert digest_of() == digest_of(**{"other.py": "class Other: changed = True\n"})


def test_a_module_without_a_package_counts_alone():
    assert package_digest("this") == source_digest("this") == ""
    importlib.import_module("colorsys")
    assert package_digest("colorsys") == source_digest("colorsys") != ""


def test_the_core_has_one_digest():
    assert len(core_digest()) == 64
