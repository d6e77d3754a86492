"""What is not in the summary, and why: skipped and failed cells."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlbench_reports.words import count, known, listing, plain

if TYPE_CHECKING:
    from tlbench import Results


@dataclass(frozen=True)
class Gap:
    """Cells that have no score for one and the same reason."""

    cells: int
    strategies: str
    backbones: str
    transfers: str
    budgets: str
    reason: str

    def __str__(self) -> str:
        where = "; ".join(part for part in (self.strategies, self.backbones, self.transfers, self.budgets) if part)
        return f"{count(self.cells, 'cell')} ({where}): {self.reason}"


def skipped(results: "Results") -> list[Gap]:
    """Return the combinations that were left out on purpose, by reason."""
    return _by_reason((plain(skip["reason"]), int(skip.get("cells", 1)), skip) for skip in results.skipped)


def failed(results: "Results") -> list[Gap]:
    """Return the cells that broke, by what broke them."""
    frame = results.frame()
    broken = frame[frame["status"] == "failed"].to_dict("records")
    return _by_reason((_failure(row), 1, row) for row in broken)


def tally(results: "Results") -> str:
    """Say how many cells were scored, failed, were skipped and are still to be run."""
    total = len(results.records)
    broken = sum(not record.ok for record in results.records)
    left_out = sum(gap.cells for gap in skipped(results))
    missing = len(set(results.store.read_plan().get("cells", ())) - {record.cell for record in results.records})
    pending = f" {count(missing, 'planned cell')} not run yet." if missing else ""
    return f"{count(total, 'cell')} run: {total - broken:,} scored, {broken:,} failed. {left_out:,} skipped.{pending}"


def _failure(row: Mapping[Any, Any]) -> str:
    kind = plain(row["failure"]) if known(row["failure"]) else "failure"
    return f"{kind}: {plain(row['message'])}" if known(row["message"]) else kind


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
