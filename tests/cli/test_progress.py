"""Long waits show how far they are and how long they will take: bars on a terminal, lines in a pipe."""

import io

import pytest
from rich.console import Console

from tlbench.cli import progress_bars as progress
from tlbench.cli.progress_bars import Forecast, ProgressObserver
from tlbench.progress import listening, tell, track


class Clock:
    """Time that passes when told to."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


class Cell:
    """What a forecast looks at."""

    def __init__(self, strategy, number):
        self.id = f"{strategy}-{number}"
        self.labels = {"strategy": strategy, "backbone": "tiny", "transfer": "toys"}
        self.budget = "5-shot"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def observer(terminal, width=80):
    return ProgressObserver(Console(file=io.StringIO(), force_terminal=terminal, width=width))


def test_whoever_listens_is_told_how_far_work_is_and_nobody_else():
    said = []
    assert list(track("ab", "reading", 2)) == ["a", "b"]
    with listening(lambda *told: said.append(told)):
        assert list(track("ab", "reading", 2)) == ["a", "b"]
    tell("reading", 1, 2)
    assert said == [("reading", 0, 2), ("reading", 1, 2), ("reading", 2, 2)]


def test_work_that_breaks_off_is_over():
    said = []
    with listening(lambda *told: said.append(told)), pytest.raises(ValueError, match="broken"):
        for _ in track(map(int, ["1", "broken"]), "reading", 2):
            pass
    assert said[-1] == ("reading", 2, 2)


def test_a_pipe_gets_a_line_every_so_often_with_the_time_left(clock):
    seen = observer(terminal=False)
    for done in range(0, 60):
        seen.wait("reading images", done, 60)
        clock.now += 1
    seen.wait("reading images", 60, 60)
    lines = seen.console.file.getvalue().splitlines()
    assert lines[0] == "reading images: 10 of 60; 50 s left"
    assert len(lines) == 5


def test_a_short_wait_says_nothing_in_a_pipe(clock):
    seen = observer(terminal=False)
    for done in range(0, 4):
        seen.wait("reading images", done, 4)
        clock.now += 2
    seen.wait("reading images", 4, 4)
    assert seen.console.file.getvalue() == ""


@pytest.mark.parametrize("width", [40, 60, 120])
def test_bars_fit_the_terminal_and_leave_nothing_behind(width):
    seen = observer(terminal=True, width=width)
    progress_of = {"features of train (1)": (3, 6), "reading images": (120, 960)}
    for what, (done, total) in progress_of.items():
        seen.wait(what, 0, total)
        seen.waits[what].start -= 10
        seen.wait(what, done, total)
    for task in seen.bar.tasks:
        task.start_time -= 10
    drawn = Console(file=io.StringIO(), width=width, legacy_windows=False)
    drawn.print(seen.bar.get_renderable())
    lines = drawn.file.getvalue().rstrip("\n").splitlines()
    assert len(lines) == len(progress_of)
    assert all(len(line) <= width for line in lines)
    if width >= 60:
        assert "3/6" in lines[0]
        assert "left 0:10" in lines[0]
    for what, (_, total) in progress_of.items():
        seen.wait(what, total, total)
    assert seen.bar is None


def test_what_is_soon_over_is_never_drawn():
    seen = observer(terminal=True)
    seen.wait("training", 0, 10)
    drawn = Console(file=io.StringIO(), width=80)
    drawn.print(seen.bar.get_renderable())
    assert "training" not in drawn.file.getvalue()
    seen.stop()


def test_the_time_left_counts_slow_cells_that_have_not_begun(clock):
    slow, fast = ([Cell(name, number) for number in range(4)] for name in ("finetune", "linear-probe"))
    forecast = Forecast((*fast, *slow))
    assert forecast.left(8) is None
    for cell, seconds in ((fast[0], 1), (slow[0], 60), (fast[1], 1), (fast[2], 1)):
        forecast.start(cell)
        clock.now += seconds
        forecast.finish(cell)
    assert forecast.left(4) == pytest.approx(1 + 3 * 60)  # by count alone it would be four times 16 s


def test_two_workers_halve_the_time_left_and_a_first_cell_that_waited_does_not_spoil_it(clock):
    cells = [Cell("linear-probe", number) for number in range(12)]
    forecast = Forecast(tuple(cells))
    for first, second, seconds in ((0, 1, 100), (2, 3, 2), (4, 5, 2)):
        forecast.start(cells[first])
        forecast.start(cells[second])
        clock.now += seconds
        forecast.finish(cells[first])
        forecast.finish(cells[second])
    assert forecast.left(6) == pytest.approx(6 * 2 / 2)


def test_features_that_a_cell_waited_for_are_not_expected_of_the_next(clock):
    cells = [Cell("linear-probe", number) for number in range(4)]
    seen = observer(terminal=False)
    seen.forecast = Forecast(tuple(cells))
    seen.forecast.start(cells[0])
    seen.wait("features of train (1)", 0, 6)
    clock.now += 300
    seen.wait("features of train (1)", 6, 6)
    clock.now += 2
    seen.forecast.finish(cells[0])
    assert seen.forecast.left(3) == pytest.approx(3 * 2)


def test_a_worker_says_how_far_it_is_at_the_start_and_the_end_and_not_at_every_step():
    from tlbench.running import workers as executor

    sent = []
    teller = executor._Teller(type("Pipe", (), {"send": staticmethod(sent.append)})())
    for done in range(5):
        teller("training", done, 4)
    assert [(said.done, said.total) for said in sent] == [(0, 4), (4, 4)]
