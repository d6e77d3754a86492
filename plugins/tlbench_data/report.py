"""Make the whole report, section by section."""

import shlex
from collections.abc import Sequence

from tlbench import Budget, plural, shown
from tlbench_data.budgets import budgets_section, refused
from tlbench_data.classes import classes_section
from tlbench_data.copies import copies_section
from tlbench_data.document import Commands, Facts, Paragraph, Remark, Report, Section
from tlbench_data.groups import columns_section, groups_section
from tlbench_data.images import images_section
from tlbench_data.left_out import left_out_section
from tlbench_data.near import near_section
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
    """Return the sentences that stand above the scores of every run."""
    said = [Paragraph(shown(sentence)) for sentence in survey.opened.findings]
    return Section("What a run will note", tuple(said) or (Paragraph("Nothing."),))


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
