"""Offer the suites that come with tlbench: TOML files like those that users write."""

from pathlib import Path

from tlbench import hookimpl

FOLDER = Path(__file__).parent


@hookimpl
def tlbench_suites():
    """Offer `quick`."""
    from tlbench import load_suite

    return [load_suite(path) for path in sorted(FOLDER.glob("*.toml"))]
