"""What `import tlbench` offers: sorted, complete, and without the wait for torch."""

import subprocess
import sys

import pytest

import tlbench


def test_the_public_names_are_sorted_and_unique():
    names = [name for name in tlbench.__all__ if name != "__version__"]
    assert names == sorted(set(names))
    assert tlbench.__all__[-1] == "__version__"


@pytest.mark.parametrize("name", tlbench.__all__)
def test_every_public_name_can_be_imported_and_has_a_docstring(name):
    value = getattr(tlbench, name)
    assert name == "__version__" or value.__doc__ or name == "hookimpl"
    assert name in dir(tlbench)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'tlbench' has no attribute 'Strategie'"):
        tlbench.Strategie  # noqa: B018


def test_every_error_is_a_tlbench_error():
    from tlbench import errors

    raised = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(raised) >= 10
    assert all(issubclass(error, tlbench.TlbenchError) for error in raised)


def test_importing_the_vocabulary_waits_for_nothing_heavy():
    code = (
        "import sys, tlbench\n"
        "from tlbench import Backbone, Budget, Dataset, Family, Labelled, Recipe, Reporter, Strategy, Suite, hookimpl\n"
        "heavy = ('torch', 'timm', 'pandas', 'matplotlib', 'sklearn', 'click')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
