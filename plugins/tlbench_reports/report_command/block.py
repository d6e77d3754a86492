"""Keep the block of a document, such as a README, that shows the results of a folder as these are."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench_reports.atomic import write_text
from tlbench_reports.charts import charts
from tlbench_reports.markdown import escape
from tlbench_reports.rows import short_names
from tlbench_reports.words import NOTHING, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlbench import Results
    from tlbench.results import Card

_MARKER = re.compile(r"<!-- ([^\s:]+):begin -->")


def markers(name: str) -> tuple[str, str]:
    """Return what stands before and after the block of a results folder of this name."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def folder_name(results: "Results") -> str:
    """Return the name of a results folder, however it was spelled."""
    return results.folder.resolve().name


def write_block(results: "Results", document: Path) -> None:
    """Write the block of these results into a document; raise TlbenchError where it has no place for it."""
    before, _, after = taken_apart(results, document)
    write_text(document, before + block(results, document) + after)


def taken_apart(results: "Results", document: Path) -> tuple[str, str, str]:
    """Return the text of a document before, in and after the block of these results."""
    from tlbench import TlbenchError, near_miss

    try:
        text = document.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TlbenchError(f"cannot read {document}: {error}.") from None
    name = folder_name(results)
    begin, end = markers(name)
    head, found, rest = text.partition(begin)
    inside, closed, tail = rest.partition(end)
    if not found or not closed:
        missing = end if found else begin
        others = _MARKER.findall(text)
        raise TlbenchError(
            f"{document} has no line {missing}.{near_miss(name, others)} Write {begin} and {end} where the tables of "
            f"{results.folder} belong."
        )
    return head + begin + "\n", inside.removeprefix("\n"), end + tail


def block(results: "Results", document: Path) -> str:
    """Return the block: the answer in a sentence, who leads at each label budget, and the chart of them."""
    place = Path(os.path.relpath(results.folder.resolve(), document.resolve().parent)).as_posix()
    found = results.answer()
    lines = [f"**{escape(found.question)}** {escape(found.sentence)}", "", *_cards(found.cards), ""]
    lines += [
        f"In brackets: the gain{_over(found.cards)}, where it is clear. =: others are not clearly behind. "
        f"[All tables]({place}/tables/summary.md).",
        "",
    ]
    drawn = [chart for kind in ("budget-", "scores-") for chart in charts(results) if chart.name.startswith(kind)]
    if drawn:
        picture = drawn[0]
        what = escape(picture.lead) if picture.lead else "a line for each strategy"
        said = f"{escape(picture.title)}, with 95 % intervals: {what}"
        lines += [f"![{said}]({place}/charts/{picture.name}.png)"]
    return "\n".join(lines).rstrip("\n") + "\n"


def _cards(cards: "Sequence[Card]") -> list[str]:
    """Return a table: a line for each dataset and backbone, a column for each label budget."""
    labels = list(dict.fromkeys(card.labels for card in cards))
    places = list(dict.fromkeys((card.transfer, card.backbone) for card in cards))
    names = short_names([(plain(transfer), plain(backbone)) for transfer, backbone in places])
    of = {(card.transfer, card.backbone, card.labels): card for card in cards}
    lines = [f"| | {' | '.join(map(escape, labels))} |", f"|:---|{':---|' * len(labels)}"]
    for transfer, backbone in places:
        shown = [_cell(of.get((transfer, backbone, each))) for each in labels]
        name = names[plain(transfer), plain(backbone)]
        lines.append(f"| {escape(name)} | {' | '.join(shown)} |")
    return lines


def _cell(card: "Card | None") -> str:
    if card is None:
        return NOTHING
    if card.no_answer:
        return "no answer yet"
    by = f"{100 * card.gain:+.0f}" if abs(card.gain) <= 1 else f"{card.gain:+.2g}"
    gain = f" ({by})" if card.verdict == "better" else ""
    return f"**{escape(card.winner)}** {card.score:.3f}{gain}{' =' if card.tied else ''}"


def _over(cards: "Sequence[Card]") -> str:
    references = list(dict.fromkeys(card.reference for card in cards if card.verdict == "better"))
    return f" over {escape(references[0])} in points" if len(references) == 1 else " over the baseline in points"
