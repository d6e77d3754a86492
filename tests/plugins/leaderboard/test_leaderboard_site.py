"""The published site: in a real browser without a network, against hostile names, and folder by folder."""

import json
import re
import shutil
from urllib.parse import unquote, urldefrag

import pytest
from leaderboard import Forger, make_results

from tlbench import Reporter
from tlbench.host import Catalog

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


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_pages_filter_sort_and_ask_nobody(browser, site, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in pages(site):
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    page.goto((site / "index.html").as_uri())
    page.get_by_label("find a board").fill("finetu")
    assert page.locator("[data-item]:visible").all_inner_texts() == ["finetune"]
    page.locator("[data-item]:visible a").click()
    assert page.locator("h1").inner_text() == "finetune"
    page.goto((site / "boards" / "toy" / "index.html").as_uri())
    rows = page.locator("tr[data-row]:visible")
    assert rows.count() == 3
    page.get_by_label("strategy", exact=True).select_option("scratch")
    assert (rows.count(), page.locator("[data-count]").inner_text()) == (1, "1 of 3 rows")
    page.get_by_label("strategy", exact=True).select_option("")
    page.get_by_label("find in the table").fill("linear")
    assert rows.count() == 1
    page.get_by_label("find in the table").fill("")
    button = page.get_by_role("button", name="score")
    button.focus()
    orders = []
    for direction in ("descending", "ascending"):
        page.keyboard.press("Enter")
        assert page.locator("th[aria-sort]").get_attribute("aria-sort") == direction
        orders.append([float(cell.inner_text()) for cell in page.locator("tr[data-row] td:nth-child(2)").all()])
    assert orders[0] == sorted(orders[0], reverse=True)
    assert orders[1] == sorted(orders[1])
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 29)")
    assert said == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    context.close()


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
