"""Find the cell of a record again: from the suites that it was planned by, or from the record itself."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from tlbench.contract import Block, Budget, Cell, Protocol, Recipe, Record, Suite, canonical
from tlbench.errors import ParameterError, PlanError, TlbenchError

if TYPE_CHECKING:
    from tlbench.data import Resources


class CannotRebuildError(Exception):
    """Say why there is no such cell here, in one sentence."""


class Rebuilder:
    """Plan anew, of each suite no more than a record needs: other data of the suite need not be there."""

    def __init__(self, plan: dict[str, Any], resources: "Resources", elsewhere: Mapping[str, str]) -> None:
        self.suites = list(_read_suites(plan))
        self.resources = resources
        self.elsewhere = elsewhere  # specs of datasets and backbones, and what to read in their place
        self._planned: dict[Any, tuple[Cell, ...] | str] = {}

    def cell(self, record: Record, budget: str | None = None) -> Cell:
        """Return the cell of a record, or the one that differs from it in its label budget alone.

        Raises CannotRebuildError where there is none like it here, and ParameterError where it cannot have that budget.
        """
        command = record.provenance.get("command")
        if not isinstance(command, Mapping) or not all(isinstance(value, str) for value in command.values()):
            raise CannotRebuildError("the record does not say by which command it was made")
        near: list[Cell] = []
        why = "the names in it are known to no suite here"
        wanted = str(Budget.parse(budget or str(record.identity["budget"])))
        like = canonical({**record.identity, "budget": wanted})
        for suite in [*self._narrowed(record, command, wanted), *self._alone(record, command, wanted)]:
            cells = self._cells(suite)
            if isinstance(cells, str):
                why = cells
                continue
            if any(cell.id == record.cell for cell in cells):
                for cell in cells:
                    if canonical(cell.identity) == like:
                        return cell
                raise ParameterError(f"{command['strategy']} cannot be given {wanted} labels: `tlbench plan` says why.")
            near += cells
        raise CannotRebuildError(_difference(record, near) or why.rstrip("."))

    def _narrowed(self, record: Record, command: Mapping[str, str], wanted: str) -> Iterator[Suite]:
        """Yield each suite with what concerns a record alone."""
        for suite in self.suites:
            blocks = []
            for block in suite.blocks:
                strategies = [text for text in block.strategies if self._variant(text) == command["strategy"]]
                backbones = [text for text in block.backbones if text == command["backbone"]]
                datasets = [text for text in block.datasets if _spec(text) == command["dataset"]]
                budgets = [text for text in block.budgets if _budget(text) == record.identity["budget"]]
                if strategies and backbones and datasets and budgets:
                    blocks.append(
                        replace(
                            block,
                            strategies=block.strategies if record.identity.get("members") else tuple(strategies),
                            backbones=tuple(map(self._here, backbones)),
                            datasets=tuple(map(self._here, datasets)),
                            budgets=tuple(dict.fromkeys([*budgets, wanted])),
                        )
                    )
            if blocks:
                yield replace(suite, blocks=tuple(blocks), too_large_budgets_skip=True)

    def _alone(self, record: Record, command: Mapping[str, str], wanted: str) -> Iterator[Suite]:
        """Yield a suite of this record's row: of one that was added to the folder by another command."""
        identity = record.identity
        if identity.get("members"):
            return
        source = identity.get("source") or {}
        same = source.get("fingerprint") in (None, identity["dataset"]["fingerprint"])
        text = f"{command['dataset']}[{source.get('domain', '') if same else ''}->{identity['target']}]"
        known = {each for suite in self.suites for block in suite.blocks for each in block.datasets}
        texts = [text] if same else [each for each in sorted(known) if _spec(each) == command["dataset"]]
        base = {**_plain(Protocol), **(_plain_of(self.suites[0].protocol) if self.suites else {})}
        try:
            protocol = Protocol(**{**base, **identity["protocol"]})
            recipe = Recipe(**identity["recipe"])
            block = Block(
                (command["strategy"],),
                (self._here(command["backbone"]),),
                tuple(map(self._here, texts)),
                tuple(dict.fromkeys((str(identity["budget"]), wanted))),
            )
            suite = Suite(
                "record", (block,), "", identity["replicate"] + 1, identity["seed"], protocol, recipe,
                too_large_budgets_skip=True,
            )  # fmt: skip
            if identity.get("selection"):
                suite = replace(suite, selection=(identity["selection"],))
            tuning = identity.get("tuning")
            yield replace(suite, tune=tuning["budget"]) if tuning else suite
        except (TlbenchError, TypeError, KeyError, ValueError):
            return

    def _here(self, text: str) -> str:
        """Return a spec with what is to be read in its place."""
        spec = _spec(text)
        rest = text[len(spec) :]
        for old, new in self.elsewhere.items():
            rest = rest.replace(f"[{old}->", f"[{new}->").replace(f"[{old}#", f"[{new}#")
        return self.elsewhere.get(spec, spec) + rest

    def _variant(self, text: str) -> str:
        try:
            return self.resources.catalog.strategy(text)[0].variant
        except TlbenchError:
            return text

    def _cells(self, suite: Suite) -> tuple[Cell, ...] | str:
        from tlbench.planning import make_plan

        key = repr(suite)
        if key not in self._planned:
            try:
                self._planned[key] = make_plan(suite, self.resources).cells
            except (TlbenchError, OSError) as error:
                self._planned[key] = (
                    str(error).removeprefix("nothing can run: ") if isinstance(error, PlanError) else str(error)
                )
        return self._planned[key]


def suites_of(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all suites that a plan was made of: results that were merged have several."""
    listed = plan.get("merged")
    suites = listed if isinstance(listed, list) else [plan.get("suite")]
    return [suite for suite in suites if isinstance(suite, dict)]


def _read_suites(plan: dict[str, Any]) -> Iterator[Suite]:
    for data in suites_of(plan):
        try:
            yield TypeAdapter(Suite).validate_python(data)
        except (ValidationError, TlbenchError, TypeError):
            continue


def _plain(kind: Any) -> dict[str, Any]:
    return dict(vars(kind()))


def _plain_of(value: Any) -> dict[str, Any]:
    return dict(vars(value))


def _spec(text: str) -> str:
    """Return the dataset of `DATASET[SOURCE->TARGET]`."""
    text = text.strip()
    return text.partition("[")[0].strip() if text.endswith("]") and "->" in text else text


def _budget(text: str) -> str:
    try:
        return str(Budget.parse(text))
    except ParameterError:
        return text


def _difference(record: Record, near: list[Cell]) -> str:
    """Say what makes the cells that are otherwise alike other cells; nothing where none is alike."""
    alike = ("strategy", "target", "source", "budget", "replicate", "seed", "selection", "tuned")
    for cell in near:
        if all(cell.labels.get(key, "") == record.labels.get(key, cell.labels.get(key, "")) for key in alike):
            keys = [key for key in {**cell.identity, **record.identity} if not _same(cell, record, key)]
            if keys:
                return "; ".join(_told(key, record.identity.get(key), cell.identity.get(key)) for key in sorted(keys))
    return ""


def _same(cell: Cell, record: Record, key: str) -> bool:
    return canonical(cell.identity.get(key)) == canonical(record.identity.get(key))


def _told(key: str, theirs: Any, ours: Any) -> str:
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        parts = [each for each in sorted({*theirs, *ours}) if theirs.get(each) != ours.get(each)]
        return "; ".join(
            f"the {key}'s {each} is {_short(ours.get(each))} here and {_short(theirs.get(each))} there"
            for each in parts
        )
    return f"the {key} is {_short(ours)} here and {_short(theirs)} there"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 24 else f"{text[:12]}..."
