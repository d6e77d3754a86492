"""Stand in for `Results.answer` until it is there. To be deleted."""

from dataclasses import dataclass
from typing import Any

from tlbench_reports.rows import groups, summary_rows
from tlbench_reports.words import known, listing, plain


@dataclass(frozen=True)
class Card:
    transfer: str
    backbone: str
    budget: str
    setting: str
    labels: str
    winner: str
    strategy: str
    score: float
    low: float
    high: float
    tied: tuple[str, ...]
    reference: str
    gain: float
    gain_low: float
    gain_high: float
    verdict: str
    known: str
    known_gain: float
    known_low: float
    known_high: float
    known_verdict: str
    price: float
    price_of: str
    harmed: tuple[str, ...]
    no_answer: str
    sentence: str


@dataclass(frozen=True)
class Answer:
    question: str
    sentence: str
    subject: str
    cards: tuple[Card, ...]
    notes: tuple[str, ...]


def _labels(budget: str, setting: str) -> str:
    if setting == "unsupervised":
        return "no label at all"
    words = f"{budget.removesuffix('-shot')} label{'' if budget == '1-shot' else 's'} per class"
    words = "no target labels" if budget == "0" else f"episodes of {budget}" if "way" in budget else words
    return words + (", transductive" if setting == "transductive" else "")


def answer(results: Any, metric: str | None = None) -> Answer:
    nan = float("nan")
    cards = []
    from tlbench_reports.rows import cost_rows

    costs = {
        tuple(str(r[c]) for c in ("transfer", "backbone", "budget", "setting", "strategy")): r
        for r in cost_rows(results)
    }
    for group in groups(summary_rows(results, metric)):
        first = group.rows[0].values
        if first["setting"] == "oracle":
            continue
        rows = [row for row in group.rows if known(row.values["mean"]) and not row.is_upper_bound]
        place = (plain(first["transfer"]), plain(first["backbone"]), str(first["budget"]), str(first["setting"]))
        labels = _labels(place[2], place[3])
        best = next((row for row in rows if row.standing == "best"), None)

        def sec(row):
            return (
                costs.get(
                    (*(str(row.values[c]) for c in ("transfer", "backbone", "budget", "setting", "strategy")),), {}
                ).get("fit_seconds")
                or nan
            )

        if best is None:
            cards.append(
                Card(
                    *place,
                    labels,
                    "",
                    "",
                    nan,
                    nan,
                    nan,
                    (),
                    "",
                    nan,
                    nan,
                    nan,
                    "",
                    "",
                    nan,
                    nan,
                    nan,
                    "",
                    nan,
                    "",
                    (),
                    "no row has a score",
                    "No answer: no row has a score.",
                )
            )
            continue
        v = best.values
        cheapest = min(rows, key=sec)
        cards.append(
            Card(
                *place,
                labels,
                best.name,
                v["strategy"],
                v["mean"],
                v["low"],
                v["high"],
                tuple(r.name for r in rows if r.standing == "tied with best"),
                best.baseline,
                v["delta"],
                v["delta_low"],
                v["delta_high"],
                best.verdict,
                "",
                nan,
                nan,
                nan,
                "",
                sec(best) / sec(cheapest),
                cheapest.name,
                tuple(r.name for r in rows if r.is_negative_transfer),
                "",
                f"{best.name} leads at {labels}.",
            )
        )
    subject = {(c.transfer, c.backbone) for c in cards}
    where = f"{cards[0].transfer}, {cards[0].backbone}" if len(subject) == 1 else ""
    what = listing(dict.fromkeys(c.transfer for c in cards))
    return Answer(
        f"Which strategy is best for {what} at {listing(c.labels for c in cards[:4])}?",
        "; ".join(f"{c.winner} at {c.labels}" for c in cards[:4]) + ".",
        where,
        tuple(cards),
        (),
    )
