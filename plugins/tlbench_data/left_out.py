"""Report what a run would refuse, what is damaged, and what is left out or ignored, with the reasons."""

from collections import defaultdict

from tlbench import plural, some
from tlbench_data.document import Block, Paragraph, Remark, Section, Table
from tlbench_data.survey import Survey

_NAMED = 5


def left_out_section(survey: Survey) -> Section:
    """Return the section."""
    opened = survey.opened
    blocks: list[Block] = []
    remarks = []
    if opened.refusal:
        mend = f" With {opened.spec} what is broken is left out, as it is here." if opened.mends else ""
        remarks.append(Remark("error", f"A run would refuse this dataset: {opened.refusal.rstrip('.')}.{mend}"))
    by_reason: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row, look in survey.unreadable:
        by_reason["cannot be read", look.problem].append(row.source)
    for name, reason in survey.passed_over:
        by_reason["left out", reason].append(name)
    if survey.unreadable:
        names = [row.source for row, _ in survey.unreadable]
        remarks.append(Remark("error", f"{plural(len(names), 'example')} cannot be read: {some(names)}."))
    if survey.passed_over:
        names = [name for name, _ in survey.passed_over]
        remarks.append(
            Remark("note", f"{plural(len(names), 'file is', 'files are')} left out or ignored: {some(names)}.")
        )
    if by_reason:
        rows = tuple((why, f"{len(names):,}", some(names, _NAMED)) for (_, why), names in by_reason.items())
        blocks.append(Table("By reason", ("reason", "files", "which"), rows))
    if not by_reason:
        blocks.append(Paragraph("Everything can be read, and nothing is left out."))
    return Section("Damaged and left out", tuple(blocks), tuple(remarks))
