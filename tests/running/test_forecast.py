"""The time left: silent until it means something, then within a factor of two of what it turns out to be."""

import csv
from pathlib import Path

import pytest

from tlbench.running.forecast import AFTER, Forecast, Job, Pace

LOGS = Path(__file__).with_name("forecast_logs")


def jobs(strategy, count, weight=0.0, backbone="net", budget="5-shot", ahead=0.0):
    return [
        Job(f"{strategy} {backbone} {budget} {number}", (strategy, backbone, "toys", budget), weight, ahead)
        for number in range(count)
    ]


def took(forecast, job, seconds, now=0.0):
    forecast.start(job.id, now)
    forecast.finish(job.id, seconds, now + seconds)


def test_nothing_is_said_before_two_cells_are_done():
    probes = jobs("probe", 6)
    forecast = Forecast(probes)
    assert forecast.left(0) is None
    took(forecast, probes[0], 2)
    assert forecast.left(2) is None
    took(forecast, probes[1], 2)
    assert forecast.left(4) == pytest.approx(4 * 2)


def test_slow_cells_that_have_not_begun_count_by_what_their_like_took_and_not_by_number():
    fast, slow = jobs("probe", 4), jobs("finetune", 4, weight=100)
    forecast = Forecast([*fast, *slow])
    for job, seconds in ((fast[0], 1), (slow[0], 60), (fast[1], 1), (fast[2], 1)):
        took(forecast, job, seconds)
    assert forecast.left(0) == pytest.approx(1 + 3 * 60)  # by count alone it would be four times 16 s


def test_other_budgets_and_strategies_cost_as_their_steps_do_until_one_of_them_is_done():
    short, long = jobs("finetune", 2, weight=100), jobs("finetune", 1, weight=400, budget="full")
    other = jobs("lora", 1, weight=200)
    forecast = Forecast([*short, *long, *other])
    for job in short:
        took(forecast, job, 10)
    assert forecast.left(0) == pytest.approx(40 + 20)
    took(forecast, other[0], 5)
    assert forecast.left(0) == pytest.approx(40)


def test_nothing_is_said_while_most_of_the_work_is_on_a_backbone_that_nothing_is_known_of():
    small, large = jobs("finetune", 3, weight=10), jobs("finetune", 3, weight=1000, backbone="large")
    forecast = Forecast([*small, *large])
    for job in small[:2]:
        took(forecast, job, 1)
    assert forecast.left(0) is None
    took(forecast, large[0], 500)
    assert forecast.left(0) == pytest.approx(1 + 2 * 500)


def test_a_training_that_runs_tells_how_long_its_like_take():
    slow = jobs("finetune", 4, weight=100)
    forecast = Forecast(slow, workers=2)
    for job in slow[:2]:
        forecast.start(job.id, 0)
        forecast.train(job.id, 0, 60, 0)
    assert forecast.left(10) is None
    for job in slow[:2]:
        forecast.train(job.id, 15, 60, 25)
    to_go = (1 - 0.25 * (1 - AFTER)) * 100
    assert forecast.left(25) == pytest.approx((to_go + to_go + 100 + 100) / 2)


def test_a_training_that_lags_for_a_moment_still_takes_what_its_like_took():
    slow = jobs("finetune", 3, weight=100)
    forecast = Forecast(slow)
    took(forecast, slow[0], 20)
    forecast.start(slow[1].id, 20)
    forecast.train(slow[1].id, 0, 100, 20)
    forecast.train(slow[1].id, 25, 100, 30)  # at this pace it takes 40 s, as others wanted the machine for a moment
    took(forecast, slow[2], 20, 30)
    assert forecast.left(30) == pytest.approx((1 - 0.25 * (1 - AFTER)) * 20)
    forecast.train(slow[1].id, 100, 100, 45)
    assert forecast.left(45) == pytest.approx(AFTER * 20), "predictions are still to be made"


def test_what_a_worker_pays_to_start_up_is_not_expected_again():
    slow = jobs("finetune", 4, weight=100)
    forecast = Forecast(slow, workers=2)
    for job in slow[:2]:
        forecast.start(job.id, 0)
        forecast.train(job.id, 0, 60, 40)
    for job in slow[:2]:
        forecast.finish(job.id, 50, 50)
    assert forecast.left(50) == pytest.approx(2 * (10 + 1) / 2)
    took(forecast, slow[2], 14, 50)
    assert forecast.taken[-1][1] == 14, "later cells count as a whole"


def test_two_workers_halve_the_time_left():
    probes = jobs("probe", 12)
    forecast = Forecast(probes, workers=2)
    for job in probes[:6]:
        took(forecast, job, 2)
    assert forecast.left(0) == pytest.approx(6 * 2 / 2)


def test_features_are_no_part_of_a_cell_and_those_of_further_backbones_are_expected():
    first, second = jobs("probe", 4, ahead=10), jobs("probe", 4, ahead=30, backbone="large")
    forecast = Forecast([*first, *second])
    forecast.start(first[0].id, 0)
    for done in range(11):
        forecast.extract(first[0].id, "features of train", done, 10, 10.0 * done)
    forecast.finish(first[0].id, 2, 102)
    took(forecast, first[1], 2)
    assert forecast.left(102) == pytest.approx(2 * 2 + 4 * 2 + 300)


def test_features_in_the_making_are_counted_at_their_pace():
    probes = jobs("probe", 4, ahead=10)
    forecast = Forecast(probes, workers=1)
    for job in probes[:2]:
        took(forecast, job, 2)
    forecast.start(probes[2].id, 10)
    for done in range(6):
        forecast.extract(probes[2].id, "features of test", done, 10, 10 + 4.0 * done)
    assert forecast.left(30) == pytest.approx(5 * 4 + 2 + 2)


def test_a_pace_leaves_out_the_first_step_and_says_nothing_before_a_few():
    pace = Pace()
    for now, done in ((0, 0), (40, 1), (41, 2)):
        pace.tell(now, done)
        assert pace.left(now, 100) is None
    for done in range(3, 11):
        pace.tell(39 + done, done)
    assert pace.left(49, 100) == pytest.approx(90)  # with the first step it would be seven minutes


def test_a_pace_follows_work_that_gets_faster():
    pace = Pace()
    for done in range(10):
        pace.tell(done * 10.0, done)
    for done in range(10, 100):
        pace.tell(90 + (done - 9) * 2.0, done)
    assert pace.left(270, 200) == pytest.approx(101 * 2, rel=0.1)


def shown(path):
    """Yield twice a second of a run that eta.py logged what was left in truth, and what a person saw: counted down."""
    lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    known = [Job(row[1], tuple(row[2:6]), float(row[6]), float(row[7])) for row in lines if row[0] == "job"]
    events = [row for row in lines if row[0] not in ("job", "workers")]
    forecast, end = Forecast(known, int(lines[0][1])), float(events[-1][1])
    look, said = 0.1 * end, (0.0, None)
    for kind, when, cell, *rest in events:
        now = float(when)
        while look < now:
            yield end - look, None if said[1] is None else max(0.0, said[1] - (look - said[0]))
            look += 0.5
        match kind:
            case "start":
                forecast.start(cell, now)
                continue  # says nothing new
            case "train":
                forecast.train(cell, int(rest[0]), int(rest[1]), now)
            case "extract":
                forecast.extract(cell, rest[2], int(rest[0]), int(rest[1]), now)
            case "finish":
                forecast.finish(cell, float(rest[0]) if rest[0] else None, now)
        said = now, forecast.left(now)


@pytest.mark.parametrize("path", sorted(LOGS.glob("*.csv")), ids=lambda path: path.stem)
def test_on_runs_that_were_logged_it_is_within_a_factor_of_two_from_a_tenth_of_the_time_on(path):
    seen = list(shown(path))
    assert sum(left is not None for _, left in seen) > 0.75 * len(seen)
    for truth, left in seen:
        if left is not None and abs(left - truth) > 3:  # nobody minds to be off by less
            assert left / 2 <= truth <= left * 2, (truth, left)
