"""Sum up what the reruns say of each row, alone and together."""

from collections.abc import Sequence
from dataclasses import dataclass

from tlbench import plural
from tlbench_leaderboard.claims import Claims
from tlbench_leaderboard.direction import Direction, direction
from tlbench_leaderboard.status import REFUTED, UNVERIFIED, VERIFIED
from tlbench_leaderboard.verifying import Verified

_ORDER = (VERIFIED, UNVERIFIED, REFUTED)


@dataclass(frozen=True)
class RowStatus:
    """Hold what is known of a row."""

    key: str
    row: str  # in words
    status: str
    rerun: int
    have: int
    is_gone: bool  # it has a failure that did not come again
    why: str = ""

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        why = f", {self.why}" if self.why else ""
        return f"{self.row}: {self.status} ({self.rerun} of {self.have} rerun{why})"


@dataclass(frozen=True)
class Summed:
    """Hold what is known of all rows that were looked at."""

    rows: tuple[RowStatus, ...]
    lean: Direction

    def count(self, status: str) -> int:
        """Return how many rows are verified, unverified or refuted."""
        return sum(row.status == status for row in self.rows)

    @property
    def words(self) -> str:
        """Say how many rows are what."""
        counts = [f"{self.count(status)} {status}" for status in _ORDER if self.count(status)]
        return f"{plural(len(self.rows), 'row')}: {', '.join(counts)}"

    @property
    def is_any_gone(self) -> bool:
        """Tell whether a failure did not come again."""
        return any(row.is_gone for row in self.rows)


def sum_up(claims: Claims, verified: Sequence[Verified], strict: bool, with_members: bool) -> Summed:
    """Return the status of each row of which a record was rerun.

    One record that does not stand refutes its row, and one that nobody could rerun leaves it unverified. Where the
    scores of all records together lie above their reruns, the rows of those that do are refuted. An ensemble stands on
    the predictions of its members: its row is no better than theirs.
    """
    lean = direction([each.difference for each in verified if each.verdict.confirms])
    status: dict[str, str] = {}
    why: dict[str, str] = {}
    for each in verified:
        key, found, reason = each.claim.key, each.status, ""
        if strict and found == VERIFIED and each.verdict.kind != "same":
            found, reason = REFUTED, "other bits"
        elif found == VERIFIED and lean.refutes and each.difference > 0:
            found, reason = REFUTED, "raised like the others"
        if _worse(status.get(key, VERIFIED), found) != status.get(key):
            status[key], why[key] = found, reason
    if with_members:
        _follow_members(claims, status, why)
    rerun = [each.claim.key for each in verified]
    gone = {each.claim.key for each in verified if each.is_gone}
    rows = (
        RowStatus(key, records[0].row, status[key], rerun.count(key), len(records), key in gone, why[key])
        for key, records in claims.rows.items()
        if key in status
    )
    return Summed(tuple(rows), lean)


def _worse(one: str, other: str) -> str:
    return max(one, other, key=_ORDER.index)


def _follow_members(claims: Claims, status: dict[str, str], why: dict[str, str]) -> None:
    """Make the rows of ensembles no better than those of their members, and of members of members."""
    members = {
        key: {_key(claims, place) for claim in records for place in claim.members}
        for key, records in claims.rows.items()
    }
    for _ in members:
        before = dict(status)
        for key, own in members.items():
            for member in own if key in status else ():
                found = _worse(status[key], status.get(member, UNVERIFIED))
                if found != status[key]:
                    status[key], why[key] = found, f"a member of it is {found}"
        if status == before:
            return


def _key(claims: Claims, place: str) -> str:
    claim = claims.by_place.get(place)
    return claim.key if claim else ""
