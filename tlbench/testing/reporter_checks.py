"""Check the rules of every reporter, one function a rule; each raises ConformanceError where the rule is broken."""

import os
import re
import tempfile
from pathlib import Path

from tlbench.contract import check_reporter
from tlbench.errors import PluginError
from tlbench.testing.check import checks_of, hold
from tlbench.testing.error import ConformanceError
from tlbench.testing.recording import listed
from tlbench.testing.reporter_subject import ReporterSubject
from tlbench.testing.run_checks import REPORTER_RUN_RULES
from tlbench.testing.toy_results import KINDS, SCRIPT

PAGES = (".html", ".htm", ".svg", ".xhtml")
TEXTS = (".txt", ".md", ".csv", ".tex", ".json", ".html", ".htm", ".svg", ".tsv", ".xml", ".yaml", ".toml")
ATOMIC = "tlbench.files.write_atomically(path, data)"
_WRITTEN = re.compile(r"it opened '(.*)' to write|it called os\.(\w+)\('(.*)'\)")


def it_is_declared_as_the_catalog_asks(subject: ReporterSubject) -> None:
    """Check for a Reporter with a name that users can type and a line for `tlbench list reporters`."""
    try:
        check_reporter(subject.reporter)
    except PluginError as error:
        raise ConformanceError(str(error)) from None
    hold(callable(subject.reporter.write), subject.name, "write is no function: give one of results and a folder.")
    hold(subject.reporter.description.strip(), subject.name, "it has no description: one line for `tlbench list`.")


def it_returns_the_paths_of_its_files(subject: ReporterSubject) -> None:
    """Check for a list of pathlib.Path, of files that are there, inside the folder."""
    for kind in KINDS:
        written = subject.written(kind)
        hold(
            isinstance(written.returned, list | tuple),
            subject.name,
            f"write returns {type(written.returned).__name__}; write return [path, ...].",
        )
        strange = [path for path in written.returned if not isinstance(path, Path)]
        hold(
            not strange,
            subject.name,
            f"write returns {type(strange[0]).__name__ if strange else ''} among its paths; each is a pathlib.Path.",
        )
        for path in written.paths:
            hold(
                written.folder in path.resolve().parents,
                subject.name,
                f"write returns {path}, which is not in the folder that it was given. Write folder / 'name'.",
            )
            hold(path.is_file(), subject.name, f"write returns {path.name}, and there is no such file.")


def it_writes_inside_the_folder_alone(subject: ReporterSubject) -> None:
    """Check that neither the working folder nor the home is touched; temporary files of tempfile may be."""
    again = subject.again
    inside = (str(again.folder), tempfile.gettempdir() + os.sep + "tmp")
    outside = [
        text
        for text in again.traces.found
        if (found := _WRITTEN.fullmatch(text)) and not (found.group(1) or found.group(3)).startswith(inside)
    ]
    outside += [text for text in again.traces.found if "into the working folder" in text]
    hold(
        not outside,
        subject.name,
        f"{listed(outside)}, which is outside of the folder that it was given. Write folder / 'name'.",
    )


def the_records_stay_as_they_were(subject: ReporterSubject) -> None:
    """Check that files that it did not make are left alone, and so are the results in memory."""
    for kind in KINDS:
        written = subject.written(kind)
        changed = [name for name, data in written.before.items() if written.after.get(name) != data]
        hold(
            not changed,
            subject.name,
            f"it changes {listed(changed)}. A reporter reads records and writes files of its own.",
        )
        hold(
            "it changed the results that it was given" not in written.traces.found,
            subject.name,
            "it changes the frame of the results, which the next reporter reads. Work on a copy, frame.copy().",
        )


def files_are_written_whole_or_not_at_all(subject: ReporterSubject) -> None:
    """Check that a file is written beside its place and then renamed, so that a crash never leaves half of it."""
    again = subject.again
    opened = {found.group(1) for text in again.traces.found if (found := _WRITTEN.fullmatch(text))}
    named = {str(path.resolve()) for path in again.paths} | {str(path) for path in again.paths}
    direct = sorted(Path(path).name for path in opened & named)
    hold(
        not direct,
        subject.name,
        f"it writes into {listed(direct)} directly, so that a crash or a full disk leaves half of it. Use {ATOMIC}.",
    )
    inside = [path.resolve() for path in again.paths if again.folder in path.resolve().parents]
    known = {path.relative_to(again.folder).as_posix() for path in inside}
    left = sorted(set(again.after) - set(subject.written("everything").before) - known)
    hold(
        not left,
        subject.name,
        f"it leaves {listed(left)} behind and does not return it. Return every file, and remove temporary ones.",
    )


def equal_results_give_equal_bytes(subject: ReporterSubject) -> None:
    """Check that a second run writes the same: no time, no chance, no order of a set."""
    first, again = subject.written("everything"), subject.again
    changed = [name for name, data in first.after.items() if again.after.get(name) != data]
    hold(
        not changed,
        subject.name,
        f"a second run on the same results writes {listed(changed)} otherwise. Leave dates out (matplotlib: "
        "metadata={'Date': None} and svg.hashsalt), and sort what is a set.",
    )


def failures_and_skips_are_taken(subject: ReporterSubject) -> None:
    """Check results with failures beside rows with scores, and with nothing but failures."""
    subject.written("everything")
    subject.written("failures")


def one_replicate_is_taken(subject: ReporterSubject) -> None:
    """Check results of one replicate, where intervals are NaN."""
    subject.written("one replicate")


def clusterings_alone_are_taken(subject: ReporterSubject) -> None:
    """Check results without an accuracy, where results.metric is that of clusters."""
    subject.written("clusters")


def episodes_are_taken(subject: ReporterSubject) -> None:
    """Check results of budgets as `5-way 1-shot`, which have intervals over episodes."""
    subject.written("episodes")


def names_are_escaped_in_pages(subject: ReporterSubject) -> None:
    """Check that a strategy named <script> is text in a page."""
    for name, text in subject.written("everything").texts.items():
        hold(
            not (name.endswith(PAGES) and SCRIPT in text),
            subject.name,
            f"{name} holds the name {SCRIPT} as it is, so that a record from elsewhere runs in the reader's browser. "
            "Use html.escape(text), or jinja2 with autoescape.",
        )


def texts_are_utf_8(subject: ReporterSubject) -> None:
    """Check that texts are UTF-8 with plain newlines, the same on every system."""
    written = subject.written("everything")
    new = {name: data for name, data in written.after.items() if name not in written.before and name.endswith(TEXTS)}
    strange = [name for name, data in new.items() if name not in written.texts or b"\r\n" in data]
    hold(
        not strange,
        subject.name,
        f"{listed(strange)} is not UTF-8 with plain newlines. Write text.encode('utf-8').",
    )


def no_socket_is_opened(subject: ReporterSubject) -> None:
    """Check that reports are made offline."""
    hold(
        "it opened a socket" not in subject.again.traces.found,
        subject.name,
        "write opens a socket. Publish in a command of its own (tlbench_add_commands), not in a report.",
    )


REPORTER_CHECKS = (
    *checks_of(
        (
            it_is_declared_as_the_catalog_asks,
            it_returns_the_paths_of_its_files,
            it_writes_inside_the_folder_alone,
            the_records_stay_as_they_were,
            files_are_written_whole_or_not_at_all,
            equal_results_give_equal_bytes,
            failures_and_skips_are_taken,
            one_replicate_is_taken,
            clusterings_alone_are_taken,
            episodes_are_taken,
            names_are_escaped_in_pages,
            texts_are_utf_8,
            no_socket_is_opened,
        )
    ),
    *checks_of(REPORTER_RUN_RULES, in_a_run=True),
)
