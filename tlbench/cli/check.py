"""Check what a name means against the rules of the conformance kit, for `tlbench check NAME`."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from tlbench import __version__
from tlbench.data import Resources
from tlbench.errors import TlbenchError, WeightsError
from tlbench.host import Found, Host, Origin, dataset_of, look_up, sentence_of
from tlbench.names import plural

INDENT = 6  # columns before a verdict's text


@dataclass(frozen=True)
class Verdict:
    """Hold the outcome of one rule: `fault` is the sentence that says what is wrong and how to mend it, or empty."""

    rule: str
    fault: str = ""


@dataclass(frozen=True, eq=False)
class Candidate:
    """Hold something that can be checked, under the name that a user gave."""

    kind: str
    name: str
    origin: Origin
    rules: Callable[[], Iterator[tuple[str, Callable[[], None]]]]

    @property
    def title(self) -> str:
        """Return what is checked and where it comes from."""
        return f"{self.kind} {self.name}, {self.origin}"

    def verdicts(self) -> Iterator[Verdict]:
        """Check rule by rule and yield each verdict."""
        for rule, run in self.rules():
            try:
                run()
            except TlbenchError as error:
                yield Verdict(rule, str(error))
            except Exception as error:  # whatever a stranger's plugin raises is an answer
                yield Verdict(rule, sentence_of(error, self.name))
            else:
                yield Verdict(rule)


def candidates(text: str, resources: Resources) -> list[Candidate]:
    """Return everything that a name means: one thing, or one of each kind that has the name.

    Raises UnknownNameError with the nearest name of all kinds, and TlbenchError for wrong parameters.
    """
    return [_candidate(found, text, resources) for found in look_up(text, resources.catalog)]


def _candidate(found: Found, text: str, resources: Resources) -> Candidate:
    thing = found.thing
    if found.kind == "dataset":
        thing = resources.dataset(dataset_of(text)).dataset  # fetched, where it has to be
    elif found.kind == "backbone":
        _require_weights(thing)
    rules = {"backbone": _of_backbone, "dataset": _of_dataset}.get(found.kind)
    if found.kind == "strategy":
        rules = partial(_of_strategy, host=resources.catalog.host)
    return Candidate(
        found.kind, found.name, found.origin, lambda: rules(thing) if rules else _of_plain(found.kind, thing)
    )


def _require_weights(backbone: Any) -> None:
    """Raise WeightsError where weights are not to be had: that is no rule that the backbone breaks."""
    try:
        _ = backbone.weights
    except WeightsError:
        raise
    except Exception:  # the rules tell of it
        return


# The kit is imported when the first rule is asked for: a name that is wrong must not wait for it.


def _of_strategy(strategy: Any, host: Host) -> Iterator[tuple[str, Callable[[], None]]]:
    from tlbench.testing import STRATEGY_CHECKS, Toy, variants_of

    toy = Toy(host=host)
    variants = variants_of(strategy)

    def run(check: Any) -> None:
        for variant in variants[:1] if check.in_a_run else variants:
            check.run(variant, toy)

    for check in STRATEGY_CHECKS:
        yield check.name, lambda check=check: run(check)  # type: ignore[misc]


def _of_backbone(backbone: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    from tlbench.testing import BACKBONE_CHECKS, BackboneSubject

    subject = BackboneSubject(backbone)
    for check in BACKBONE_CHECKS:
        yield check.name, lambda check=check: check.run(subject)  # type: ignore[misc]


def _of_dataset(dataset: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    from tlbench.testing import DATASET_CHECKS, DatasetSubject

    subject = DatasetSubject(dataset)
    for check in DATASET_CHECKS:
        yield check.name, lambda check=check: check.run(subject)  # type: ignore[misc]


def _of_plain(kind: str, thing: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    from tlbench.testing import METRIC_CHECKS, REPORTER_CHECKS, ReporterSubject

    checks, subject = (METRIC_CHECKS, thing) if kind == "metric" else (REPORTER_CHECKS, ReporterSubject(thing))
    for check in checks:
        yield check.name, lambda check=check: check.run(subject)  # type: ignore[misc]


def written(verdict: Verdict, width: int, told: set[str]) -> str:
    """Return a verdict as text of so many columns; a sentence in `told` is not repeated."""
    lines = _wrapped(verdict.rule, width, "FAIL  " if verdict.fault else "pass  ")
    if verdict.fault:
        sentence = "The same as above." if verdict.fault in told else " ".join(verdict.fault.split())
        told.add(verdict.fault)
        lines += _wrapped(sentence, width, " " * INDENT)
    return "\n".join(lines)


def _wrapped(text: str, width: int, start: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 30),
        initial_indent=start,
        subsequent_indent=" " * INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def summed_up(candidate: Candidate, verdicts: Sequence[Verdict]) -> str:
    """Return how many rules are kept."""
    failed = sum(bool(verdict.fault) for verdict in verdicts)
    if not failed:
        return f"{candidate.kind} {candidate.name} keeps all {plural(len(verdicts), 'rule')}."
    return f"{candidate.kind} {candidate.name} breaks {failed} of {plural(len(verdicts), 'rule')}."


def badge(kept: int) -> str:
    """Return a line of Markdown with a badge of shields.io that says how many rules are kept."""
    release = ".".join(__version__.split(".")[:2])
    label, message = f"tlbench {release}", f"{kept}/{kept}"
    parts = "-".join(quote(part.replace("-", "--").replace("_", "__"), safe="") for part in (label, message))
    return f"![{label} | {message}](https://img.shields.io/badge/{parts}-brightgreen)"
