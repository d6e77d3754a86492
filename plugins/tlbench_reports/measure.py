"""Say by which metric results are shown: its direction, what it is, and which class is the positive one."""

from typing import TYPE_CHECKING

from tlbench_reports.once import once
from tlbench_reports.words import listing, plain

if TYPE_CHECKING:
    from tlbench import Results

LOWER = "lower is better"


def named(metric: str, higher_is_better: bool) -> str:
    """Return a metric's name, and its direction where less is better."""
    return plain(metric) if higher_is_better else f"{plain(metric)} ({LOWER})"


@once
def in_points(results: "Results", metric: str) -> bool:
    """Tell whether differences are said in points: of a share, which lies between 0 and 1, the more the better."""
    frame = results.frame()
    scores = frame[metric].dropna() if metric in frame else []
    return results.higher_is_better(metric) and bool(len(scores)) and bool(scores.between(0, 1).all())


def measures(results: "Results") -> list[str]:
    """Return what a reader must know of the metric that was chosen; nothing where nobody chose one."""
    metric = results.chosen_metric
    if metric is None:
        return []
    parts = [plain(metric.description), "" if results.higher_is_better(metric.name) else LOWER]
    said = [f"{plain(metric.name)}: {'; '.join(filter(None, parts))}."] if any(parts) else []
    positive: dict[str, list[str]] = {}
    for transfer in dict.fromkeys(str(name) for name in results.frame()["transfer"]) if metric.positive else ():
        names = results.class_names(transfer)
        if len(names) == 2:
            positive.setdefault(plain(names[1]), []).append(transfer)
    for name, transfers in positive.items():
        where = f" of {listing(transfers)}" if len(positive) > 1 else ""
        said.append(f"The positive class{where}, the second in the order of classes: {name}.")
    return said
