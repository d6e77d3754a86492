"""The published site: in a real browser without a network, against hostile names, and folder by folder."""

import json
import re
import runpy
import shutil
from pathlib import Path
from urllib.parse import unquote, urldefrag

import numpy as np
import pytest
from leaderboard import Forger, all_right, make_results

from tlbench import Block, Recipe, Reporter, Results, Suite
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.results import Store, budget_rankings
from tlbench.running import Where, execute_plan
from tlbench_leaderboard.claims import read_claims
from tlbench_leaderboard.publishing import publish
from tlbench_leaderboard.ranked import places as ranked_places
from tlbench_leaderboard.source import open_source

ROOT = Path(__file__).parents[3]

HOSTILE = "<script>alert(1)</script>\"'&\u202eevil"


@pytest.fixture(autouse=True)
def short_report(monkeypatch):
    """Write a page of one line in the place of the report, which has tests of its own."""

    def write(results, folder):
        (folder / "index.html").write_text("<!doctype html><title>report</title>")
        return [folder / "index.html"]

    found = Catalog.reporters.func

    def reporters(self):
        offers = found(self)
        object.__setattr__(offers["html"], "thing", Reporter("html", write))
        return offers

    monkeypatch.setattr(Catalog, "reporters", property(reporters))


@pytest.fixture(scope="module")
def results(toy, tmp_path_factory):
    return make_results(toy, tmp_path_factory.mktemp("site") / "mine")


@pytest.fixture
def site(cli, toy, results, tmp_path):
    """A site of a merge in which one cell was submitted twice."""
    other = Forger(results, tmp_path / "theirs")
    for path in other.paths:
        other.record(path, lambda data: data["costs"].update(fit_seconds=7.5))
    path = other.find("finetune")
    other.logits(path, lambda logits, labels: -logits)
    other.consistent_scores(path)
    cli("submit", other.folder, "-o", tmp_path / "theirs.zip", "--name", HOSTILE, "--link", "https://example.org/a")
    assert cli("merge", results, tmp_path / "theirs.zip", "-o", tmp_path / "joined").exit_code == 0
    done = cli("publish", tmp_path / "joined", "-o", tmp_path / "site")
    assert done.stdout.splitlines()[-1] == str(tmp_path / "site" / "index.html")
    return tmp_path / "site"


def pages(site):
    return {
        path: path.read_text(encoding="utf-8") for path in sorted(site.rglob("*.html")) if path.name != "report.html"
    }


def links(page, text):
    for found in re.findall(r'href="([^"]*)"', text):
        if not found.startswith(("https://", "data:")):
            yield (page.parent / unquote(urldefrag(found)[0])).resolve() if urldefrag(found)[0] else page.resolve()


def test_every_link_leads_to_a_file_and_every_file_is_linked(site):
    linked = {(site / "index.html").resolve()}
    for page, text in pages(site).items():
        for target in links(page, text):
            assert target.is_file(), (page, target)
            linked.add(target)
    there = {path.resolve() for path in site.rglob("*") if path.is_file() and path.name != "tlbench-site.json"}
    assert there == linked


def test_there_is_a_page_for_each_board_strategy_backbone_dataset_row_and_record(site):
    names = {path.relative_to(site).as_posix() for path in pages(site)}
    assert {"boards/toy/index.html", "strategies/finetune.html", "backbones/tiny-corners.html"} <= names
    assert "datasets/blobs.html" in names
    assert sum("/rows/" in name for name in names) == 3
    assert sum("/records/" in name for name in names) == 6
    board = (site / "boards" / "toy" / "index.html").read_text()
    assert 'href="report.html"' in board
    assert board.count("<tr data-row") == 3


def test_a_record_that_was_submitted_twice_shows_both_with_their_spread(site, results):
    cell = Forger(results, site.parent / "again").find("finetune").stem
    text = (site / "boards" / "toy" / "records" / f"{cell}.html").read_text()
    assert "Submitted 2 times" in text
    assert "other bits, accuracy" in text
    assert len(re.findall(r'href="[^"]*\.json" download', text)) == 2
    assert len(re.findall(r'href="[^"]*\.safetensors" download', text)) == 2
    first = json.loads((site / "boards" / "toy" / "records" / f"{cell}.json").read_text())
    [second] = [json.loads(path.read_text()) for path in (site / "boards" / "toy" / "records").glob(f"{cell}.*.json")]
    assert first["scores"] != second["scores"]


def test_hostile_names_are_escaped_on_every_page(site):
    for text in pages(site).values():
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "default-src 'none'" in text
    assert "&lt;script&gt;alert(1)" in (site / "boards" / "toy" / "index.html").read_text()


def test_equal_results_give_equal_bytes_and_only_an_own_site_is_replaced(cli, refused, site, tmp_path):
    before = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    assert cli("publish", tmp_path / "joined", "-o", site).exit_code == 0
    assert before == {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes(b"1")
    assert "something else than a site" in refused("publish", tmp_path / "joined", "-o", tmp_path / "photos")
    assert "something else than a site" in refused("publish", tmp_path / "joined", "-o", tmp_path / "joined")
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["one.png"]
    shutil.copytree(tmp_path / "joined", site / "data")
    assert "which would be replaced" in refused("publish", site / "data", "-o", site)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_board_of_too_many_records_lists_them_on_their_rows_and_says_so(cli, results, tmp_path):
    done = cli("publish", results, "-o", tmp_path / "site", "--records-limit", 5)
    assert "6 records, more than --records-limit 5" in done.stderr
    assert not (tmp_path / "site" / "boards" / "toy" / "records").exists()
    for page, text in pages(tmp_path / "site").items():
        assert all(target.is_file() for target in links(page, text))
    row = next((tmp_path / "site" / "boards" / "toy" / "rows").iterdir()).read_text()
    assert row.count("<code>") == 4


def test_a_failure_and_its_traceback_are_shown_escaped(cli, results, tmp_path):
    forger = Forger(results, tmp_path / "failed")
    path = forger.find("finetune")
    path.with_suffix(".safetensors").unlink()
    failure = {"kind": "ValueError", "message": "<img src=x onerror=alert(1)>", "traceback": "</pre><b>line</b>"}
    forger.record(path, lambda data: data.update(scores={}, ledger={}, costs={}, tasks={}, failure=failure))
    assert cli("publish", forger.folder, "-o", tmp_path / "site").exit_code == 0
    text = (tmp_path / "site" / "boards" / "toy" / "records" / f"{path.stem}.html").read_text()
    assert "&lt;img src=x" in text
    assert "<b>line" not in text


def verify(folder, file, *strategies):
    """Write down that reruns confirmed the rows of some strategies."""
    claims = read_claims(open_source(folder))
    rows = [
        {"row": own[0].row, "status": "verified", "rerun": 1, "have": len(own), "why": "",
         "records": sorted(claim.content for claim in own)}
        for own in claims.rows.values() if own[0].row.partition(",")[0] in strategies
    ]  # fmt: skip
    checked = {"digest": "0" * 64, "draw": 1, "environment": {}, "rows": rows, "refuted": []}
    file.write_text(json.dumps({"schema": 1, "submissions": [checked]}))
    return file


def tables(text):
    """Return the strategies of each ranking of a page, by its kind."""
    found = re.findall(r'<table class="rank (\w+)">(.*?)</table>', text, re.DOTALL)
    return {kind: re.findall(r"<th scope=row><a [^>]*>(.*?)</a>", table) for kind, table in found}


def test_rows_that_nobody_verified_rank_apart_and_win_nothing(cli, toy, tmp_path):
    results = make_results(toy, tmp_path / "mine", ("scratch", "nearest-mean", "linear-probe"))
    best = Forger(results, tmp_path / "best")
    for replicate in (0, 1):
        path = best.find("linear-probe", replicate)
        best.logits(path, all_right)
        best.consistent_scores(path)
    kept = verify(best.folder, tmp_path / "verified.json", "scratch", "nearest-mean")
    assert cli("publish", best.folder, "-o", tmp_path / "site", "--verified", kept).exit_code == 0
    for place in ("index.html", "boards/toy/index.html"):
        text = (tmp_path / "site" / place).read_text()
        found = tables(text)
        assert (set(found["verified"]), found["unverified"]) == ({"scratch", "nearest-mean"}, ["linear-probe"])
        assert "No row of this board has been verified" not in text
        assert "linear-probe" not in re.search('<p class="answer">(.*?)</p>', text)[1]
    page = (tmp_path / "site" / "strategies" / "linear-probe.html").read_text()
    assert "None of its rows ranks. Not counted: 1 row that nobody verified." in page
    assert "best of those not verified" in page
    assert "linear-probe (" not in (tmp_path / "site" / "datasets" / "blobs.html").read_text()


def test_a_board_without_any_rerun_says_so_above_its_numbers(cli, results, tmp_path):
    assert cli("publish", results, "-o", tmp_path / "site").exit_code == 0
    text = (tmp_path / "site" / "index.html").read_text()
    assert text.index("No row of this board has been verified") < text.index("<tr data-row")
    assert set(tables(text)) == {"unverified"}


def test_a_line_names_who_handed_it_in_and_when(cli, results, tmp_path):
    cli("submit", results, "-o", tmp_path / "ours.zip", "--name", "Our group", "--date", "2026-11-05")
    assert cli("publish", tmp_path / "ours.zip", "-o", tmp_path / "site").exit_code == 0
    lines = (tmp_path / "site" / "index.html").read_text().split("<tr data-row")[1:]
    assert lines
    assert all("<td>Our group <small>2026-11-05</small>" in line for line in lines)


def test_a_strategy_says_what_it_does_its_paper_its_parameters_and_its_source(cli, results, tmp_path):
    assert cli("publish", results, "-o", tmp_path / "site").exit_code == 0
    text = (tmp_path / "site" / "strategies" / "finetune.html").read_text()
    assert "Train the pretrained network and a new linear head together" in text
    assert 'href="https://arxiv.org/abs/1311.2524">arXiv:1311.2524</a>' in text
    assert "<code>head_rate = 30.0</code></dt><dd>the head learns this many times faster</dd>" in text
    assert "<code>tlbench_finetune/finetune.py</code> of tlbench" in text
    assert re.search(r"1 comparison: best in \d, tied with the best in \d, behind in \d\.", text)


def test_what_is_not_installed_is_said_to_be_unknown_and_nothing_that_a_record_names_is_looked_into(
    cli, toy, results, tmp_path, monkeypatch
):
    module = tmp_path / "named_by_a_record.py"
    module.write_text("raise SystemExit('it was imported')")
    monkeypatch.syspath_prepend(tmp_path)
    forger = Forger(results, tmp_path / "named")
    for path in forger.paths:
        forger.record(path, lambda data: data["provenance"]["strategy"].update(module="named_by_a_record"))
        forger.record(path, lambda data: data["provenance"]["backbone"].update(module="named_by_a_record"))
    for options, known in (((), False), (("-p", toy), True)):
        assert cli("publish", forger.folder, "-o", tmp_path / "site", *options).exit_code == 0
        text = (tmp_path / "site" / "backbones" / "tiny-corners.html").read_text()
        assert ("no backbone of this name is installed" in text) != known
        assert ("<dt>licence of the weights</dt><dd>unknown</dd>" in text) or known
        assert "<code>named_by_a_record.py</code>" in text
    text = (tmp_path / "site" / "datasets" / "blobs.html").read_text()
    assert re.search(r"<dt>classes</dt><dd>\d", text)
    assert re.search(r"<dt>test items of day</dt><dd>\d", text)


@pytest.fixture(scope="module")
def two_transfers(toy, tmp_path_factory):
    return make_results(
        toy, tmp_path_factory.mktemp("two") / "mine", on=("tiny.corners", "blobs[->day]", "blobs[->night]")
    )


def test_several_datasets_have_a_page_each_and_one_of_their_mean_ranks(cli, two_transfers, tmp_path):
    assert cli("publish", two_transfers, "-o", tmp_path / "site").exit_code == 0
    board = (tmp_path / "site" / "boards" / "toy" / "index.html").read_text()
    assert "2 transfers together" in board
    assert "Ranks and scores are means over blobs/day, blobs/night" in board
    for name in ("blobs-day", "blobs-night"):
        text = (tmp_path / "site" / "boards" / "toy" / "on" / f"{name}.html").read_text()
        assert sorted(tables(text)["unverified"]) == ["finetune", "linear-probe", "scratch"]
        assert 'aria-current="page"' in text
    scores = [float(score) for score in re.findall(r"<td>\d\.\d<th.*?<td>([\d.]+)", board.replace("\n", ""))]
    own = Results(two_transfers).summary().groupby("strategy")["mean"].mean()
    assert sorted(scores) == sorted(round(value, 3) for value in own)


def test_ranks_and_ties_say_the_same(results):
    draw = np.random.default_rng(0)
    for _ in range(50):
        names = "abcdef"
        rows = [{"label": name, "best": name == "a", "tied": name in "abc"[: draw.integers(1, 4)]} for name in names]
        pairs = [
            (names[j], names[i], -0.1 * (j - i), bool(draw.random() < 0.2 * (j - i)))
            for i in range(6) for j in range(i + 1, 6)
        ]  # fmt: skip
        for row, place in zip(rows, ranked_places(rows, pairs, 1), strict=True):
            assert 1 <= place.first <= place.last <= 6
            assert place.is_tied == (row["best"] or row["tied"])
            assert place.is_tied or place.first > 1
    places = list(ranked_places(rows, [(b, a, -0.1, True) for a in names for b in names if a < b], 1))
    assert [(place.first, place.last) for place in places] == [(rank, rank) for rank in range(1, 7)]


def test_a_large_board_stays_small_page_by_page(toy, tmp_path):
    large = runpy.run_path(ROOT / "benchmarks" / "large_board.py")
    folder = large["make_board"](tmp_path / "made", 12, 2, 3, budgets=2, replicates=2, items=20)
    publish([folder], tmp_path / "site", "Drawn", 100, Catalog(Host()))
    sizes = {path: len(text.encode()) for path, text in pages(tmp_path / "site").items()}
    bare = min(sizes.values())  # style and script are most of it
    front, board = tmp_path / "site" / "index.html", tmp_path / "site" / "boards" / "made" / "index.html"
    lines = board.read_text().count("<tr data-row")
    assert lines == 48  # candidates under both budgets
    assert sizes[board] - bare < 500 * lines
    assert front.read_text().count("<tr data-row") == 24  # a dozen of each budget
    assert max(sizes.values()) < bare + 500 * 48 + 20_000


@pytest.fixture(scope="module")
def two_budgets(toy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("budgets")
    block = Block(("scratch", "linear-probe"), ("tiny.corners",), ("blobs[->day]",), ("1-shot", "2-shot"))
    resources = Resources(Catalog(Host([toy])), Cache())
    plan = make_plan(Suite("toy", (block,), replicates=2, recipe=Recipe(steps=4, batch_size=8)), resources)
    execute_plan(plan, resources, Store(folder / "mine", create=True), Where("cpu", 1, 1))
    publish([folder / "mine"], folder / "site", "Two budgets", 100, Catalog(Host()))
    return folder / "site"


def test_the_chart_shows_every_mean_at_every_budget(two_budgets):
    text = (two_budgets / "index.html").read_text()
    assert "Does the ranking survive more labels?" in text
    told = re.findall(r"<title>([\w-]+), (\d) per class: ([\d.]+)</title>", text)
    results = Results(two_budgets.parent / "mine")
    assert f"<p>{budget_rankings(results)[0].sentence}.</p>" in text
    summary = results.summary()
    assert sorted(told) == sorted((row.strategy, row.budget[0], f"{row.mean:.3f}") for row in summary.itertuples())


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no chromium here")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def opened(browser):
    """Return a function that opens a page without a network, and what the pages said and asked for."""
    contexts, said, asked = [], [], []

    def open_page(path, width=1280, scheme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    assert said == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_no_page_is_wider_than_the_window(opened, site, width, scheme):
    page = opened(site / "index.html", width, scheme)
    for path in pages(site):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 29)")


def test_in_a_browser_names_and_rows_are_found_and_rows_are_sorted_by_keyboard(opened, site):
    page = opened(site / "index.html")
    page.get_by_label("find a board").fill("finetu")
    assert page.locator("[data-item]:visible").all_inner_texts() == ["finetune"]
    page.locator("[data-item]:visible a").click()
    assert page.locator("h1").inner_text() == "finetune"
    page.goto((site / "boards" / "toy" / "index.html").as_uri())
    rows = page.locator("tr[data-row]:visible")
    assert rows.count() == 3
    page.get_by_label("find in the tables").fill("linear")
    assert (rows.count(), page.locator("[data-count]").inner_text()) == (1, "1 of 3 rows")
    page.get_by_label("find in the tables").fill("")
    button = page.get_by_role("button", name="accuracy")
    button.focus()
    orders = []
    for direction in ("descending", "ascending"):
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == direction
        orders.append(
            [float(cell.inner_text()) for cell in page.locator("tbody:has(tr[data-row]) td:nth-child(3) a").all()]
        )
    assert orders[0] == sorted(orders[0], reverse=True)
    assert orders[1] == sorted(orders[1])


def test_in_a_browser_budgets_are_tabs_by_mouse_and_keyboard_without_scripts(opened, two_budgets):
    page = opened(two_budgets / "index.html", 390, scripts=False)
    tab = page.locator("label", has_text="2 per class")
    assert tab.count() == 1
    shown = page.locator(".tabs > section:visible")
    assert shown.get_attribute("aria-label") == "1 per class"
    tab.click()
    assert shown.get_attribute("aria-label") == "2 per class"
    page.keyboard.press("ArrowLeft")
    assert shown.get_attribute("aria-label") == "1 per class"


def test_the_files_of_a_repository_run_commands_that_exist(cli, refused, tmp_path):
    import yaml

    from tlbench.cli import main

    done = cli("leaderboard-init", tmp_path / "board", "--title", "Digits")
    assert len(done.stdout.splitlines()) == 4
    workflow = yaml.safe_load((tmp_path / "board" / ".github" / "workflows" / "leaderboard.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)
    assert workflow["permissions"] == {"contents": "read"}
    runs = "\n".join(step.get("run", "") for step in steps)
    commands = re.findall(r"tlbench ([a-z-]+)([^\n;|]*)", runs)
    assert {name for name, _ in commands} == {"validate", "verify", "leaderboard-draw", "merge", "publish"}
    for name, rest in commands:
        known = {option for parameter in main.get_command(None, name).params for option in parameter.opts}
        assert set(re.findall(r"(?<= )-{1,2}[a-z-]+", rest)) <= known
    assert "--title 'Digits'" in runs
    jobs = workflow["jobs"]
    assert "pull_request_target" not in workflow[True]  # `on`, to YAML
    assert {name for name, job in jobs.items() if "write" in job.get("permissions", {}).get("contents", "")} == {
        "draw",
        "keep",
    }
    assert jobs["draw"]["if"] == "github.event_name != 'pull_request' && github.ref == 'refs/heads/main'"
    assert all("draw" in jobs[name]["needs"] for name in ("verify", "keep", "publish"))
    [rerun] = [line for line in runs.splitlines() if "--draws draws.json --verified" in line]
    assert "tlbench verify" in rerun
    assert "is there already" in refused("leaderboard-init", tmp_path / "board")
    assert "plain words" in refused("leaderboard-init", tmp_path / "other", "--title", "a'; rm -rf /")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("path", "is_there", "passes"),
    [
        ("submissions/quick/theirs.zip", False, True),
        ("submissions/quick/ours.zip", True, False),  # of somebody else
        ("draws.json", False, False),
        ("verified.json", True, False),
        (".github/workflows/leaderboard.yml", True, False),
        ("submissions/quick/a b.zip", False, False),
        ("submissions/quick/-rf.zip", False, False),
    ],
)
def test_the_check_of_a_pull_request_refuses_anything_but_new_packs(cli, tmp_path, path, is_there, passes):
    import subprocess

    import yaml

    if not shutil.which("git") or not shutil.which("bash"):
        pytest.skip("there is no git or no bash here")
    board = tmp_path / "board"
    cli("leaderboard-init", board)
    steps = yaml.safe_load((board / ".github" / "workflows" / "leaderboard.yml").read_text())["jobs"]["check"]["steps"]
    [check] = [step["run"] for step in steps if step.get("name") == "Refuse anything but new packs"]

    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=board, check=True, capture_output=True)

    def write(name, text):
        (board / name).parent.mkdir(parents=True, exist_ok=True)
        (board / name).write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", name)

    git("init", "-q")
    write("submissions/quick/ours.zip", "pack")
    write("verified.json", "{}")
    assert (board / path).exists() == is_there
    write(path, "of a pull request")
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", check], cwd=board, capture_output=True, text=True)
    assert (done.returncode == 0) == passes
    assert passes or path.rpartition("/")[2] in done.stdout


def test_the_help_of_the_commands_waits_for_no_torch():
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from tlbench.cli import main; "
        "print(CliRunner().invoke(main, ['verify', '--help']).output); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--per-row" in done.stdout
    assert done.stdout.splitlines()[-1] == "False"
