"""List what is not in the summary, and why: skipped and failed cells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench import plural
from tlbench_reports.grid import Grid, number_column, text_column
from tlbench_reports.words import known, listing, plain

if TYPE_CHECKING:
    from tlbench import Record, Results


_LONG = 300  # letters of a listing


@dataclass(frozen=True)
class Gap:
    """Hold cells that have no score for one and the same reason."""

    cells: int
    strategies: str
    backbones: str
    transfers: str
    budgets: str
    reason: str

    def __str__(self) -> str:
        where = "; ".join(part for part in (self.strategies, self.backbones, self.transfers, self.budgets) if part)
        return f"{plural(self.cells, 'cell')} ({where}): {self.reason}"


def skipped(results: "Results") -> list[Gap]:
    """Return the combinations that were left out on purpose, by reason."""
    return _by_reason((plain(skip["reason"]), int(skip.get("cells", 1)), skip) for skip in results.skipped)


def failed(results: "Results") -> list[Gap]:
    """Return the cells that broke, by what broke them."""
    broken = [record for record in results.records if record.failure]
    return _by_reason((_failure(record), 1, record.labels) for record in broken)


def grid(kind: str, found: list[Gap]) -> Grid | None:
    """Return a table of the page, a row for each reason; None where there is none."""
    if not found:
        return None
    listed = (("strategies", "strategies"), ("backbones", "backbones"), ("transfers", "transfers"))
    return Grid(
        kind,
        f"{kind.capitalize()} cells",
        f"{kind.capitalize()} cells, by reason",
        (
            text_column("reason", "reason", [gap.reason for gap in found], is_prose=True),
            number_column("cells", "cells", [f"{gap.cells:,}" for gap in found], [gap.cells for gap in found]),
            *(text_column(key, title, [_short(getattr(gap, key)) for gap in found], is_prose=True)
              for key, title in (*listed, ("budgets", "label budgets"))),
        ),
    )  # fmt: skip


def _short(names: str) -> str:
    """Return a listing, cut where nobody would read on."""
    if len(names) <= _LONG:
        return names
    return f"{names[:_LONG].rpartition(', ')[0] or names[:_LONG]}, … ({names.count(', ') + 1:,} in all)"


def tally(results: "Results") -> str:
    """Say how many cells were scored, failed, were skipped and are still to be run."""
    total = len(results.records)
    broken = sum(not record.ok for record in results.records)
    left_out = sum(gap.cells for gap in skipped(results))
    missing = len(set(results.store.read_plan().get("cells", ())) - {record.cell for record in results.records})
    pending = f" {plural(missing, 'planned cell')} not run yet." if missing else ""
    return f"{plural(total, 'cell')} run: {total - broken:,} scored, {broken:,} failed. {left_out:,} skipped.{pending}"


def _failure(record: "Record") -> str:
    failure = record.failure
    kind = plain(failure.kind if failure else "") or "failure"
    return f"{kind}: {plain(failure.message)}" if failure and failure.message else kind


def _by_reason(entries: Iterable[tuple[str, int, Mapping[Any, Any]]]) -> list[Gap]:
    cells: dict[str, int] = {}
    members: dict[str, list[Mapping[Any, Any]]] = {}
    for reason, number, entry in entries:
        cells[reason] = cells.get(reason, 0) + number
        members.setdefault(reason, []).append(entry)
    return [_gap(cells[reason], reason, entries) for reason, entries in members.items()]


def _gap(cells: int, reason: str, entries: list[Mapping[Any, Any]]) -> Gap:
    def different(column: str) -> str:
        return listing(entry[column] for entry in entries if known(entry.get(column)))

    return Gap(cells, different("strategy"), different("backbone"), different("transfer"), different("budget"), reason)
