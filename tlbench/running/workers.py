"""Run the cells that a store lacks: in this process, or in worker processes that may die alone."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import torch

from tlbench.contract import Cell, Failure, Record
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.learning import configure, resolve_device
from tlbench.progress import listening, of_cell, once_seconds, tell
from tlbench.results import Store
from tlbench.running.quiet import hearing
from tlbench.running.record_cell import record_failure
from tlbench.running.run_cell import run_cell

TOLD_EVERY = 0.5  # seconds between what a worker says of one piece of work


@dataclass(frozen=True)
class Where:
    """Describe where and how cells run; none of it is part of a cell's identity."""

    device: str = "auto"
    jobs: int = 1
    threads: int = 1


@dataclass(frozen=True)
class Finished:
    """Report that a cell is done, with its stored record."""

    cell: Cell
    record: Record
    seconds: float | None = None  # what it took where it ran, without what serves other cells too; None if unknown


@dataclass(frozen=True)
class Started:
    """Report that a cell was handed out; `position` counts from 1."""

    cell: Cell
    position: int


Event = Started | Finished


def run_cells(cells: Sequence[Cell], resources: Resources, store: Store, where: Where) -> Iterator[Event]:
    """Run cells and store each record as it comes; yield what happens.

    Ensembles stand behind their members in `cells` (`pending_cells` sees to it), and must run after them.
    Workers start up at once, in the background; the first cell is handed out when the first event is asked for.
    """
    if where.jobs <= 1 or len(cells) <= 1:
        return _run_here(cells, resources, store, where)
    return _Pool(cells, resources, store, where).events()


def _run_here(cells: Sequence[Cell], resources: Resources, store: Store, where: Where) -> Iterator[Event]:
    configure(where.threads)
    device = resolve_device(where.device)
    for position, cell in enumerate(cells, start=1):
        yield Started(cell, position)
        yield _run_one(cell, resources, store, device)


def _run_one(cell: Cell, resources: Resources, store: Store, device: torch.device) -> Finished:
    """Run a cell in this process, store its record, and tell what it took."""
    start, shared = time.perf_counter(), once_seconds()
    with of_cell(cell.id):
        outcome = run_cell(cell, resources, device, store)
        record = store.write(outcome.record, outcome.predictions)
    return Finished(cell, record, time.perf_counter() - start - (once_seconds() - shared))


@dataclass(frozen=True)
class _HowFar:
    """What a worker says of long work of its own."""

    what: str
    done: int
    total: int


@dataclass
class _Worker:
    process: Any
    connection: Connection
    cell: Cell | None = None
    waits: set[str] = field(default_factory=set)  # long work that it told of and that is not over


class _Pool:
    """Worker processes, each with one cell at a time, so that a death is charged to the cell that caused it."""

    def __init__(self, cells: Sequence[Cell], resources: Resources, store: Store, where: Where) -> None:
        self.waiting = list(cells)
        self.unfinished = {cell.id for cell in cells}
        self.resources, self.store, self.where = resources, store, where
        self.context = multiprocessing.get_context("spawn")
        self.started = 0
        self.workers = [self._new_worker() for _ in range(min(where.jobs, len(cells)))]

    def events(self) -> Iterator[Event]:
        workers = self.workers
        try:
            yield from self._hand_out_all()
            while any(worker.cell for worker in workers):
                busy = {worker.connection: worker for worker in workers if worker.cell}
                for ready in wait(list(busy)):
                    finished = self._collect(busy[ready], workers)  # type: ignore[index]
                    if finished is not None:
                        yield finished
                        yield from self._hand_out_all()
        finally:
            for worker in workers:
                worker.connection.close()
                worker.process.terminate()
            for worker in workers:
                worker.process.join()

    def _new_worker(self) -> _Worker:
        ours, theirs = self.context.Pipe()
        arguments = (
            theirs,
            self.resources.catalog.host.files,
            self.resources.cache.folder,
            self.store.folder,
            self.where,
        )
        process = self.context.Process(target=_work, args=arguments, daemon=True)
        resource_tracker.ensure_running()  # starting it later would lift the block
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is ours, while a worker starts up too
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()
        return _Worker(process, ours)

    def _hand_out_all(self) -> Iterator[Started]:
        """Give every idle worker the next cell whose members, if it is an ensemble, are all done."""
        for worker in self.workers:
            ready = next((cell for cell in self.waiting if self.unfinished.isdisjoint(cell.members)), None)
            if worker.cell is None and ready is not None:
                yield self._hand_out(worker, ready)

    def _hand_out(self, worker: _Worker, cell: Cell) -> Started:
        self.waiting.remove(cell)
        worker.cell = cell
        self.started += 1
        with suppress(ConnectionError):  # it is dead already: `_collect` will see
            worker.connection.send(cell)
        return Started(cell, self.started)

    def _collect(self, worker: _Worker, workers: list[_Worker]) -> Finished | None:
        """Return what a worker has finished; pass on what it says of work that goes on."""
        cell = worker.cell
        assert cell is not None
        try:
            heard = worker.connection.recv()
        except (EOFError, ConnectionError):  # reset, where it died with a cell unread in its pipe
            heard = Finished(cell, self._bury(cell, worker))
            workers[workers.index(worker)] = self._new_worker()
        if isinstance(heard, _HowFar):
            self._pass_on(heard, worker, workers.index(worker), cell)
            return None
        for what in worker.waits:
            tell(what, 1, 1, cell.id)
        worker.waits.clear()
        worker.cell = None
        self.unfinished.discard(cell.id)
        return Finished(cell, heard.record, heard.seconds)

    def _pass_on(self, said: _HowFar, worker: _Worker, number: int, cell: Cell) -> None:
        what = f"{said.what} ({number + 1})"
        (worker.waits.discard if said.done >= said.total else worker.waits.add)(what)
        tell(what, said.done, said.total, cell.id)

    def _bury(self, cell: Cell, worker: _Worker) -> Record:
        """Store the death of a worker as the record of the cell it was running."""
        worker.process.join()
        code = worker.process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code and code < 0 else f"exit code {code}"
        message = f"the worker process died with {how}; out of memory is the usual cause. Try fewer --jobs."
        death = Failure("WorkerDied", message)
        return self.store.write(record_failure(cell, self.resources, resolve_device(self.where.device), death).record)


def _work(connection: Connection, files: Sequence[str], cache: Path, results: Path, where: Where) -> None:
    """Run cells as they come, until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _die_with_parent()
    with hearing():  # outside of cells too: nothing of a library is printed
        configure(where.threads)
        device = resolve_device(where.device)
        resources = Resources(Catalog(Host(files)), Cache(cache))
        store = Store(results)
        while True:
            try:
                cell = connection.recv()
            except EOFError:
                return
            with listening(_Teller(connection)):
                done = _run_one(cell, resources, store, device)
            connection.send(done)


class _Teller:
    """Sends on how far long work is, twice a second at most."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.begun: dict[str, float] = {}  # when each piece of work was last told of

    def __call__(self, what: str, done: int, total: int, cell: str = "") -> None:
        now = time.monotonic()
        if done >= total:
            if self.begun.pop(what, None) is not None:
                self.connection.send(_HowFar(what, total, total))
        elif now - self.begun.get(what, now - 1) >= TOLD_EVERY:
            self.begun[what] = now
            self.connection.send(_HowFar(what, done, total))


def _die_with_parent() -> None:
    """End this process when its parent is killed: nobody would collect what it makes."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
