"""Recommend which strategy on which backbone to take for a dataset, from stored results and scores at hand."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tlbench import Dataset, ParameterError, Protocol, TlbenchError, UnknownNameError, plural
from tlbench.planning import unsuitable
from tlbench_advice.advice import Advice, Neighbour, Row
from tlbench_advice.backbones import Opened, modality_of, open_backbones
from tlbench_advice.evidence import Block, Candidate, Evidence, Right, find_folders, read
from tlbench_advice.hindsight import Hindsight, look_back
from tlbench_advice.rule import FARTHEST, LEAST, Question, Ranking, rank, similar
from tlbench_advice.sample import Sample, choose_budget, draw
from tlbench_advice.target import Target, open_target
from tlbench_advice.transferability import Scored, preferred, score, why_not

if TYPE_CHECKING:
    import torch

    from tlbench.data import Resources

FEWEST = 3  # other datasets: fewer cannot be left out in turn
CHECKED = 3  # candidates in the command that checks the answer


def recommend(
    dataset: str,
    *,
    backbones: Sequence[str] = (),
    budget: str | None = None,
    results: Sequence[Path | str] = (),
    resources: "Resources | None" = None,
    device: str = "auto",
) -> Advice:
    """Return advice on a dataset, spelled as `-d` takes it.

    `results` are results folders (default: those in tlbench-results/), `budget` a label budget (default 5-shot, or
    full where a class has fewer than five training examples), `backbones` as `-b` takes them (default: those of the
    stored results). Reads the training split, and uses no more of its labels than the budget allows.
    Raises a TlbenchError for anything that cannot be found or does not fit, before any feature is computed.
    """
    from tlbench.data import Cache, Resources
    from tlbench.host import Catalog, Host
    from tlbench.learning import resolve_device

    where = resolve_device(device)
    resources = resources or Resources(Catalog(Host()), Cache())
    folders = find_folders([Path(folder) for folder in results])
    for name in backbones:
        resources.backbone(name)
    target = open_target(dataset, resources)
    sample = draw(target.place, choose_budget(budget, target.place))
    if sample.budget.is_zero and target.source is None:
        raise ParameterError("--budget 0 gives no label to learn from. Name a source with 'DATASET[SOURCE->TARGET]'.")
    evidence = read(folders)
    opened, remarks = open_backbones(backbones, target, evidence, resources)
    return _Adviser(target, sample, opened, evidence, resources, list(remarks)).advice(where)


@dataclass(eq=False)
class _Adviser:
    """Everything that one answer is made of."""

    target: Target
    sample: Sample
    opened: tuple[Opened, ...]
    evidence: Evidence
    resources: "Resources"
    remarks: list[str]

    def advice(self, device: "torch.device") -> Advice:
        question, (blocks, is_open) = self._question(), self._blocks()
        hindsight = look_back(blocks, question.has_source)
        scores = tuple(score(each.spec, each.entry, self.sample, self.target.source, device) for each in self.opened)
        ranking = rank(self._suitable(blocks, is_open, self._by_scores(scores)[0]), question)
        reasons = tuple(self._lacking(blocks, question, ranking, hindsight))
        backbone, by = self._backbone(None if reasons else ranking, is_open, scores)
        others = [] if ranking is None else [standing.candidate for standing in ranking.standings]
        top = others[0].strategy if others and not reasons else ""
        self._remark(ranking)
        return Advice(
            dataset=self.target.place.label,
            source=self.target.source.label if self.target.source else "",
            classes=len(self.target.place.classes),
            budget=str(self.sample.budget),
            labels=self.sample.within,
            scored=len(self.sample.rows),
            train_examples=len(self.target.place.labels),
            enough=not reasons,
            reasons=reasons,
            strategy=top,
            backbone=backbone,
            backbone_by=by,
            scores_prefer=leader.backbone if (leader := preferred(scores)) else "",
            reference=self._shown(ranking.reference) if ranking else "",
            rows=tuple(self._rows(ranking)) if ranking else (),
            neighbours=tuple(self._neighbours(blocks, question)),
            folders=tuple(str(folder) for folder in self.evidence.folders),
            records=self.evidence.records,
            used=sum(
                len(values)
                for each in similar(blocks, question)
                for block in each.blocks
                for values in block.scores.values()
            ),
            remarks=tuple(self.remarks),
            scores=scores,
            inapplicable=why_not(self.sample, self.target.source),
            hindsight=hindsight,
            command=self._command(others if top else [], backbone, is_open, scores),
        )

    # ---- what is asked, and what is known of it --------------------------------------------------------------

    def _question(self) -> Question:
        place = self.target.place
        classes = len(place.classes)
        name = self._stored_name()
        if name:
            measured = sorted({block.budget for block in self.evidence.blocks if block.transfer == place.label})
            at = f" at {', '.join(measured)}" if measured else ""
            self.remarks.append(
                f"{place.label} itself was measured{at}: `tlbench report` on its folder shows how. It is left out "
                f"here, since those scores are of its test split."
            )
        return Question(name, classes, self.sample.within / classes, self.target.source is not None)

    def _stored_name(self) -> str:
        """Return the name under which stored results hold these very data, or "".

        The fingerprint is asked for only where the dataset has one of its own: the usual one reads the test split.
        """
        dataset, names = self.target.place.dataset, self.evidence.names
        if type(dataset).fingerprint is not Dataset.fingerprint:
            if self.target.place.entry.fingerprint in names:
                return names[self.target.place.entry.fingerprint]
            return names.get(f"{self.target.place.spec} {dataset.label}", "")
        known = {block.dataset for block in self.evidence.blocks}
        return dataset.label if dataset.label in known else ""

    def _blocks(self) -> tuple[list[Block], bool]:
        """Return the blocks of the backbones in question, and whether candidates leave the backbone open.

        They do where a backbone in question is in fewer than two stored datasets, or in fewer than half of another's:
        then strategies are compared within each stored backbone.
        """
        keys = {each.key for each in self.opened}
        counted = {
            key: {block.dataset for block in self.evidence.blocks for one in block.scores if one.backbone == key}
            for key in keys
        }
        most = max(len(datasets) for datasets in counted.values())
        if all(len(datasets) >= max(LEAST, (most + 1) // 2) for datasets in counted.values()):
            own = [
                block.only([candidate for candidate in block.scores if candidate.backbone in keys])
                for block in self.evidence.blocks
            ]
            return [block for block in own if block.scores], False
        return list(self._by_strategy()), True

    def _by_strategy(self) -> Iterable[Block]:
        """Yield the blocks of each stored backbone, with candidates that leave it open."""
        wanted = self.target.place.dataset.modality
        reads = {key: modality_of(known.spec, self.resources) for key, known in self.evidence.backbones.items()}
        for block in self.evidence.blocks:
            for key in sorted({candidate.backbone for candidate in block.scores}):
                if reads[key] in (wanted, None):
                    own = {one: Candidate(one.strategy) for one in block.scores if one.backbone == key}
                    scores = {opened: block.scores[one] for one, opened in own.items()}
                    baselines = frozenset(opened for one, opened in own.items() if one in block.baselines)
                    yield replace(block, scores=scores, baselines=baselines, right=_of_backbone(block.right, key))

    def _suitable(self, blocks: Sequence[Block], is_open: bool, chosen: str) -> list[Block]:
        """Return the blocks with what can be run here, and remark on what cannot.

        `chosen` is the backbone that an open candidate would be run on.
        """
        refused: dict[str, str] = {}
        keep = set()
        for candidate in {candidate for block in blocks for candidate in block.scores}:
            own = chosen if is_open else None
            backbone = next(each for each in self.opened if own == each.spec or candidate.backbone == each.key)
            if reason := self._refusal(candidate.strategy, backbone):
                refused[candidate.strategy] = reason
            else:
                keep.add(candidate)
        self.remarks += [f"{name} is left out: {reason}" for name, reason in sorted(refused.items())]
        return [block.only(keep) for block in blocks]

    def _refusal(self, variant: str, backbone: Opened) -> str | None:
        """Say why a stored strategy cannot be run on the data at hand, or None."""
        try:
            strategy = self.resources.catalog.strategy(variant)[0]
            return unsuitable(
                strategy,
                self.resources.catalog.needs(strategy),
                backbone.entry.backbone,
                self.target.place.dataset,
                self.target.source.classes if self.target.source else None,
                self.sample.counts,
                self.sample.budget,
                Protocol(),
            )
        except UnknownNameError:
            return "it is not installed here."
        except TlbenchError as error:
            return str(error)

    # ---- the answer ------------------------------------------------------------------------------------------

    def _lacking(
        self, blocks: Sequence[Block], question: Question, ranking: Ranking | None, hindsight: Hindsight | None
    ) -> Iterable[str]:
        """Yield why there is no answer, the first with what would be enough."""
        found = similar(blocks, question)
        if len(found) < FEWEST:
            times = int(2**FARTHEST)
            spelled = "no target labels" if self.sample.budget.is_zero else str(self.sample.budget)
            held = f"{plural(len(found), 'other dataset')} with two candidates or more at a budget like {spelled}"
            yield (
                f"stored results hold {held}; {FEWEST} are needed, and each more makes the answer firmer. Run two or "
                f"more strategies on other data, at 1/{times} to {times} times these labels per class, and name their "
                f"folders with --results."
            )
        elif ranking is None:
            yield (
                f"no two candidates were scored together on two of the {len(found)} stored datasets. Run the same "
                f"strategies and backbones on each of them."
            )
        elif hindsight is None:
            yield (
                "the rule could not be tried on stored results: with a dataset left out, the others have no two "
                "candidates in common. Run the same strategies and backbones on each of them."
            )
        elif hindsight.rule.rate <= hindsight.chance.rate and hindsight.rule.regret >= hindsight.chance.regret:
            yield (
                "on stored results the rule does no better than a choice at random. More datasets, or more replicates "
                "of them, would show whether there is anything to choose."
            )

    def _backbone(self, ranking: Ranking | None, is_open: bool, scores: Sequence[Scored]) -> tuple[str, str]:
        if ranking is not None and not is_open:
            key = ranking.standings[0].candidate.backbone
            chosen = next(each.spec for each in self.opened if each.key == key)
            return chosen, "evidence" if len(self.opened) > 1 else "only one"
        return self._by_scores(scores)

    def _by_scores(self, scores: Sequence[Scored]) -> tuple[str, str]:
        """Return the backbone that scores choose, or the first where they choose none."""
        if len(self.opened) == 1:
            return self.opened[0].spec, "only one"
        leader = preferred(scores)
        return (leader.backbone, "scores") if leader else (self.opened[0].spec, "order given")

    def _remark(self, ranking: Ranking | None) -> None:
        """Note what was left out."""
        if ranking and ranking.seldom:
            named = ", ".join(self._shown(candidate) for candidate in ranking.seldom[:6])
            more = f" and {len(ranking.seldom) - 6} more" if len(ranking.seldom) > 6 else ""
            self.remarks.append(f"On too few of the datasets to be ranked: {named}{more}.")
        if self.evidence.unused:
            counted = ", ".join(f"{number:,} {reason}" for reason, number in sorted(self.evidence.unused.items()))
            self.remarks.append(f"Records that are no evidence here: {counted}.")

    def _shown(self, candidate: Candidate) -> str:
        if not candidate.backbone or len(self.opened) == 1:
            return candidate.strategy  # no other backbone is in question
        return f"{candidate.strategy} on {self.evidence.backbones[candidate.backbone].label}"

    def _rows(self, ranking: Ranking) -> Iterable[Row]:
        for standing in ranking.standings:
            candidate = standing.candidate
            named = candidate.backbone and len(self.opened) > 1
            label = self.evidence.backbones[candidate.backbone].label if named else ""
            numbers = (standing.gain, standing.lowest, standing.highest, standing.datasets, standing.tied)
            yield Row(candidate.strategy, label, *numbers)

    def _neighbours(self, blocks: Sequence[Block], question: Question) -> Iterable[Neighbour]:
        for each in similar(blocks, question):
            budgets = tuple(dict.fromkeys(block.budget for block in each.blocks))
            leaders = tuple(dict.fromkeys(self._shown(block.leader) for block in each.blocks))
            yield Neighbour(each.dataset, each.similarity, each.blocks[0].classes, budgets, leaders)

    def _command(self, others: Sequence[Candidate], backbone: str, is_open: bool, scores: Sequence[Scored]) -> str:
        """Return the command that measures the answer beside its runners-up."""
        words = ["tlbench", "run"]
        names = list(dict.fromkeys(candidate.strategy for candidate in others))[:CHECKED]
        members = [text for name in names for text in self.resources.catalog.strategy(name)[0].members]
        for name in dict.fromkeys([*names, *members]):  # an ensemble runs beside its members
            words += ["-s", name]
        by_key = {each.key: each.spec for each in self.opened}
        rivals = [by_key[candidate.backbone] for candidate in others[:CHECKED] if not is_open]
        leader = preferred(scores)
        unsettled = [each.spec for each in self.opened] if is_open and leader is None else []
        for spec in dict.fromkeys([backbone, *rivals, *([leader.backbone] if leader else unsettled)]):
            words += ["-b", spec]
        words += ["-d", self.target.text, "--budget", str(self.sample.budget)]
        return " ".join(shlex.quote(word) for word in words)


def _of_backbone(right: Right | None, backbone: str) -> Right | None:
    """Return what candidates on one backbone got right, under candidates that leave it open."""
    return None if right is None else lambda candidate, pair: right(Candidate(candidate.strategy, backbone), pair)
