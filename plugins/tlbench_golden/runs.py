"""Run the suites of golden checks for their accuracies; results folders are kept, so a second call runs nothing."""

import pandas as pd

from tlbench import Suite, TlbenchError, run
from tlbench_golden.check import Setup


def accuracies(setup: Setup, suite: Suite) -> pd.DataFrame:
    """Run what is lacking of a suite; return the mean accuracy by `strategy`, `dataset` and `budget`.

    Raises TlbenchError where a cell failed.
    """
    frame = run(suite, out=setup.out / suite.name, device="cpu", jobs=setup.jobs).frame()
    failed = frame[frame["status"] != "ok"]
    if len(failed):
        raise TlbenchError(f"{failed['strategy'].iloc[0]} failed: {failed['message'].iloc[0]}")
    means: pd.DataFrame = frame.groupby(["strategy", "dataset", "budget"], as_index=False)["accuracy"].mean()
    return means
