"""Hold a reporter under examination: give it folders of made-up results, and read what it wrote."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tlbench.contract import Reporter
from tlbench.errors import TlbenchError
from tlbench.host import sentence_of
from tlbench.results import Results
from tlbench.testing.dataset_subject import scratch_folder
from tlbench.testing.error import ConformanceError
from tlbench.testing.surroundings import Traces, advance_generators, as_in_a_run, watched
from tlbench.testing.toy_results import write_results


@dataclass(eq=False)
class Written:
    """Hold what a reporter did with one folder of results."""

    folder: Path
    returned: Any
    before: dict[str, bytes]  # all files by their path within the folder
    after: dict[str, bytes]
    traces: Traces = field(default_factory=Traces)

    @property
    def paths(self) -> list[Path]:
        """Return the paths that the reporter returned."""
        return [Path(path) for path in self.returned]

    @property
    def texts(self) -> dict[str, str]:
        """Return the new or changed files that are UTF-8 texts, by their path."""
        new = {name: data for name, data in self.after.items() if self.before.get(name) != data}
        found = {}
        for name, data in new.items():
            try:
                found[name] = data.decode("utf-8")
            except UnicodeDecodeError:
                continue
        return found


class ReporterSubject:
    """Hold a reporter, and its files of each kind of results, written once for all rules."""

    def __init__(self, reporter: Reporter) -> None:
        self.reporter = reporter
        self.name = getattr(reporter, "name", type(reporter).__name__)
        self._written: dict[str, Written | ConformanceError] = {}
        self._scratch = scratch_folder()

    def written(self, kind: str) -> Written:
        """Return what it does with one kind of results."""
        if kind not in self._written:
            folder = self._scratch / kind.replace(" ", "-")
            write_results(kind, folder)
            try:
                self._written[kind] = self._write(folder, kind)
            except ConformanceError as error:
                self._written[kind] = error
        found = self._written[kind]
        if isinstance(found, ConformanceError):
            raise found
        return found

    @cached_property
    def again(self) -> Written:
        """Return what a second run on all results wrote, watched: late imports are done by then."""
        first = self.written("everything")
        with as_in_a_run():
            advance_generators()
            return self._write(first.folder, "everything, a second time", watch=True)

    def _write(self, folder: Path, kind: str, watch: bool = False) -> Written:
        results = Results(folder)
        before = files_in(folder)
        frame = results.frame()
        traces = Traces()
        try:
            if watch:
                with watched() as traces:
                    returned = self.reporter.write(results, folder)
            else:
                returned = self.reporter.write(results, folder)
        except TlbenchError as error:
            raise ConformanceError(f"{self.name}: write refused results ({kind}): {error}") from error
        except Exception as error:
            raise ConformanceError(sentence_of(error, f"{self.name}: write, of results ({kind}),")) from error
        if not results.frame().equals(frame):
            traces.add("it changed the results that it was given")
        return Written(folder, returned, before, files_in(folder), traces)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the content of all files of a folder, by their path within it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
