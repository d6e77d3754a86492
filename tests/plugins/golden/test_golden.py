"""`tlbench golden`: every method is checked against something that others can look up, and a wrong one is seen."""

import pytest
from click.testing import CliRunner

from tlbench.cli import main
from tlbench.host import Catalog, Host
from tlbench.learning import configure
from tlbench_golden.catalogue import all_checks, chosen_checks
from tlbench_golden.check import Check, Checks, Row, Setup
from tlbench_golden.table import as_markdown, cells

OFFLINE = [check for check in all_checks() if not check.files]
REFERENCES = ("easyfsl", "skada", "peft")


@pytest.fixture
def setup(tmp_path):
    configure(1)
    return Setup(None, tmp_path)


@pytest.mark.filterwarnings("ignore")  # the references' own
@pytest.mark.parametrize("check", OFFLINE, ids=lambda check: check.name)
def test_what_needs_no_data_holds(check, setup):
    if set(check.packages) & set(REFERENCES):
        for package in check.packages:
            pytest.importorskip(package)
    rows = list(check.make(setup))
    assert [cells(row) for row in rows if not row.holds] == []
    assert {row.method for row in rows} == set(check.methods)


def test_every_strategy_of_ours_has_a_check_that_needs_no_data():
    ours = {name for name, offer in Catalog(Host()).strategies.items() if offer.origin.distribution == "tlbench"}
    assert ours - {method for check in OFFLINE for method in check.methods} == set()


def test_checks_are_of_strategies_that_exist_and_have_names_of_their_own():
    known = set(Catalog(Host()).strategies)
    checks = all_checks()
    assert {method for check in checks for method in check.methods} <= known
    assert len({check.name for check in checks}) == len(checks)


def run(*arguments):
    return CliRunner().invoke(main, ["golden", *arguments], catch_exceptions=False)


def test_a_wrong_method_fails_and_so_does_the_command(tmp_path, monkeypatch):
    import tlbench_adapt.coral

    right = tlbench_adapt.coral.coral_loss
    assert run("coral", "--offline", "--out", str(tmp_path)).exit_code == 0
    monkeypatch.setattr(tlbench_adapt.coral, "coral_loss", lambda one, other: right(one, other) + 0.01)
    result = run("coral", "--offline", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "FAILS" in result.output
    assert "FAILS" in (tmp_path / "golden.md").read_text()


def test_data_that_is_not_there_is_asked_for_and_nothing_fails(tmp_path):
    with_files = next(check for check in all_checks() if check.files)
    result = run(with_files.name, "--out", str(tmp_path))
    assert result.exit_code == 0
    assert "not run" in result.output
    assert "give --data FOLDER with" in " ".join(result.output.split())
    result = run(with_files.name, "--out", str(tmp_path), "--data", str(tmp_path))
    assert "lacks" in " ".join(result.output.split())


def test_a_data_folder_that_is_not_there_is_said_before_anything_runs(tmp_path):
    result = run("--data", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "there is no folder" in result.output
    assert not (tmp_path / "out").exists()


def test_a_typo_is_met_with_the_near_miss(tmp_path):
    from tlbench import TlbenchError

    with pytest.raises(TlbenchError, match="Did you mean 'coral'"):
        chosen_checks(("corral",))
    assert chosen_checks(("coral",))


def test_a_check_that_breaks_hides_no_other(tmp_path, monkeypatch):
    checks = Checks()

    @checks.figure("scratch", kind="identity", source="here", reference="0", band=(0, 0))
    def breaks(setup):
        """Compare what breaks."""
        raise ZeroDivisionError("by nought")

    @checks.figure("scratch", kind="identity", source="here", reference="0", band=(0, 0))
    def stands(setup):
        """Compare what stands."""
        return 0.0

    assert [row.what for row in list(checks)[1].make(None)] == ["What stands"]
    monkeypatch.setattr("tlbench_golden.catalogue.all_checks", lambda: list(checks))
    result = run("--out", str(tmp_path))
    assert result.exit_code == 1
    assert "failed: ZeroDivisionError: by nought" in result.output
    assert "1 of 1 figures hold" in result.output


@pytest.mark.parametrize(
    ("ours", "low", "high", "verdict", "band"),
    [
        (0.5, 0.4, 0.6, "holds", "0.4 to 0.6"),
        (0.7, 0.4, 0.6, "FAILS", "0.4 to 0.6"),
        (float("nan"), 0.0, 1.0, "FAILS", "0 to 1"),
        (2e-6, 0.0, 0.0, "FAILS", "exactly 0"),
        (0.9, 0.05, float("inf"), "holds", "at least 0.05"),
    ],
)
def test_the_verdict_is_whether_the_figure_lies_in_the_band(ours, low, high, verdict, band):
    row = Row("coral", "a | loss", "somebody", "0", ours, low, high)
    assert cells(row)[-2:] == (band, verdict)
    page = as_markdown([(row, "identity")], [(Check("far", "published", ("dann",), lambda setup: []), "no data")])
    assert "a \\| loss" in page
    assert "- far (dann): no data" in page


def test_the_list_runs_nothing(tmp_path):
    result = run("--list", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "coral-is-skadas (reference): coral" in result.output
    assert not (tmp_path / "out").exists()
