"""Long waits show how far they are and how long they will take: bars on a terminal, lines in a pipe."""

import io

import pytest
from rich.console import Console

from tlbench.progress import listening, once, once_seconds, phase, tell, track
from tlbench.running import progress_bars as progress
from tlbench.running.progress_bars import ProgressObserver


class Clock:
    """Time that passes when told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def observer(terminal, width=80):
    return ProgressObserver(Console(file=io.StringIO(), force_terminal=terminal, width=width))


def told(seen):
    return seen.console.file.getvalue().splitlines()


def test_whoever_listens_is_told_how_far_work_is_and_nobody_else():
    said = []
    assert list(track("ab", "reading", 2)) == ["a", "b"]
    with listening(lambda *told: said.append(told[:3])):
        assert list(track("ab", "reading", 2)) == ["a", "b"]
    tell("reading", 1, 2)
    assert said == [("reading", 0, 2), ("reading", 1, 2), ("reading", 2, 2)]


def test_work_that_breaks_off_is_over():
    said = []
    with listening(lambda *told: said.append(told[:3])), pytest.raises(ValueError, match="broken"):
        for _ in track(map(int, ["1", "broken"]), "reading", 2):
            pass
    assert said[-1] == ("reading", 2, 2)
    with listening(lambda *told: said.append(told[:3])), pytest.raises(ValueError, match="too"), phase("planning"):
        raise ValueError("too")
    assert said[-2:] == [("planning", 0, 1), ("planning", 1, 1)]


def test_work_for_many_cells_is_counted_once_though_blocks_lie_in_blocks(monkeypatch):
    from tlbench import progress as module

    ticks = iter(range(100))
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(ticks))
    before = once_seconds()
    with once(), once():
        pass
    assert once_seconds() - before == pytest.approx(2)  # from the first tick to the last; the inner block adds none


def test_a_pipe_gets_a_line_soon_and_then_every_so_often_with_the_time_left(clock):
    seen = observer(terminal=False)
    for done in range(0, 60):
        seen.wait("reading images", done, 60)
        clock.now += 1
    seen.wait("reading images", 60, 60)
    assert told(seen)[:2] == ["reading images: 1 of 60", "reading images: 11 of 60; 49 s left"]
    assert len(told(seen)) == 6


def test_a_short_wait_says_nothing_in_a_pipe(clock):
    seen = observer(terminal=False)
    for done in range(0, 4):
        seen.wait("reading images", done, 4)
        clock.now += 0.2
    seen.wait("reading images", 4, 4)
    assert told(seen) == []


def test_a_phase_without_steps_is_named_in_a_pipe_where_it_takes_a_while(monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    seen = observer(terminal=False)
    seen.wait("planning", 0, 1)
    seen.waits["planning"].timer.join(10)
    seen.wait("planning", 1, 1)
    monkeypatch.setattr(progress, "PATIENCE", 60)
    seen.wait("starting", 0, 1)
    seen.wait("starting", 1, 1)
    assert told(seen) == ["planning"]


@pytest.mark.parametrize("width", [40, 60, 120])
def test_bars_fit_the_terminal_and_leave_nothing_behind(width, clock):
    seen = observer(terminal=True, width=width)
    for done in (0, 1, 2, 3, 4):
        clock.now += 5
        seen.wait("extracting features, once: train (1)", done, 8)
        seen.wait("reading 960 examples, train", 100 * done, 960)
    seen.wait("planning", 0, 1)
    for task in seen.bar.tasks:
        task.start_time -= 10
    drawn = Console(file=io.StringIO(), width=width, legacy_windows=False)
    drawn.print(seen.bar.get_renderable())
    lines = drawn.file.getvalue().rstrip("\n").splitlines()
    assert len(lines) == 3
    assert all(len(line) <= width for line in lines)
    assert "0/1" not in lines[2]
    if width >= 60:
        assert "4/8" in lines[0]
        assert "left 0:20" in lines[0]
    for what, total in (
        ("extracting features, once: train (1)", 8),
        ("reading 960 examples, train", 960),
        ("planning", 1),
    ):
        seen.wait(what, total, total)
    assert seen.bar is None


def test_what_is_soon_over_is_never_drawn():
    seen = observer(terminal=True)
    seen.wait("training", 0, 10)
    drawn = Console(file=io.StringIO(), width=80)
    drawn.print(seen.bar.get_renderable())
    assert "training" not in drawn.file.getvalue()
    seen.stop()


def test_a_worker_says_how_far_it_is_at_the_start_and_the_end_and_not_at_every_step():
    from tlbench.running import workers as executor

    sent = []
    teller = executor._Teller(type("Pipe", (), {"send": staticmethod(sent.append)})())
    for done in range(5):
        teller("training", done, 4)
    assert [(said.done, said.total) for said in sent] == [(0, 4), (4, 4)]
