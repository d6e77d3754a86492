"""What a run ends with: at most 25 lines, no wider than the terminal, with the answer first and the page last."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from tlbench.errors import PluginError, TlbenchError
from tlbench.host import Catalog, Host
from tlbench.results import Results, Store, write_reports
from tlbench.results.brief import brief
from tlbench.results.short_table import COLUMNS
from tlbench.testing.toy_results import KINDS, _predictions, record, write_results

BOARDS = Path(__file__).parents[2] / "results"
STORED = [path.parent for path in sorted(BOARDS.glob("*/tlbench.json"))]


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("kind", KINDS)
def test_the_end_of_a_run_fits_the_terminal(kind, width, tmp_path):
    write_results(kind, tmp_path)
    lines = brief(Results(tmp_path), width)
    assert len(lines) <= 24
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("board", STORED, ids=lambda path: path.name)
def test_so_does_that_of_the_stored_boards_which_says_who_wins_at_each_budget(board, width):
    results = Results(board)
    lines = brief(results, width)
    assert len(lines) <= 24
    assert all(cell_len(line) <= width for line in lines)
    first, _, table = "\n".join(lines).partition("\n\n")
    assert " ".join(first.split()).startswith(results.answer().sentence[:50])
    last = [card for card in results.answer().cards if card.winner][-1]
    assert any(last.winner in line and f"{last.score:.3f}" in line for line in table.splitlines())


def test_few_rows_are_all_shown_with_score_interval_verdict_gain_and_cost(tmp_path):
    write_results("one replicate", tmp_path)
    lines = brief(Results(tmp_path), 100)
    [head] = [line for line in lines if line.startswith("strategy")]
    assert head.split() == ["strategy", "accuracy", "95%", "verdict", "gain", "cost"]
    assert any(line.startswith("scratch") and "0.300" in line for line in lines)


def test_settings_stand_under_headings_of_their_own_and_what_test_labels_chose_is_no_best(tmp_path):
    made = [record("dann", "adapt", i, 20 + i) for i in range(2)]
    made += [record("tim", "few-shot", i, 30 + i, setting="transductive") for i in range(2)]
    made += [record("dann", "adapt", i, 36, setting="oracle") for i in range(2)]
    lines = brief(results_of(made, tmp_path), 100)
    heads = ("5 labels per class", "5 labels per class (transductive)", "5 labels per class, chosen by test labels")
    at = [lines.index(head) for head in heads]
    assert [lines[place + 1].split()[0] for place in at] == ["dann", "tim", "dann"]
    assert ["best" in lines[place + 1] for place in at] == [True, True, False]
    assert "upper bound" in lines[at[2] + 1]


def test_a_row_that_did_not_learn_is_called_so(tmp_path):
    made = [record("probe", "extract", i, 20) for i in range(2)]
    lost = [record("lora", "finetune", i, 30) for i in range(2)]
    made += [replace(each, ledger={**each.ledger, "did_not_learn": "one class"}) for each in lost]
    results = results_of(made, tmp_path)
    assert results.table().set_index("strategy")["verdict"].to_dict() == {"probe": "best", "lora": "did not learn"}


def test_the_best_comes_first_where_less_is_better(tmp_path):
    made = [record(name, "extract", i, right + i) for name, right in (("a", 10), ("b", 30), ("c", 20)) for i in (0, 1)]
    assert results_of(made, tmp_path).table("nll")["strategy"].tolist() == ["b", "c", "a"]


def test_a_group_without_an_answer_has_no_score_and_an_unclear_gain_no_number(tmp_path):
    made = []
    for number, budget in enumerate(("1-shot", "2-shot", "5-shot", "10-shot", "20-shot", "50-shot")):
        for i in range(4):
            made += [record(f"probe-{k}", "extract", i, 20 + (i * k) % 5, budget=budget) for k in range(3)]
            made.append(record("scratch", "scratch", i, 36 if not number else 19 + (i * 7) % 4, budget=budget))
    own = [replace(each, identity={**each.identity, "backbone": {"weights": "x"}}) for each in made]
    lines = brief(results_of(own, tmp_path), 100)
    assert any(line.split() == ["1-shot", "no", "answer"] for line in lines)
    [line] = [line for line in lines if line.startswith("5-shot")]
    assert "unclear" in line


def test_long_names_are_cut_to_the_width(tmp_path):
    made = [record("probe", "extract", i, 20 + i) for i in range(2)]
    own = [replace(each, labels={**each.labels, "backbone": "network" * 30}) for each in made]
    assert max(map(cell_len, brief(results_of(own, tmp_path), 60))) <= 60


def test_a_random_start_is_told_from_its_network(tmp_path):
    made = [record(f"probe-{k}", "extract", i, 20 + i + k) for k in range(14) for i in range(2)]
    names = ("net.letters(size=32)", "net(pretrained=false)")
    own = [
        replace(each, labels={**each.labels, "backbone": name}, identity={**each.identity, "backbone": name},
                cell=f"{each.cell[:9]}{place}")
        for place, name in enumerate(names) for each in made
    ]  # fmt: skip
    lines = brief(results_of(own, tmp_path), 100)
    assert {"net.letters", "net(pretrained=false)"} <= set(lines)


def results_of(made, folder):
    store = Store(folder, create=True)
    for each in made:
        store.write(each, _predictions(each, 1))
    return Results(folder)


def test_failed_cells_are_counted(tmp_path):
    write_results("failures", tmp_path)
    assert "2 cells failed: `tlbench report" in " ".join(brief(Results(tmp_path), 200))


def test_the_pages_path_is_the_last_line_and_texts_are_said_when_asked_for(tmp_path):
    write_results("everything", tmp_path)
    results, catalog = Results(tmp_path), Catalog(Host())
    for formats, width in ((("text", "html"), 80), (("text", "html"), 0)):
        said: list[str] = []
        write_reports(results, catalog, formats, say=said.append, width=width)
        assert said[-1] == str(tmp_path / "index.html")
        assert ("How to read this" in "\n".join(said)) == (width == 0)


# ---- for people at a notebook -----------------------------------------------------------------------------------


@pytest.fixture
def results(tmp_path):
    write_results("everything", tmp_path)
    return Results(tmp_path)


def test_the_table_has_ten_columns_and_the_best_of_each_group_first(results):
    table = results.table()
    assert tuple(table.columns) == COLUMNS
    assert len(COLUMNS) == 10
    assert len(table) == len(results.summary())
    firsts = table.groupby(["transfer", "backbone", "budget"], sort=False).first()
    assert set(firsts["verdict"]) <= {"best", "upper bound", "failed", "undefined", "behind", "did not learn"}
    best = table[table["verdict"] == "best"].iloc[0]
    assert best["low"] <= best["score"] <= best["high"]


def test_results_show_themselves_by_the_answer_and_the_folder(results):
    first, answer = repr(results).splitlines()
    assert str(results.folder) in first
    assert answer == results.answer().sentence
    shown = results._repr_html_()
    assert shown.count("<th>") == 10
    assert "<script>" not in shown
    assert "index.html" in shown


def test_figures_are_found_by_name_and_shown_by_notebooks(results):
    from matplotlib.figure import Figure

    assert {"budget", "cost", "scores"} <= set(dir(results.plot))
    figure = results.plot.budget()
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert results.plot.budget() is not figure
    with pytest.raises(AttributeError, match=r"no figure 'bugdet'\. Did you mean 'budget'\?"):
        results.plot.bugdet()


def test_what_is_not_there_to_be_drawn_is_one_sentence(results):
    with pytest.raises(TlbenchError, match=r"there is no chart 99 of cost"):
        results.plot.cost(99)


def test_a_plugins_reporter_joins_with_figures_of_its_own(tmp_path, results):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from matplotlib.figure import Figure\nfrom tlbench import Reporter, hookimpl\n"
        "def draw(results, size=1):\n    return Figure(figsize=(size, size))\n"
        "@hookimpl\ndef tlbench_reporters():\n"
        "    return [Reporter('mine', lambda results, folder: [], figures={'mine': draw})]\n"
    )
    own = Results(results.folder, catalog=Catalog(Host([plugin])))
    assert own.plot.mine(size=3).get_size_inches().tolist() == [3, 3]


def test_figures_whose_names_python_cannot_say_are_refused(tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from tlbench import Reporter, hookimpl\n@hookimpl\ndef tlbench_reporters():\n"
        "    return [Reporter('mine', lambda results, folder: [], figures={'my-chart': print})]\n"
    )
    with pytest.raises(PluginError, match="figures must be a dict of names of Python to functions"):
        Catalog(Host([plugin])).reporter_list()


def test_no_gain_is_shown_where_it_is_not_clear():
    results = Results(BOARDS / "quick")
    table, verdicts = results.table(), results.summary()["verdict"]
    assert (verdicts == "unclear").any()
    assert table["gain"].notna().sum() == verdicts.isin(["better", "worse"]).sum()


def test_weights_of_a_file_are_told_from_a_random_start():
    lines = brief(Results(BOARDS / "photographs"), 120)
    assert any("mobilenetv1_100@\N{HORIZONTAL ELLIPSIS}" in line for line in lines)
