"""Tell trackers of a run: of every cell of its plan, and never at the cost of a result."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pluggy

from tlbench.contract import Cell, Plan, Record, Tracker
from tlbench.errors import ParameterError, PluginError, TlbenchError
from tlbench.host import Catalog, hookimpl, hookspecs
from tlbench.results import Store


class Watcher:
    """Call the hooks of a tracker's observer, which is known as `NAME:PLACE`."""

    def __init__(self, name: str, observer: object) -> None:
        self.name = name
        self.manager = pluggy.PluginManager("tlbench")
        self.manager.add_hookspecs(hookspecs)
        self.manager.register(observer)
        if not self.manager.get_hookcallers(observer):
            raise PluginError(
                f"tracker {name!r} opened {observer!r}, which implements no hook: decorate a method such as "
                f"tlbench_cell_finished with @tlbench.hookimpl."
            )
        self.manager.check_pending()


def open_trackers(wanted: Sequence[str], plan: Plan, catalog: Catalog) -> list[Watcher]:
    """Open the trackers that `NAME:PLACE` spell, before anything runs; equal ones once.

    Raises TlbenchError where a name is unknown, a library missing or a place not to be written to.
    """
    found = [(text, *_taken_apart(text, catalog)) for text in dict.fromkeys(wanted)]
    return [_opened(text, tracker, place, plan) for text, tracker, place in found]


def _taken_apart(text: str, catalog: Catalog) -> tuple[Tracker, str]:
    name, _, place = text.partition(":")
    tracker = catalog.tracker(name.strip())
    if not place.strip():
        raise ParameterError(f"tracker {text!r} does not say where to write. Write {tracker.name}:PLACE.")
    return tracker, place.strip()


def _opened(text: str, tracker: Tracker, place: str, plan: Plan) -> Watcher:
    try:
        return Watcher(text, tracker.open(place, plan))
    except TlbenchError:
        raise
    except Exception as error:  # a stranger's code and libraries: whatever they raise is one line
        raise PluginError(f"cannot track to {text}: {_in_words(error)}") from error


class Tracking:
    """Pass on to a tracker what happens in a run, and stop when it raises; the run goes on."""

    def __init__(self, watcher: Watcher, store: Store, retry_failed: bool, say: Callable[[str], None]) -> None:
        self._watcher, self._store, self._retry_failed, self._say = watcher, store, retry_failed, say
        self._on = True

    @hookimpl
    def tlbench_run_started(self, plan: Plan) -> None:
        """Tell of the run, and of the cells whose records were there before it."""
        hook = self._watcher.manager.hook
        stored = self._store.cells()
        with self._guard():
            hook.tlbench_run_started(plan=plan)
            for cell in plan.cells:
                record = self._store.read(cell.id) if cell.id in stored else None
                if record is not None and (record.ok or not self._retry_failed):
                    hook.tlbench_cell_finished(cell=cell, record=record)

    @hookimpl
    def tlbench_cell_started(self, cell: Cell, position: int, total: int) -> None:
        """Tell of a cell that was handed out."""
        if self._on:
            with self._guard():
                self._watcher.manager.hook.tlbench_cell_started(cell=cell, position=position, total=total)

    @hookimpl
    def tlbench_cell_finished(self, cell: Cell, record: Record) -> None:
        """Tell of a record."""
        if self._on:
            with self._guard():
                self._watcher.manager.hook.tlbench_cell_finished(cell=cell, record=record)

    @hookimpl
    def tlbench_run_finished(self, results_dir: Path) -> None:
        """Tell of the end."""
        if self._on:
            with self._guard():
                self._watcher.manager.hook.tlbench_run_finished(results_dir=results_dir)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Say what was raised inside, and tell this tracker nothing more."""
        try:
            yield
        except Exception as error:  # no tracker is worth a result
            self._on = False
            self._say(
                f"note: tracking to {self._watcher.name} ends here: {_in_words(error)}. Records are stored as ever; "
                f"the same command, given again, tracks what is missing."
            )


def follow(
    watchers: Sequence[Watcher],
    manager: pluggy.PluginManager,
    store: Store,
    retry_failed: bool,
    say: Callable[[str], None],
) -> None:
    """Let trackers watch the run that is about to start."""
    for watcher in watchers:
        manager.register(Tracking(watcher, store, retry_failed, say), name=f"track {watcher.name}")


def _in_words(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if isinstance(error, TlbenchError) else f"{type(error).__name__}: {text}"
