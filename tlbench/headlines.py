"""The answer in words, from a summary with intervals."""

from typing import Any

import pandas as pd

from tlbench.strategy import Family

_FEW = 3  # adaptations with a sentence each


def headlines(summary: pd.DataFrame, metric: str) -> list[str]:
    """Return sentences: who leads at each label budget, and whether each adaptation beats its baseline."""
    sentences = []
    keys = ["transfer", "backbone", "budget", "setting"]
    for (transfer, backbone, budget, setting), group in summary.groupby(keys, sort=False):
        where = f"{transfer}, {backbone}, {_spell(str(budget), str(setting))}"
        done = group[(group["n"] > 0) & (group["upper_bound"] != True)]  # noqa: E712 (a column)
        adaptations = done[done["family"] == str(Family.ADAPT)]
        others = done[done["family"] != str(Family.ADAPT)]
        if len(others):
            sentences.append(f"{where}: {_leader(others, metric)}")
        compared = adaptations[(adaptations["baseline"] != "") & adaptations["delta"].notna()]
        if len(compared) > _FEW:
            parts = compared.groupby(["source", "baseline"], sort=False)
            sentences += [f"{where}: {_adaptations(part, metric)}" for _, part in parts]
        else:
            sentences += [f"{where}: {_against_baseline(row)}" for _, row in compared.iterrows()]
    return sentences


def _spell(budget: str, setting: str) -> str:
    if setting == "unsupervised":
        return "no label at all"
    return _labels(budget) + (", transductive" if setting == "transductive" else "")


def _labels(budget: str) -> str:
    if budget == "0":
        return "no target labels"
    if "-way " in budget:
        return f"episodes of {budget}"
    if budget.endswith("-shot"):
        shots = int(budget.removesuffix("-shot"))
        return f"{shots} label{'s' if shots > 1 else ''} per class"
    return "all labels" if budget == "full" else f"{budget} labels"


def _leader(rows: pd.DataFrame, metric: str) -> str:
    best = rows.iloc[int(rows["mean"].argmax())]
    equals = rows[rows["mean"] == best["mean"]]
    if len(equals) > 1:
        ties = [f"{row['strategy']}{_interval(row)}" for _, row in equals.iterrows()]
        return f"{', '.join(ties[:-1])} and {ties[-1]} tie at {metric} {best['mean']:.3f}."
    sentence = f"{best['strategy']} leads with {metric} {best['mean']:.3f}{_interval(best)}"
    if best["baseline"]:
        sentence += f", {_points(best)} over {best['baseline']}"
        sentence += {"better": "", "unclear": ", not clearly", "worse": ""}.get(str(best["verdict"]), "")
    hurt = rows[rows["verdict"] == "worse"]
    if len(hurt):
        sentence += f"; negative transfer: {', '.join(hurt['strategy'])}"
    return sentence + "."


def _interval(row: Any) -> str:
    """Return what a mean may be, where there is an interval: over its episodes, or else over replicates."""
    if row["n_episodes"]:
        return f" [{row['episode_low']:.3f}, {row['episode_high']:.3f}] over {row['n_episodes']:,} episodes"
    return f" [{row['seed_low']:.3f}, {row['seed_high']:.3f}]" if pd.notna(row["seed_low"]) else ""


def _against_baseline(row: Any) -> str:
    words = {
        "better": "beats",
        "worse": "is worse than",
        "unclear": "does not clearly beat",
        "": "has one pair only, no interval, against",
    }
    return f"{row['strategy']} {words[row['verdict']]} {row['baseline']} ({_points(row)}, from {row['source']})."


def _adaptations(rows: pd.DataFrame, metric: str) -> str:
    """Name the best of many adaptations from one source, and how each stands to their baseline."""
    best = rows.iloc[int(rows["mean"].argmax())]
    leaders = rows.loc[rows["mean"] == best["mean"], "strategy"]
    verb = "leads with" if len(leaders) == 1 else "tie at"
    said = (
        f"of {len(rows)} adaptations from {best['source']}, {' and '.join(leaders)} {verb} {metric} {best['mean']:.3f}"
    )
    parts = []
    for verdict, words in (
        ("better", "beating it"),
        ("unclear", "not clearly different"),
        ("worse", "negative transfer"),
        ("", "one pair only, no interval"),
    ):
        names = rows.loc[rows["verdict"] == verdict, "strategy"]
        if len(names):
            parts.append(f"{words}: {', '.join(names)}")
    return f"{said}, {_points(best)} over {best['baseline']}; {'; '.join(parts)}."


def _points(row: Any) -> str:
    text = f"{100 * row['delta']:+.1f} points"
    if pd.notna(row["delta_low"]):
        text += f" [{100 * row['delta_low']:+.1f}, {100 * row['delta_high']:+.1f}]"
    return text
