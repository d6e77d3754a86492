"""The chart of scores by label budget, and what all charts share: one look, light and dark, values on their marks."""

import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.text import Annotation, Text
from report_records import LEVELS, make_record, make_results

from tlbench import TlbenchError
from tlbench_reports.budget_chart import budget_charts, budget_figure
from tlbench_reports.charts import charts
from tlbench_reports.drawing import MARKERS, cut, figure_of, looks, render
from tlbench_reports.palette import COLOURS, DARK, DARK_PAPER, PAPER, theme, variable
from tlbench_reports.svg import themed

SVG = "{http://www.w3.org/2000/svg}"


def records(**changes):
    return [
        make_record(strategy, replicate, right, family=family, budget=budget, **changes)
        for strategy, (family, *levels) in LEVELS.items()
        for budget, rights in zip(("1-shot", "5-shot"), levels, strict=True)
        for replicate, right in enumerate(rights)
    ]


def adaptation():
    adapt = {"family": "adapt", "budget": "0", "source": "typed"}
    return [
        make_record(name, i, right + i, **adapt)
        for name, right in (("source-only", 20), ("dann", 22))
        for i in range(3)
    ]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return make_results(tmp_path_factory.mktemp("budgets"), [*records(), *adaptation()])


@pytest.fixture(scope="module")
def chart(results):
    [chart] = budget_charts(results)
    return chart


def drawn(chart, **how):
    [picture] = render(chart, "svg", **how)
    return picture


def words(picture):
    return [element.text for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


# One chart


def test_all_strategies_are_on_the_same_axes_in_the_order_of_labels(chart):
    shown = words(drawn(chart))
    assert {*(name for name in LEVELS if "(" not in name), "source-only", "dann"} <= set(shown)
    ticks = [word for word in shown if word in ("0", "1", "5")]
    assert ticks == ["0", "1", "5"]
    assert "labels per class (log scale)" in shown
    figure = figure_of(chart)
    assert len(figure.axes) == 1


def test_the_title_says_who_leads(chart):
    assert chart.lead
    assert chart.lead.split()[0] in " ".join(words(drawn(chart)))
    assert "prototypes" in chart.lead


def test_the_best_of_each_budget_is_ringed_and_named_over_it(chart, results):
    summary = results.summary()
    best = summary[summary["best"]]
    [axes] = figure_of(chart).axes
    rings = [line.get_ydata()[0] for line in axes.lines if line.get_markersize() == 12.5]
    assert sorted(rings) == pytest.approx(sorted(best["mean"]))
    over = [text.get_text() for text in axes.texts if text.get_position()[1] == 1.02]
    assert over == [str(label) for label in best["label"]]


def test_each_point_tells_strategy_budget_score_and_interval(chart, results):
    tips = re.findall("<title>([^<]*)", themed(drawn(chart, standalone=False)).decode())
    for row in results.summary().to_dict("records"):
        budget = {"0": "0 labels per class", "1-shot": "1 label per class", "5-shot": "5 labels per class"}
        said = f"{row['label']}, {budget[row['budget']]}: {row['mean']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        assert said in tips
    assert len(tips) == len(results.summary())


@pytest.mark.parametrize("kind", ["wide", "narrow"])
def test_no_name_stands_on_another(tmp_path, kind):
    alike = [
        make_record(f"strategy-{name}", i, 30, family="extract", budget=budget)
        for name in range(8) for budget in ("1-shot", "5-shot") for i in range(2)
    ]  # fmt: skip
    [chart] = budget_charts(make_results(tmp_path, alike))
    figure = figure_of(chart if kind == "wide" else chart.narrow)
    names = [text for text in figure.axes[0].texts if isinstance(text, Annotation)]
    assert len(names) == 8
    boxes = [Text.get_window_extent(text) for text in names]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_phone_gets_a_chart_of_its_own_whose_words_can_be_read(chart):
    assert chart.narrow.size[0] * 72 <= 300
    sizes = re.findall(r"font(?:-size)?: ?([\d.]+)px", drawn(chart.narrow, standalone=False).decode())
    points = chart.narrow.size[0] * 72
    assert min(map(float, sizes)) * 360 / points >= 9


def test_shares_and_all_labels_stand_by_their_number(tmp_path):
    given = {"10%": {"train_labels": 72}, "full": {"train_labels": 720}}
    some = [
        make_record(name, i, right + i, ledger=given[budget], budget=budget)
        for name, right in (("a", 20), ("b", 25)) for budget in given for i in range(3)
    ]  # fmt: skip
    [chart] = budget_charts(make_results(tmp_path, some))
    shown = words(drawn(chart))
    assert {"10%", "(72)", "full", "(720)", "labels (log scale)"} <= set(shown)


def test_the_leading_backbone_of_each_dataset_stands_first(tmp_path):
    some = [
        replace(
            make_record(name, i, right + i, budget=budget, transfer=transfer, backbone=backbone),
            cell=f"{name}-{i}-{budget}-{transfer}-{backbone}",
        )
        for transfer in ("digits", "glyphs")
        for backbone, right in (("weak", 10), ("strong", 30))
        for name in ("a", "b") for budget in ("1-shot", "5-shot") for i in range(2)
    ]  # fmt: skip
    results = make_results(tmp_path, some)
    found = [chart.name for chart in budget_charts(results)]
    assert found == ["budget-1-digits-strong", "budget-2-glyphs-strong", "budget-3-digits-weak", "budget-4-glyphs-weak"]
    assert budget_figure(results, backbone="weak").get_suptitle() == budget_charts(results)[2].lead
    with pytest.raises(TlbenchError, match=r"signs has no scores at two label budgets\. There are: digits on strong,"):
        budget_figure(results, "signs")


def test_one_budget_has_no_such_chart_but_one_of_its_scores(tmp_path):
    results = make_results(tmp_path, [make_record(name, i, 20 + i) for name in ("a", "b") for i in range(2)])
    assert budget_charts(results) == []
    with pytest.raises(TlbenchError, match=r"nothing here has scores at two label budgets\."):
        budget_figure(results)
    assert next(chart.name for chart in charts(results)).startswith("scores-")


# One look


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear, float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize(("colours", "paper"), [(COLOURS, PAPER), (DARK, DARK_PAPER)])
def test_colours_stand_out_from_their_paper(colours, paper):
    for colour in colours:
        dark, light = sorted((luminance(colour)[1], luminance(paper)[1]))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


# Machado, Oliveira & Fernandes, 2009: how colours look without red and without green cones.
BLINDNESS = (
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
)


@pytest.mark.parametrize("colours", [COLOURS, DARK])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_no_two_colours_look_alike_without_colour_vision(colours, blindness):
    def lab(colour):
        seen = np.clip(np.array(blindness) @ luminance(colour)[0], 0, 1)
        xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ seen
        x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    assert min(np.linalg.norm(lab(one) - lab(other)) for one, other in combinations(colours, 2)) > 10


def test_ten_strategies_have_ten_marks():
    rows = [{"label": f"s{i}", "family": "f", "is_baseline": False, "upper_bound": False} for i in range(10)]
    assert len({look.marker for look in looks(rows).values()}) == 10
    assert not {"p", "h", "*"} & set(MARKERS[:10]), "these look like a circle, or are an upper bound's"


def test_a_strategy_looks_the_same_in_all_charts_of_a_report(results):
    seen = {}
    for chart in charts(results):
        for axes in figure_of(chart).axes:
            for line in axes.lines:
                found = re.match(r"point\|([^,]*(?:\([^)]*\))?), ", str(line.get_gid()))
                if found:
                    seen.setdefault(found[1], set()).add((line.get_color(), line.get_marker()))
    assert len(seen) == len(LEVELS) + 2
    assert all(len(looks_of) == 1 for looks_of in seen.values()), seen


def test_long_names_lose_their_middle():
    name = "mobilenetv1_100(input_size=64, width=0.25)@mobilenetv1_025_imagenet"
    assert cut(name) == "mobilenetv1_100(input…mobilenetv1_025_imagenet"[:22] + cut(name)[22:]
    assert len(cut(name)) == 44
    assert cut("short") == "short"


# The page's colours


def test_a_picture_in_a_page_has_no_colour_of_its_own_but_those_of_maps(chart):
    inside = themed(drawn(chart, standalone=False)).decode().partition("</style>")[2]
    plain_ones = re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", inside)
    assert plain_ones == []
    assert "var(--chart-ink)" in inside
    names = set(re.findall(r"var\((--chart-[\w-]+)", inside))
    assert names <= set(re.findall(r"(--chart-[\w-]+):", theme()))


def test_a_file_is_light_and_says_its_values_and_an_image_has_a_dark_version(chart):
    file = drawn(chart)
    assert b"var(--" not in file
    assert b"<title>prototypes, 5 labels per class: 0." in file
    image = themed(file).decode()
    assert "@media (prefers-color-scheme: dark)" in image
    assert variable("#000000") in image
    ElementTree.fromstring(image)


def test_a_picture_in_a_page_takes_fewer_letters_and_says_the_same_numbers(chart):
    file = drawn(chart, standalone=False).decode()
    image = themed(file.encode()).decode()
    assert len(image) < 0.9 * len(file)
    assert re.findall("<title>[^<]*", image) == re.findall("<title>[^<]*", file)
    assert re.findall(r'\bd="[^"]*\.\d{3}', file)
    assert not re.findall(r'\bd="[^"]*\.\d{3}', image)
