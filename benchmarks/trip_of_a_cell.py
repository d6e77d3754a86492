"""Count how many files of the core one cell enters, and how often the trip comes back to the file it started from.

`python benchmarks/trip_of_a_cell.py [STRATEGY [BUDGET]]` runs one cell on the embedded digits with `sys.setprofile`.
A file counts once when any of its functions is called; a return counts when a call out of the file of `run_cell` ends.
"""

import importlib
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path

import tlbench

CORE = str(Path(tlbench.__file__).resolve().parent) + os.sep


def trip(strategy: str = "linear-probe", budget: str = "5-shot") -> tuple[list[str], Counter[str]]:
    """Return the core's files that a cell enters, and from which of them it comes back how often."""
    from tlbench import Block, Recipe, Suite
    from tlbench.data import Cache, Resources
    from tlbench.host import Catalog, Host
    from tlbench.learning import configure, resolve_device
    from tlbench.planning import make_plan
    from tlbench.results import Store
    from tlbench.running import run_cell

    source = "typed" if budget == "0" else ""
    block = Block((strategy,), ("test_resnet.glyphs",), (f"digits[{source}->handwritten]",), (budget,))
    suite = Suite("trip", (block,), replicates=1, recipe=Recipe(steps=3))
    configure(threads=1)
    device = resolve_device("cpu")
    start = importlib.import_module(run_cell.__module__).__file__
    entered: list[str] = []
    back: Counter[str] = Counter()

    def look(frame, event, argument):
        name = frame.f_code.co_filename
        if event not in ("call", "return") or not name.startswith(CORE):
            return
        if event == "call" and name not in entered:
            entered.append(name)
        caller = frame.f_back
        if event == "return" and name != start and caller is not None and caller.f_code.co_filename == start:
            back[name] += 1

    with tempfile.TemporaryDirectory() as folder:
        resources = Resources(Catalog(Host()), Cache(Path(folder) / "cache"))
        [cell] = make_plan(suite, resources).cells
        store = Store(Path(folder) / "out", create=True)
        run_cell(cell, resources, device, store)  # what is read and encoded once is no part of a cell's life
        sys.setprofile(look)
        try:
            outcome = run_cell(cell, resources, device, store)
        finally:
            sys.setprofile(None)
    assert outcome.record.ok, outcome.record.failure
    return [str(Path(name).relative_to(CORE)) for name in entered], back


if __name__ == "__main__":
    files, back = trip(*sys.argv[1:])
    print("\n".join(files))
    for name, count in back.most_common():
        print(f"{count:4} times back from {Path(name).relative_to(CORE)}")
    print(f"{len(files)} files entered, {len(back)} of them by run_cell itself; {back.total()} times back")
