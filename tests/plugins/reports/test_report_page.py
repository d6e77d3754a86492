"""The page of a report, as it stands before any script runs: what it holds, in which order, and what it packs."""

import base64
import gzip
import json
import re
import tomllib

import pytest
from report_records import HOSTILE, SUITE, make_record, make_results, many_results, rich_results

from tlbench.contract import suite_from_mapping
from tlbench_reports import facts, figures, table_csv
from tlbench_reports.downloads import tables
from tlbench_reports.page import page
from tlbench_reports.suite_file import suite_text

PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt"/>'


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return rich_results(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="module")
def html(results):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "MOST", 6)
        patch.setattr(figures, "render", lambda *_, **__: [PICTURE])
        return page(results)


def unpacked(letters):
    return gzip.decompress(base64.b64decode(letters)).decode()


def data(html):
    return json.loads(unpacked(re.search(r'id="data-grids">([^<]*)<', html).group(1)))


def grid(html, key):
    [found] = [each for each in data(html)["grids"] if each["key"] == key]
    return found


def column(found, key):
    [own] = [each for each in found["columns"] if each["key"] == key]
    return own["texts"]


def rows(found, *keys):
    return list(zip(*(column(found, key) for key in keys), strict=True))


def test_the_sections_stand_in_the_order_that_a_reader_asks(html):
    order = re.findall(r'<section id="([a-z]+)"', html)
    assert order == ["answer", "scores", "tuned", "charts", "across", "choosing", "pairs", "gaps", "origin", "data"]
    assert html.index('class="beware"') < html.index('<section id="scores"')


def test_the_best_and_what_ties_with_it_are_marked_in_words(html, results):
    found = grid(html, "scores-accuracy-inductive")
    summary = results.summary().query("setting == 'inductive'")
    assert column(found, "standing").count("★ best") == summary["best"].sum()
    assert column(found, "standing").count("≈ tied with best") == (summary["tied"] & ~summary["best"]).sum() > 0
    assert "★ best" in html


def test_a_table_stands_by_its_means_within_its_groups(html):
    found = grid(html, "scores-accuracy-inductive")
    assert len(found["groupTitles"]) == 4
    for group in range(4):
        means = [m for m, own in zip(column(found, "mean"), found["groups"], strict=True) if own == group]
        assert "failed" not in means[:-1], "which comes last"
        means = [mean for mean in means if mean != "failed"]
        assert means == sorted(means, reverse=True)


def test_negative_transfer_is_said(html):
    found = grid(html, "scores-accuracy-inductive")
    said = {reading for name, reading in rows(found, "strategy", "reading") if name == "prototypes"}
    assert said == {"▼ worse than scratch: negative transfer"}


def test_what_was_chosen_by_test_labels_stands_apart(html):
    oracle = grid(html, "scores-accuracy-oracle")
    assert {name.partition(" ")[0] for name in column(oracle, "strategy")} == {"dann"}
    assert set(column(oracle, "setting")) == {"oracle"}
    for found in data(html)["grids"]:
        if found["filtered"] and found is not oracle and found["key"] != oracle["key"]:
            assert "oracle" not in column(found, "selection")
    assert '<div class="grid oracle" id="scores-accuracy-oracle">' in html
    assert html.index("Nobody can have these results") < html.index('id="scores-accuracy-oracle"')


def test_the_ledger_says_what_was_declared_and_what_was_measured(html):
    found = grid(html, "scores-accuracy-inductive")
    hostile = [
        row for row in rows(found, "strategy", "transductive", "near_duplicates") if row[0].startswith("</script>")
    ]
    assert [row[1:] for row in hostile] == [("no (measured no)", "3 / 0 / ?")]
    assert "no (not measured)" in column(found, "transductive")
    assert set(column(found, "pretrained_on")) == {"letters", "\N{EN DASH}"}, "of a failure nothing is known"


def test_default_and_tuned_stand_side_by_side(html):
    found = grid(html, "tuning")
    assert len(column(found, "strategy")) == 3
    for _, default, tuned, gain, seconds in rows(found, "strategy", "default", "mean", "gain", "seconds"):
        assert float(gain) == pytest.approx(float(tuned) - float(default), abs=0.002)
        assert seconds == "42.5"


def test_ranks_over_datasets_come_with_who_was_left_out(html, results):
    [across] = results.across("accuracy")
    ranks, out = grid(html, "ranks-accuracy-1"), grid(html, "left-out-accuracy-1")
    assert tuple(column(ranks, "candidate")) == tuple(across.ranks["candidate"])
    assert [has for name, has in rows(out, "candidate", "has") if "script" in name] == ["1 of 3"]
    assert len(grid(html, "wins-accuracy-1")["columns"]) == 1 + len(across.candidates)


def test_rules_without_labels_are_set_against_the_oracle(html):
    found = grid(html, "validators")
    [(rule, correlation, n)] = rows(found, "rule", "correlation", "n")
    assert (rule, correlation, n) == ("entropy", "+1.00", "4")


def test_every_pair_is_there_to_be_asked_for(html, results):
    places = data(html)["pairs"]
    assert sum(len(place["pairs"]) for place in places) == len(results.pairwise("accuracy"))


def test_records_of_a_row_are_found_by_their_places(html, results):
    found = grid(html, "scores-accuracy-inductive")
    frame = table_csv.results_frame(results)
    [row] = [i for i, (name, where) in enumerate(rows(found, "strategy", "transfer"))
             if name == "linear-probe [10 trials]" and where == "signs"]  # fmt: skip
    places = [place for first, end in found["records"][row] for place in range(first, end)]
    own = frame.iloc[places]
    assert list(own["replicate"]) == list(range(6))
    assert set(own["strategy"]) == {"linear-probe"}
    assert set(own["tuned"]) == {"10 trials"}
    assert set(own["transfer"]) == {"signs"}


def test_the_files_inside_are_those_that_lie_beside_the_page(html, results, tmp_path):
    written = {path.name: path.read_text(encoding="utf-8") for path in table_csv.write(results, tmp_path)}
    found = re.findall(r'class="data-file" data-name="([^"]+)"[^>]*>([^<]*)<', html)
    assert {"results.csv", "summary.csv", "costs.csv"} == {name for name, _ in found}
    for name, letters in found:
        assert "".join(map(unpacked, letters.split("\n"))) == written[name]


def test_files_are_cut_between_records_whatever_these_hold(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench_reports.downloads.PIECE", 2)
    odd = make_record('two\nlines "and" quotes', 0, 20)
    results = make_results(tmp_path, [make_record("scratch", i, 20) for i in range(3)] + [odd])
    [table] = [each for each in tables(results) if each.name == "results.csv"]
    assert table.lines == 4
    assert [unpacked(piece).count("cell") for piece in table.pieces] == [1, 0, 0]
    assert "".join(map(unpacked, table.pieces)) == table_csv.csv_text(table_csv.results_frame(results))


def test_nothing_that_a_name_holds_becomes_markup(html):
    assert HOSTILE not in html
    assert "<script>alert" not in html
    assert "\u2028" not in html
    assert html.count("<script>") == 1
    assert html.count("<!--") == 0


def test_a_large_table_shows_its_first_rows_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench_reports.page.gallery", lambda results: figures.Gallery((), 0))
    html = page(many_results(tmp_path))
    table = html.partition('id="scores-accuracy-inductive"')[2].partition("</table>")[0]
    assert table.count('<th scope="row">') == 100
    assert "The first 100 of 205 rows." in html
    assert len(column(grid(html, "scores-accuracy-inductive"), "strategy")) == 205
    assert "pairs are too many for a page" in html


def test_charts_that_are_left_out_are_counted(html, results):
    assert html.count("<figure>") == 6
    [said] = re.findall(r"([\d,]+) more charts are not on this page", html)
    assert int(said) == len(figures.charts(results)) - 6


def test_the_page_of_very_many_records_has_about_one_chart_of_each_kind(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    monkeypatch.setattr(figures, "MANY_RECORDS", len(results.records))
    found = figures.gallery(results)
    assert len(found) == figures.FEW
    assert found.left_out == len(figures.charts(results)) - figures.FEW
    assert len(found.kinds) > figures.FEW / 2


def test_every_kind_of_chart_has_its_own_heading_and_room(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    found = figures.gallery(results)
    assert "Further charts" not in [kind.title for kind in found.kinds]
    assert {(figure.wide.width, figure.wide.height) for kind in found.kinds for figure in kind.figures} == {(96, 48)}
    assert sum(len(kind.open) + len(kind.folded) for kind in found.kinds) == len(found)


def test_the_suite_is_offered_as_a_file_that_plans_the_same(html, results):
    text = suite_text(results)
    again = suite_from_mapping(tomllib.loads(text))
    assert [list(block.strategies) for block in again.blocks] == [block["strategies"] for block in SUITE["blocks"]]
    assert again.blocks[0].datasets == ('folder:my "own" pictures',)
    assert again.recipe.steps == 60
    assert again.protocol.validation == 0.2
    assert "quick.toml" in html


def test_a_suite_that_no_file_can_say_is_not_offered(tmp_path):
    odd = {**SUITE, "protocol": {**SUITE["protocol"], "moon": "full"}}
    results = make_results(tmp_path, [make_record("scratch", 0, 20)], suite=odd)
    assert suite_text(results) == ""


def test_facts_that_all_records_share_are_taken_apart_once(tmp_path, monkeypatch):
    results = make_results(tmp_path, [make_record("scratch", i, 20) for i in range(50)])
    taken = []
    flatten = facts.flatten
    monkeypatch.setattr(facts, "flatten", lambda *given: taken.append(given) or flatten(*given))
    assert facts.protocol(results)["recipe.lr"] == "0.001"
    facts.origins(results)
    assert len(taken) < 10
