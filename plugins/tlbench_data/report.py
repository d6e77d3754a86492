"""Make the whole report, section by section."""

import shlex
from collections.abc import Iterator, Sequence

from tlbench import Budget, SplitFinding, plural, shown
from tlbench.data import EQUAL, MIRRORED, NEAR, Copy, copies_counted
from tlbench_data.budgets import budgets_section, refused
from tlbench_data.classes import classes_section
from tlbench_data.copies import across, copied, copies_section
from tlbench_data.document import Commands, Facts, Paragraph, Remark, Report, Section
from tlbench_data.groups import columns_section, groups_section
from tlbench_data.images import images_section
from tlbench_data.left_out import left_out_section
from tlbench_data.near import near_pairs, near_section
from tlbench_data.survey import Survey


def make_report(survey: Survey, budgets: Sequence[Budget], plugins: Sequence[str]) -> Report:
    """Return what there is to say about a dataset."""
    sections = [
        _identity(survey),
        classes_section(survey),
        images_section(survey),
        left_out_section(survey),
        copies_section(survey),
        near_section(survey),
        groups_section(survey),
        columns_section(survey),
        budgets_section(survey, budgets),
        _findings(survey),
        _next(survey, plugins),
    ]
    tally = (
        f"{plural(len(survey.rows), 'example')}, {plural(len(survey.classes), 'class', 'classes')}, "
        f"{plural(len(survey.splits), 'domain')}"
    )
    return Report(shown(survey.dataset.label), tally, tuple(section for section in sections if section))


def _identity(survey: Survey) -> Section:
    dataset, card = survey.dataset, survey.dataset.card
    origin = survey.opened.entry.origin
    pairs = [
        ("dataset", survey.opened.spec),
        ("name", card.name),
        ("licence", card.license or "not stated"),
        ("citation", card.citation or "not stated"),
        ("occurs in", ", ".join(card.hazards)),
        ("notes", card.notes),
        ("read by", f"{dataset.name} version {dataset.version}, of {origin}"),
        ("fingerprint", survey.opened.fingerprint or "cannot be taken"),
    ]
    facts = Facts(tuple((key, shown(" ".join(value.split()))) for key, value in pairs if value))
    remarks = []
    if card.hazards:
        remarks.append(
            Remark(
                "warning",
                f"The card says that these examples occur in {', '.join(card.hazards)}: backbones that were pretrained "
                f"on it have seen them.",
            )
        )
    return Section("Dataset", (facts,), tuple(remarks))


def _findings(survey: Survey) -> Section:
    """Return the sentences that stand above the scores of every run, for what was looked at here."""
    copies = list(_copies_of_test(survey))
    said = [sentence for sentence in survey.opened.findings if not (copies and isinstance(sentence, SplitFinding))]
    paragraphs = tuple(Paragraph(shown(sentence)) for sentence in (*said, *copies))
    return Section("What a run will note", paragraphs or (Paragraph("Nothing."),))


def _copies_of_test(survey: Survey) -> Iterator[str]:
    """Yield what a run says of test examples that stand in training or validation data, one sentence a domain."""
    noun = "image" if any(look.is_image for _, look in survey.looks) else "example"
    equal = {
        id(each.first): (each.first, each.other, EQUAL) for each in across(copied(survey), "test", ("train", "val"))
    }
    near = {
        id(pair.row): (pair.row, pair.other, MIRRORED if pair.is_mirrored else NEAR)
        for pair in near_pairs(survey)
        if pair.row.split == "test" and pair.other.split in ("train", "val") and pair.row.domain == pair.other.domain
    }
    found = (near | equal).values()
    for domain in survey.splits:
        copies = [Copy(row.source, other.source, kind) for row, other, kind in found if row.domain == domain]
        if copies:
            label = survey.dataset.label if len(survey.splits) == 1 else f"{survey.dataset.label}/{domain}"
            tested = sum((row.domain, row.split) == (domain, "test") for row in survey.rows)
            sample = " in this sample" if survey.sampled else ""
            yield f"{copies_counted(label, tested, noun, f'training {noun}s{sample}', copies)}: scores may be too good."


def _next(survey: Survey, plugins: Sequence[str]) -> Section:
    spec = shlex.quote(survey.opened.spec)
    local = "".join(f" -p {shlex.quote(plugin)}" for plugin in plugins)
    fitting = [
        text
        for text in ("5-shot", "1-shot", "full")
        if not any(refused(survey, domain, Budget.parse(text)) for domain in survey.splits)
    ]
    budget = f" --budget {fitting[0]}" if fitting else ""
    return Section("What to type next", (Commands((f"tlbench init {spec}", f"tlbench run -d {spec}{budget}{local}")),))
