"""Make a suite that runs from data: look, choose, check by planning it, write."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from tlbench import Budget, ParameterError, Suite, plural
from tlbench.contract import GIVEN
from tlbench_scaffold import goals
from tlbench_scaffold.backbone_choice import Choice, check_named, choose
from tlbench_scaffold.data_spec import Understood, understand
from tlbench_scaffold.facts import Facts, facts_of
from tlbench_scaffold.goals import GOALS, Goal
from tlbench_scaffold.questions import Questions
from tlbench_scaffold.suite_file import Draft

USUAL, BALANCED = "accuracy", "balanced-accuracy"
LONG = 600.0  # seconds that nobody waits for unasked: networks are then not trained unless the user says so


def initialise(data: str | None, options: dict[str, Any]) -> None:
    """Write the suite that the options and answers come to, and say how to run it."""
    from tlbench.cli import open_catalog, showing_waits
    from tlbench.data import Cache, Resources

    out: Path = options["out"]
    _require_writable(out, options["force"])
    _, catalog = open_catalog()
    for strategy in options["strategies"]:
        catalog.strategy(strategy)
    for budget in options["budgets"]:
        Budget.parse(budget)
    resources = Resources(catalog, Cache())
    named = check_named(options["backbones"], resources)
    questions = Questions(options["yes"])
    typed = data or questions.data()
    understood = understand(typed, catalog)
    with showing_waits():
        spec, facts = facts_of(understood.spec, resources)
    for sentence in (*facts.sentences(), *understood.remarks):
        click.echo(sentence)
    if spec != understood.spec:
        click.echo(f"What cannot be read is left out: the data is written as {spec}.")
    planner = _Planner(resources, questions, typed, understood, facts, named, options)
    draft, suite, cells, seconds = planner.settled()
    _write(out, draft.text())
    if draft.metric != USUAL:
        click.echo(f"{draft.metric_reason} Tables go by {draft.metric}: `metric` in the file.")
    if (where := _domains_in_words(suite)) is not None:
        click.echo(where)
    click.echo(f"Wrote {out}: {plural(cells, 'cell')}{_wait(seconds)}.")
    click.echo(f"tlbench run --suite {shlex.quote(str(out))}")


def _require_writable(out: Path, force: bool) -> None:
    if out.suffix != ".toml":
        raise ParameterError(f"--out {out}: a suite is a .toml file.")
    if out.is_dir() or (os.path.lexists(out) and not force):
        hint = "" if out.is_dir() else " --force writes over it, --out FILE elsewhere."
        raise ParameterError(f"{out} exists already.{hint}")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise ParameterError(f"cannot write {out}: {out.parent} must be a folder that you may write to.")


def _write(out: Path, text: str) -> None:
    from tlbench import write_atomically

    try:
        write_atomically(out, text.encode())
    except OSError as error:
        raise ParameterError(f"cannot write {out}: {error.strerror or error}.") from None


def _domains_in_words(suite: Suite) -> str | None:
    transfers = [text for block in suite.blocks for text in block.datasets if text.endswith("]")]
    return f"Transfers: {', '.join(transfers)}." if transfers else None


def _wait(seconds: float | None) -> str:
    from tlbench.cli import seconds_in_words

    if seconds is None:
        return ""
    return f", about {seconds_in_words(seconds)} of training" if seconds >= 1 else ", no network is trained"


@dataclass
class _Planner:
    """Settles what is in the suite, and knows what that costs."""

    resources: Any
    questions: Questions
    typed: str
    understood: Understood
    facts: Facts
    named: tuple[str, ...]
    options: dict[str, Any]
    splits: str = GIVEN

    def settled(self) -> tuple[Draft, Suite, int, float | None]:
        """Return the suite's text, itself, its number of cells and the seconds that it will take here.

        Raises a TlbenchError where a run would refuse it.
        """
        goal = self._goal()
        source = self._source(goal)
        datasets = goals.datasets_for(goal, self.facts, source)
        backbone = self._backbone()
        budgets = self.options["budgets"] or goals.budgets_for(goal, self.facts)
        strategies = self.options["strategies"] or goal.strategies
        self.splits = self._splits()
        draft = self._draft(goal, datasets, backbone, budgets, strategies, "")
        suite, cells, seconds = self._planned(draft)
        if goal.light and not self.options["strategies"] and seconds is not None and seconds > LONG:
            trained = tuple(name for name in goal.strategies if name not in goal.light)
            why = (
                f"Training the whole network ({', '.join(trained)}) would take {_wait(seconds)[2:].split(' of ')[0]} "
                "here. They are left out, and what learns on frozen features is compared. Add them with -s, or in the "
                "file."
            )
            click.echo(why)
            draft = self._draft(goal, datasets, backbone, budgets, goal.light, why)
            suite, cells, seconds = self._planned(draft)
        return draft, suite, cells, seconds

    def _goal(self) -> Goal:
        if self.options["goal"]:
            return GOALS[self.options["goal"]]
        likely = goals.likely_goal(self.facts, self.options["source"])
        return GOALS[self.questions.one_of("What to find out", list(GOALS), likely.name, "--goal")]

    def _source(self, goal: Goal) -> str | None:
        given: str | None = self.options["source"]
        if given is not None and given not in self.facts.domains:
            given = self._source_elsewhere(given)
        if given is None and goal is goals.ADAPT and len(self.facts.domains) > 1:
            return self.questions.one_of(
                "Which domain has the labels", self.facts.domains, self.facts.richest, "--source"
            )
        return given

    def _source_elsewhere(self, given: str) -> str:
        """Return another dataset as a source: a path becomes a spec, and a slip in a domain's name is told."""
        from tlbench import near_miss

        hint = near_miss(given, self.facts.domains)
        if hint and len(self.facts.domains) > 1 and ":" not in given and not Path(given).expanduser().exists():
            raise ParameterError(f"{self.facts.spec} has no domain {given!r}.{hint}")
        place, mark, domain = given.partition("#")
        return understand(place, self.resources.catalog).spec + mark + domain

    def _backbone(self) -> Choice:
        if self.named:
            self._tell_unfit(self.named)
            return Choice(self.named, "named with -b.")
        choice = choose(self.facts, self.resources, self._command())
        click.echo(f"Backbone: {choice.reason}")
        answer = self.questions.text("Backbone (NAME, or ARCHITECTURE@FILE)", choice.backbones[0], "--backbone")
        if answer == choice.backbones[0]:
            return choice
        named = check_named((answer,), self.resources)
        self._tell_unfit(named)
        return Choice(named, "named when asked.")

    def _tell_unfit(self, backbones: tuple[str, ...]) -> None:
        """Say where a backbone that the user named hardly suits the data: nobody goes on with it in silence."""
        dataset = self.resources.dataset(self.facts.spec).dataset
        for name in backbones:
            if note := self.resources.backbone(name).backbone.note_on(dataset):
                click.echo(f"note: {note}", err=True)

    def _splits(self) -> str:
        """Return folds where the data's own splits part copies: they keep them together, one fold a replicate."""
        if self.options["splits"] or not self.facts.parts_copies:
            return self.options["splits"] or GIVEN
        folds = f"{self.options['replicates'] if 2 <= self.options['replicates'] <= 10 else 5}-fold"
        click.echo(
            f"Splits: {folds}, since copies stand on both sides of the data's own splits; folds keep them together. "
            f"Take the copies out of the training data to keep the splits."
        )
        return self.questions.one_of("Splits", [folds, GIVEN], folds, "--splits")

    def _draft(
        self,
        goal: Goal,
        datasets: tuple[str, ...],
        backbone: Choice,
        budgets: tuple[str, ...],
        strategies: tuple[str, ...],
        why: str,
    ) -> Draft:
        kinds = {Budget.parse(text).is_episodic for text in budgets}
        episodic, uneven = True in kinds, self.facts.unevenness if False in kinds else ""
        others = tuple(name for name in (*goal.strategies, *goal.light, *goal.others) if name not in strategies)
        return Draft(
            name=self._name(goal),
            question=goal.question,
            facts=(*self.facts.sentences(), *self.understood.remarks),
            command=self._command(),
            file=shlex.quote(str(self.options["out"])),
            datasets=datasets,
            other_datasets=self._other_datasets(goal),
            backbones=backbone.backbones,
            backbone_reason=backbone.reason,
            other_backbones=tuple(name for name in backbone.others if name not in backbone.backbones),
            strategies=strategies,
            strategy_reason=why
            or ("Chosen with -s." if self.options["strategies"] else f"Chosen for: {goal.question}"),
            other_strategies=tuple(dict.fromkeys(others)),
            budgets=budgets,
            budget_reason=f"The smallest class has {plural(self.facts.fewest, 'image')} to train on.",
            metric=BALANCED if uneven else USUAL,
            metric_reason=uneven or "No class has twice the test images of another.",
            replicates=self.options["replicates"],
            validation=self.options["validation"],
            splits=self.splits,
            parts_copies=self.facts.parts_copies,
            episodes=100 if episodic else None,
            queries=goals.queries_for(self.facts) if episodic else None,
        )

    def _name(self, goal: Goal) -> str:
        place = self.understood.spec.partition("?")[0].rpartition(":")[2]
        stem = Path(place).expanduser().absolute().name.split(".")[0]
        own = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "suite"
        return own if goal is goals.FEW_LABELS else f"{own}-{goal.name}"

    def _command(self) -> str:
        words = ["tlbench", "init", self.typed]
        for flag, key in (("-b", "backbones"), ("-s", "strategies"), ("--budget", "budgets")):
            words += [word for value in self.options[key] for word in (flag, value)]
        for flag in ("goal", "source", "splits"):
            words += [f"--{flag}", self.options[flag]] if self.options[flag] else []
        return shlex.join(words)

    def _other_datasets(self, goal: Goal) -> tuple[str, ...]:
        if len(self.facts.domains) < 2:
            return ()
        first, second = self.facts.domains[:2]
        known = (f"{self.facts.spec}[{first}->{second}]", f"{self.facts.spec}[->{first}]", f"{self.facts.spec}[->]")
        return known if goal is goals.ADAPT else (f"{self.facts.spec} for every pair of domains", *known[:2])

    def _planned(self, draft: Draft) -> tuple[Suite, int, float | None]:
        """Read the text as a run would, plan it, and judge what it takes on this machine."""
        import tomllib

        from tlbench import suite_from_mapping
        from tlbench.learning import configure, resolve_device
        from tlbench.planning import make_plan
        from tlbench.running import default_jobs, estimate

        suite = suite_from_mapping(tomllib.loads(draft.text()), default_name=self.options["out"].stem)
        plan = make_plan(suite, self.resources)
        device = resolve_device("auto")
        configure(1)
        seconds = estimate(plan.cells, self.resources, None, device).on(default_jobs(device.type, 1))
        return suite, len(plan.cells), seconds
