"""Rerun sampled records in a store and a cache of their own, and compare them with what was submitted."""

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tlbench import ParameterError, Record, near_miss
from tlbench.data import Cache, Resources
from tlbench.errors import StoreError
from tlbench.host import Catalog
from tlbench.results import Store
from tlbench.running import CannotRebuildError, Rebuilder
from tlbench_leaderboard.claims import Claim, Claims
from tlbench_leaderboard.comparing import Verdict, compare
from tlbench_leaderboard.content import parse_object, read_plan, read_predictions
from tlbench_leaderboard.source import Source
from tlbench_leaderboard.status import REFUTED, UNVERIFIED, VERIFIED


@dataclass(frozen=True)
class Verified:
    """Hold a record and what its rerun says."""

    claim: Claim
    verdict: Verdict
    difference: float = 0.0  # how much better its score is than that of its rerun, in roots of test items
    is_gone: bool = False  # a failure that did not come again

    @property
    def status(self) -> str:
        """Return what it is: verified, unverified or refuted."""
        return REFUTED if self.verdict.refutes else VERIFIED if self.verdict.confirms else UNVERIFIED


def specs_elsewhere(source: Source, given: Sequence[str]) -> dict[str, str]:
    """Read `SPEC=SPEC`, where specs may hold `=` themselves; raise ParameterError where no record has the first."""
    known: dict[str, None] = {}
    if not given:
        return {}
    for place in source.records():
        command = parse_object(source.read(place), place).get("provenance", {}).get("command", {})
        known |= dict.fromkeys(str(command[key]) for key in ("dataset", "backbone") if key in command)
    found = {}
    for text in given:
        splits = [(text[:at], text[at + 1 :]) for at, sign in enumerate(text) if sign == "="]
        fitting = [(old, new) for old, new in splits if old in known and new]
        if not fitting:
            old = text.partition("=")[0]
            hint = near_miss(old, known, 0.4)
            raise ParameterError(f"{text!r}: write SPEC=SPEC, the first as the records have it.{hint}")
        found |= dict(fitting[-1:])
    return found


def verify(
    claims: Claims,
    chosen: Iterable[Claim],
    catalog: Catalog,
    elsewhere: Mapping[str, str],
    device: str | None,
    *,
    trust_cache: bool = False,
) -> Iterator[Verified]:
    """Rerun records and yield what comes of each; the next record is asked for once the one before is yielded.

    Nothing is written but to a folder that is deleted afterwards.
    """
    plan = read_plan(claims.source)
    suite = plan.get("suite")
    metric = str(suite.get("metric") or "") if isinstance(suite, Mapping) else ""
    with tempfile.TemporaryDirectory(prefix="tlbench-verify-") as folder:
        cache = Cache() if trust_cache else Cache(Path(folder) / "cache")
        resources = Resources(catalog, cache)
        rerun = _Rerun(claims.source, Rebuilder(plan, resources, elsewhere), device, metric)
        for number, claim in enumerate(chosen):
            yield rerun(claim, Store(Path(folder) / f"store-{number}", create=True))


class _Rerun:
    """Run a record again and compare."""

    def __init__(self, source: Source, rebuilder: Rebuilder, device: str | None, metric: str) -> None:
        self.source, self.rebuilder, self.device = source, rebuilder, device
        self.metrics = (metric, "accuracy", "clustering-accuracy")  # the first that both have is tested for a lean
        self.lower = {each.name for each in rebuilder.resources.catalog.metric_list() if not each.higher_is_better}

    def __call__(self, claim: Claim, store: Store) -> Verified:
        from tlbench.learning import configure, resolve_device
        from tlbench.running import run_cell

        if claim.broken:
            return Verified(claim, Verdict("different", claim.broken))
        source, place = self.source, claim.place
        record = Record.from_json(parse_object(source.read(place), place))
        beside = place.removesuffix("json") + "safetensors"
        stored = read_predictions(source.read(beside), beside) if beside in source.sizes else None
        try:
            planned = self.rebuilder.cell(record)
            for member in claim.members:
                _bring(source, member, store)
        except CannotRebuildError as error:
            return Verified(claim, Verdict("not-run", f"it cannot be rerun here: {error}"))
        except StoreError as error:
            return Verified(claim, Verdict("not-run", f"a member of it is missing: {error}"))
        threads = record.environment.get("threads", "1")
        configure(int(threads) if threads.isdigit() and 0 < int(threads) <= 256 else 1)
        chosen = resolve_device(self.device or ("cpu" if record.environment.get("device") == "cpu" else "auto"))
        outcome = run_cell(planned, self.rebuilder.resources, chosen, store)
        if gone := _gone(record, outcome.record):
            return Verified(claim, Verdict("not-run", gone), is_gone=True)
        metrics = {metric.name: metric for metric in self.rebuilder.resources.catalog.metric_list()}
        verdict = compare(record, stored, outcome.record, outcome.predictions, metrics=metrics)
        if str(record.labels.get("tuned", "")).endswith(("second", "seconds")) and not verdict.confirms:
            text = f"it was tuned for a time, in which another run tries other numbers: {verdict.text}"
            return Verified(claim, Verdict("not-run", text))
        items = len(stored.labels) if stored else 0
        return Verified(claim, verdict, self._difference(record, outcome.record) * math.sqrt(items))

    def _difference(self, old: Record, new: Record) -> float:
        """Return how much better a record's score is than that of its rerun; 0 where one of them has none."""
        for name in self.metrics:
            theirs, ours = old.scores.get(name), new.scores.get(name)
            if theirs is not None and ours is not None:
                return ours - theirs if name in self.lower else theirs - ours
        return 0.0


def _gone(old: Record, new: Record) -> str:
    """Say that a failure did not come again; nothing where it did, or where there was none."""
    if old.failure is None:
        return ""
    said = f"it is the record of a failure ({old.failure.kind})"
    if new.failure is None:
        return f"{said}, and the rerun did not fail"
    return (
        "" if new.failure.kind == old.failure.kind else f"{said}, and the rerun failed otherwise ({new.failure.kind})"
    )


def _bring(source: Source, place: str, store: Store) -> None:
    """Put a member's record, as it was submitted, where the ensemble looks for it."""
    for each in (place.removesuffix("json") + "safetensors", place):
        (store.records_folder / each.rpartition("/")[2]).write_bytes(source.read(each))
