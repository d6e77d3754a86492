"""Write advice as plain text: as wide as the terminal, at most 100 columns, and the same in a pipe at 80."""

import io
import math
import sys

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tlbench import plural
from tlbench_advice.advice import Advice, Row
from tlbench_advice.hindsight import Hits

_WIDEST = 100
_SHOWN = 5  # candidates and datasets that are printed; --json has all
_BY = {
    "evidence": "chosen by the stored results",
    "scores": "chosen by LogME and kNN alone: too few stored results are of these backbones",
    "order given": "not chosen, it is the first: too few stored results are of these backbones, and no scores agree",
}


def printed(advice: Advice, verbose: bool = False) -> str:
    """Return the advice for stdout as it is now: its width, its colours, its characters.

    Without an answer it is few lines: that there is none, why, and what to do; with `verbose` all that was looked at.
    """
    console = Console(
        file=io.StringIO(), width=min(Console().width, _WIDEST), highlight=False, markup=False, emoji=False,
        force_terminal=sys.stdout.isatty() or None,
    )  # fmt: skip
    whole = advice.enough or verbose
    if whole:
        console.print(Text(_data(advice)))
        console.print()
    _answer(console, advice)
    if whole:
        _evidence(console, advice)
        _scores(console, advice)
        _past(console, advice)
    else:
        for remark in advice.remarks[:1]:
            _say(console, remark)
        _say(console, "--verbose shows what was looked at, and the scores of the features at hand.")
    console.print(Text("\nCheck it" if advice.enough else "\nMeasure it", style="bold"))
    console.print(Text(f"  {advice.command}"), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    text = "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, errors="replace").decode(encoding)


def _data(advice: Advice) -> str:
    source = f" from {advice.source}" if advice.source else ""
    used = f"{advice.labels:,} of {plural(advice.train_examples, 'training label')}"
    part = f", scores on {advice.scored:,} of these" if advice.scored < advice.labels else ""
    return (
        f"{advice.dataset}{source}: {plural(advice.classes, 'class', 'classes')}, budget {advice.budget} "
        f"({used}{part}; the test split is not read)"
    )


def _answer(console: Console, advice: Advice) -> None:
    if not advice.enough:
        console.print(Text("Advice: not enough evidence", style="bold"))
        for reason in advice.reasons:
            _say(console, reason[0].upper() + reason[1:])
        if advice.backbone_by == "scores":
            _say(console, f"Of the backbones LogME and kNN prefer {_label(advice)}; no stored result has tested that.")
        return
    console.print(Text(f"Advice: {advice.strategy} on {_label(advice)}", style="bold"))
    first, *others = advice.rows
    second = others[0] if others else None
    if _name(first) != advice.reference:
        spread = f"from {_points(first.lowest)} to {_points(first.highest)}"
        _say(
            console,
            f"{_points(first.gain)} points of accuracy over {advice.reference}, the mean of "
            f"{plural(first.datasets, 'stored dataset')} weighted by similarity ({spread}); best or tied with the best "
            f"on {first.tied} of {first.datasets}.",
        )
    else:
        _say(console, f"Best or tied with the best on {first.tied} of {plural(first.datasets, 'stored dataset')}.")
    if second is not None:
        _say(console, f"Next: {_name(second)}, {100 * (first.gain - second.gain):.1f} points behind.")
    if advice.backbone_by in _BY:
        _say(console, f"The backbone: {_BY[advice.backbone_by]}.")
    if advice.scores_prefer and advice.scores_prefer != advice.backbone:
        _say(
            console,
            f"But LogME and kNN of the features at hand agree on {_label(advice, advice.scores_prefer)}, which stored "
            "results cannot know: measure both before you decide.",
        )


def _evidence(console: Console, advice: Advice) -> None:
    console.print(Text("\nEvidence", style="bold"))
    if not advice.folders:
        _say(console, "No results folder: none was named with --results, and tlbench-results/ holds none here.")
    else:
        more = f" and {len(advice.folders) - 3} more" if len(advice.folders) > 3 else ""
        folders = ", ".join(advice.folders[:3]) + more
        _say(
            console,
            f"{plural(advice.used, 'score')} on {plural(len(advice.neighbours), 'other dataset')}, of "
            f"{plural(advice.records, 'record')} in {plural(len(advice.folders), 'folder')}: {folders}",
        )
    letters = _letters(advice)
    if advice.neighbours:
        if letters:
            named = "; ".join(f"{letter}: {label}" for label, letter in letters.items())
            _say(console, named)
        table = _table("dataset", "similarity>", "classes>", "budget", "best")
        for each in advice.neighbours[:_SHOWN]:
            best = _short(", ".join(each.best), letters)
            table.add_row(each.dataset, f"{each.similarity:.2f}", str(each.classes), ", ".join(each.budgets), best)
        _show(console, table, len(advice.neighbours))
    if advice.rows:
        _say(console, f"Gain in points of accuracy over {_short(advice.reference, letters)}:")
        table = _table("candidate", "gain>", "from>", "to>", "best or tied>")
        for row in advice.rows[:_SHOWN]:
            numbers = [_points(value) for value in (row.gain, row.lowest, row.highest)]
            table.add_row(_short(_name(row), letters), *numbers, f"{row.tied} of {row.datasets}")
        _show(console, table, len(advice.rows))
    for remark in advice.remarks:
        _say(console, remark)


def _scores(console: Console, advice: Advice) -> None:
    console.print(Text("\nTransferability scores of the features at hand (higher is better)", style="bold"))
    if advice.scored:
        table = _table("backbone", "LogME>", "H-score>", "LEEP>", "kNN>")
        for each in advice.scores:
            values = (each.logme, each.h_score, each.leep, each.knn)
            table.add_row(each.label, *("-" if math.isnan(value) else f"{value:.3f}" for value in values))
        _show(console, table, 0)
    for sentence in advice.inapplicable:
        _say(console, sentence)


def _past(console: Console, advice: Advice) -> None:
    console.print(Text("\nPast hit rate (each stored dataset left out in turn)", style="bold"))
    past = advice.hindsight
    if past is None:
        _say(console, "None: there are too few stored datasets to leave one out.")
        return
    is_open = advice.backbone_by in ("scores", "order given")
    untested = " That is of strategies: the choice of the backbone is untested." if is_open else ""
    _say(
        console,
        f"Best or tied with the best on {past.rule.rate * past.tasks:.0f} of {plural(past.tasks, 'task')} (one target "
        f"at one budget each) of {plural(past.datasets, 'dataset')}.{untested}",
    )
    table = _table("way to choose", "hits>", "points lost on average>")
    ways = (("this rule", past.rule), ("always the most frequent winner", past.winner), ("at random", past.chance))
    for name, hits in ways:
        table.add_row(name, _rate(hits), f"{100 * hits.regret:.1f}")
    _show(console, table, 0)
    if past.unanswered:
        _say(console, f"On {plural(past.unanswered, 'further task')} the others held too little to choose by.")
    if advice.enough and past.rule.rate <= past.winner.rate and past.rule.regret >= past.winner.regret:
        _say(console, "The rule has done no better than always taking the most frequent winner.")


def _label(advice: Advice, backbone: str = "") -> str:
    """Return how a backbone is shown, the advised one where none is given."""
    wanted = backbone or advice.backbone
    return next((each.label for each in advice.scores if each.backbone == wanted), wanted)


def _name(row: Row) -> str:
    return f"{row.strategy} on {row.backbone}" if row.backbone else row.strategy


def _letters(advice: Advice) -> dict[str, str]:
    """Return a letter for each backbone where candidates name them: labels are too long for a table."""
    if not any(row.backbone for row in advice.rows):
        return {}
    return {each.label: chr(ord("A") + position) for position, each in enumerate(advice.scores[:26])}


def _short(text: str, letters: dict[str, str]) -> str:
    for label in sorted(letters, key=len, reverse=True):
        text = text.replace(f" on {label}", f" on {letters[label]}")
    return text


def _points(value: float) -> str:
    return f"{100 * value:+.1f}"


def _rate(hits: Hits) -> str:
    return f"{100 * hits.rate:.0f} %"


def _say(console: Console, text: str) -> None:
    console.print(Padding(Text(text), (0, 0, 0, 2)))


def _table(*heads: str) -> Table:
    """Return a table; a head that ends in > is of numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
    for head in heads:
        table.add_column(Text(head.rstrip(">")), justify="right" if head.endswith(">") else "left", overflow="fold")
    return table


def _show(console: Console, table: Table, total: int) -> None:
    console.print(Padding(table, (0, 0, 0, 2)))
    if total > _SHOWN:
        _say(console, f"and {total - _SHOWN} more (--json has all)")
