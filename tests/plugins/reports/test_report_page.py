"""The page of a report, as it stands before any script runs: what it holds, in which order, and what it packs."""

import base64
import gzip
import json
import re
import tomllib
from dataclasses import replace
from html import unescape

import pytest
from report_records import HOSTILE, SUITE, make_record, make_results, many_results, renamed, rich_results

from tlbench.contract import suite_from_mapping
from tlbench_reports import facts, figures, table_csv
from tlbench_reports.downloads import tables
from tlbench_reports.page import page
from tlbench_reports.rows import short_names
from tlbench_reports.suite_file import suite_text
from tlbench_reports.words import file_name, plain

VERDICTS = {
    "best",
    "tied",
    "unclear",
    "baseline",
    "upper bound",
    "no answer",
    "failed",
    "undefined",
    "did not learn",
    "",
}
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
    order = re.findall(r'<(?:section|details class="fold") id="([a-z-]+\d?)"', html)
    assert order == [
        "answer", "place-1", "place-2", "place-3", "scores", "oracle", "notes", "charts", "pairs", "across", "tuned",
        "choosing", "by-class", "gaps", "origin", "data",
    ], order  # fmt: skip
    assert html.index('class="answer') < html.index('class="cards"') < html.index('class="beware"')
    assert html.index('class="beware"') < html.index('<section id="scores"')


def test_the_best_and_what_ties_with_it_are_marked_in_words(html, results):
    found = grid(html, "scores-accuracy-inductive")
    summary = results.summary().query("setting == 'inductive'")
    assert column(found, "verdict").count("best") == summary["best"].sum()
    assert column(found, "verdict").count("tied") == (summary["tied"] & ~summary["best"]).sum() > 0
    assert '<td class="best">best</td>' in html


def test_a_table_stands_by_its_means_within_its_groups(html):
    found = grid(html, "scores-accuracy-inductive")
    assert len(found["groupTitles"]) == 4
    for group in range(4):
        means = [m for m, own in zip(column(found, "mean"), found["groups"], strict=True) if own == group]
        assert "failed" not in means[:-1], "which comes last"
        means = [mean for mean in means if mean != "failed"]
        assert means == sorted(means, reverse=True)


def words(html):
    """Return what a reader reads of the page without a script, once styles, data and what is hidden are left out."""
    body = re.sub(r"<(script|style|noscript)\b.*?</\1>", " ", html.partition("<body>")[2], flags=re.DOTALL)
    body = re.sub(r'<t[dh][^>]* class="[^"]*\bband-(?!wide)[^>]*>.*?</t[dh]>', " ", body)
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", body).split()))


def test_the_page_opens_with_question_answer_and_a_card_for_each_budget(html, results):
    answer = results.answer()
    said = words(html)
    places = [said.index(text) for text in (answer.question, answer.sentence, "data and network", "Scores: accuracy")]
    assert places == sorted(places)
    cards = re.findall(r'<article class="card">(.*?)</article>', html, re.DOTALL)
    assert len(cards) == len(answer.cards) == 4
    order = list(dict.fromkeys(card.transfer for card in answer.cards))
    for card, own in zip(
        sorted(answer.cards, key=lambda card: order.index(card.transfer)), map(words_of, cards), strict=True
    ):
        assert own.startswith(f"{card.labels} {card.winner} {card.score:.3f}")
        assert f"{card.low:.3f}\N{EN DASH}{card.high:.3f}" in own
        gain = f"{100 * card.gain:+.1f} points" if card.verdict == "better" else "none that is clear"
        assert gain in own
        assert f"over {card.reference}" in own
        assert all(plain(name) in own for name in card.tied)


def words_of(markup):
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", markup.replace("<wbr>", "")).split()))


def test_a_row_has_one_verdict_and_it_is_that_of_its_card(html, results):
    found = grid(html, "scores-accuracy-inductive")
    groups = {}
    verdicts = column(found, "verdict")
    for name, verdict, transfer, budget in rows(found, "strategy", "verdict", "transfer", "budget"):
        assert verdict in VERDICTS or re.fullmatch(r"(better|worse) than \S+", verdict), verdict
        groups.setdefault((transfer, budget), {}).setdefault(verdict, set()).add(name)
    assert len({*verdicts} & {"best", "tied", "worse than scratch"}) == 3
    for card in results.answer().cards:
        own = groups[card.transfer, card.budget]
        assert own["best"] == {card.winner}
        assert own.get("tied", set()) == set(map(plain, card.tied))


def test_data_and_network_are_said_once_where_all_rows_share_them(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    records = [
        make_record(name, i, right + i, budget=budget, family="scratch" if name == "scratch" else "extract")
        for budget in ("1-shot", "5-shot") for name, right in (("scratch", 10), ("linear-probe", 30)) for i in range(3)
    ]  # fmt: skip
    said = words(page(make_results(tmp_path, renamed(records))).partition('id="notes"')[0])
    assert said.count("tiny.letters") == 1
    assert "data and network" not in said
    assert grid(page(make_results(tmp_path, renamed(records))), "scores-accuracy-inductive")["groupTitles"] == [
        "1 label per class", "5 labels per class",
    ]  # fmt: skip


def test_names_of_data_and_networks_are_as_short_as_tells_them_apart():
    efficient, mobile = "efficientnet_lite0.imagenet(img_size={})", "mobilenetv1_100(input_size={}, width=0.25)@weights"
    places = [(data, name.format(size)) for data, size in (("zip:flowers12.zip", 96), ("npz:cifar10.npz", 64))
              for name in (efficient, mobile)]  # fmt: skip
    assert list(short_names(places).values()) == [
        "flowers12, efficientnet_lite0.imagenet", "flowers12, mobilenetv1_100@weights",
        "cifar10, efficientnet_lite0.imagenet", "cifar10, mobilenetv1_100@weights",
    ]  # fmt: skip
    assert list(short_names([("d", "b(x=1)"), ("d", "b(x=2)")]).values()) == ["d, b(x=1)", "d, b(x=2)"]
    starts = [("d", "net.letters(size=32)"), ("d", "net(pretrained=false, size=32)")]
    assert list(short_names(starts).values()) == ["net.letters", "net(pretrained=false, size=32)"]
    assert short_names([("d", "one"), ("d", "two")]) == {("d", "one"): "one", ("d", "two"): "two"}


def test_where_nothing_should_be_taken_cards_and_rows_say_so(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    answer = results.answer()
    cards = [replace(card, winner="", no_answer="these weights do not help. Get <others>.") if card.transfer == "signs"
             else card for card in answer.cards]  # fmt: skip
    monkeypatch.setattr(type(results), "answer", lambda self, metric=None: replace(answer, cards=tuple(cards)))
    html = page(results)
    [card] = re.findall(r'<article class="card silent">(.*?)</article>', html, re.DOTALL)
    assert words_of(card) == "5 labels per class No answer yet These weights do not help. Get <others>."
    assert "<others>" not in html
    found = grid(html, "scores-accuracy-inductive")
    verdicts = {transfer: set() for transfer in ("signs", "glyphs")}
    for transfer, verdict in rows(found, "transfer", "verdict"):
        verdicts.setdefault(transfer, set()).add(verdict)
    assert verdicts["signs"] == {"no answer"}
    assert "best" in verdicts["glyphs"]
    assert "5 labels per class: no answer" in found["groupTitles"]


def test_rows_that_no_card_is_about_are_controls_and_none_of_them_is_best(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    answer = results.answer()
    cards = tuple(card for card in answer.cards if card.transfer != "signs")
    monkeypatch.setattr(type(results), "answer", lambda self, metric=None: replace(answer, cards=cards))
    found = grid(page(results), "scores-accuracy-inductive")
    verdicts = {verdict for transfer, verdict in rows(found, "transfer", "verdict") if transfer == "signs"}
    assert verdicts == {"a control"}


def test_the_page_prints_no_command_that_no_index_can_fulfil(html, results):
    assert "pip install" not in html
    assert f"tlbench {facts.environment(results).get('tlbench', '')}".strip() in words(html)


def test_of_many_places_the_first_twelve_are_shown_and_the_rest_are_folded(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench_reports.page.gallery", lambda results: figures.Gallery((), 0))
    records = [make_record(name, 0, right, transfer=f"data-{i:02}", dataset=f"data-{i:02}")
               for i in range(15) for name, right in (("scratch", 10), ("knn", 20))]  # fmt: skip
    html = page(make_results(tmp_path, renamed(records)))
    shown, folded = html.split('<details class="fold" id="places">')
    assert shown.count('role="rowheader"') == 12
    assert folded.count('role="rowheader"') == 3
    assert "3 more pairs of data and network" in folded
    assert html.count('<details class="fold" id="place-1" open>') == 1
    assert html.count(" open>") == 1


def test_negative_transfer_is_said(html):
    found = grid(html, "scores-accuracy-inductive")
    said = {reading for name, reading in rows(found, "strategy", "reading") if name == "prototypes"}
    assert said == {"worse than scratch: negative transfer"}
    verdicts = {verdict for name, verdict in rows(found, "strategy", "verdict") if name == "prototypes"}
    assert verdicts == {"worse than scratch"}


def test_what_was_chosen_by_test_labels_stands_apart(html):
    oracle = grid(html, "scores-accuracy-oracle")
    assert {name.partition(" ")[0] for name in column(oracle, "strategy")} == {"dann"}
    assert set(column(oracle, "setting")) == {"oracle"}
    for found in data(html)["grids"]:
        if found["filtered"] and found is not oracle and found["key"] != oracle["key"]:
            assert "oracle" not in column(found, "selection")
    assert '<div class="grid oracle scores" id="scores-accuracy-oracle">' in html
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
    assert html.count("<figure") == 6
    [said] = re.findall(r"([\d,]+) more charts are not on this page", html)
    assert int(said) == len(figures.charts(results)) - 6


def test_the_page_of_very_many_records_has_about_one_chart_of_each_kind(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    monkeypatch.setattr(figures, "MANY_RECORDS", len(results.records))
    found = figures.gallery(results)
    assert len(found) + len(found.first) == figures.FEW
    assert found.left_out == len(figures.charts(results)) - figures.FEW
    assert len(found.kinds) > figures.FEW / 2


def test_every_kind_of_chart_has_its_own_heading_and_room(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    found = figures.gallery(results)
    assert "Further charts" not in [kind.title for kind in found.kinds]
    sizes = {(figure.wide.width, figure.wide.height) for kind in found.kinds for figure in kind.figures}
    assert sizes == {(96, 48)}
    assert sum(len(kind.open) + len(kind.folded) for kind in found.kinds) == len(found)


def test_every_place_has_a_chart_of_its_own_on_top(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    found = figures.gallery(results)
    assert list(found.first) == [(name, "tiny.letters") for name in ("digits", "glyphs", "signs")]
    below = [figure for kind in found.kinds for figure in kind.figures]
    for (transfer, _), figure in found.first.items():
        assert transfer in figure.title
        assert figure not in below


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


def test_the_page_says_why_nobody_can_be_best_and_opens_at_a_place_that_has_an_answer(tmp_path):
    lost = [make_record("probe", i, 20, ledger={"did_not_learn": "one class"}) for i in range(2)]
    text = page(make_results(tmp_path / "lost", renamed(lost)))
    assert "No answer yet: in every row some replicate did not learn" in unescape(text)
    made = []
    for backbone, right in (("a.bad", 8), ("b.good", 30)):
        own = [make_record("scratch", i, 20 + i % 2, family="scratch", backbone=backbone) for i in range(6)]
        own += [make_record("probe", i, right + i % 2, backbone=backbone) for i in range(6)]
        told = {"name": backbone, "weights": backbone}
        made += [replace(each, identity={**each.identity, "backbone": told}) for each in own]
    found = page(make_results(tmp_path / "two", renamed(made)))
    folds = re.findall(r'<details class="fold place"[^>]*>|<details[^>]*id="place-\d+"[^>]*>', found)
    assert [" open" in fold for fold in folds] == [False, True]


def test_names_of_files_are_no_longer_than_a_file_may_have():
    long = "folder:" + "deep/" * 60
    assert len(file_name(long)) == 80
    assert file_name(long + "a") != file_name(long + "b")
    assert file_name("10%") == "10-percent"


def test_a_card_names_first_of_its_ties_the_row_that_the_headline_takes(results, monkeypatch):
    monkeypatch.setattr(figures, "render", lambda *_, **__: [PICTURE])
    answer = results.answer()
    card = replace(answer.cards[0], winner="a", tied=("b", "c"), take="c", no_answer="")
    monkeypatch.setattr(type(results), "answer", lambda self, metric=None: replace(answer, cards=(card,)))
    assert re.search(r"tied with\W+c \(taken above\), b", words_of(page(results)))
    several = (card, replace(card, transfer="elsewhere"))
    monkeypatch.setattr(type(results), "answer", lambda self, metric=None: replace(answer, cards=several))
    assert "taken above" not in page(results)
