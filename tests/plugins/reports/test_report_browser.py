"""The page of a report in a real browser: sorting, filtering, pages, records, downloads. Skipped without Chromium."""

import json
import re
import shutil

import pytest
from report_records import HOSTILE, make_record, make_results, many_results, renamed, rich_results

from tlbench_reports import figures, table_csv
from tlbench_reports import page as report_page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium")

PICTURE = b'<svg xmlns="http://www.w3.org/2000/svg" width="432pt" height="72pt"><rect width="9" height="9"/></svg>'
DASH = "\N{EN DASH}"
SCORES = "#scores-accuracy-inductive"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return rich_results(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="module")
def address(results, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "render", lambda *_, **__: [PICTURE])
        [path] = report_page.write(results, tmp_path_factory.mktemp("page"))
    return path.as_uri()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_page, "gallery", lambda results: figures.Gallery((), 0))
        [path] = report_page.write(many_results(folder), folder)
    return path.as_uri()


@pytest.fixture
def opened(browser):
    """Return what opens a page; whatever it then asks of the network or says on the console fails the test."""
    said, asked, contexts = [], [], []

    def open_page(address, ready=True, unfolded=True, **options):
        context = browser.new_context(accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        if ready:
            page.wait_for_selector("html[data-ready=yes]")
        if ready and unfolded:
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in asked), asked
    assert sum(url.startswith("file:") for url in asked) == len(contexts)


def texts(page, selector):
    return page.eval_on_selector_all(selector, "found => found.map(each => each.innerText.trim())")


def cells(page, heading, grid=SCORES):
    """Return what stands in the visible column under a heading."""
    return page.evaluate(
        """([grid, heading]) => {
            const table = document.querySelector(grid + " table");
            const heads = [...[...table.tHead.rows].at(-1).cells];
            const at = heads.findIndex(head => head.innerText.replace(/\\s*[↕↑↓]?$/, "").trim().startsWith(heading));
            const rows = [...table.tBodies].flatMap(body => [...body.rows]);
            return rows.filter(row => row.cells.length === heads.length).map(row => row.cells[at].textContent);
        }""",
        [grid, heading],
    )


def test_the_script_draws_what_the_page_says_without_it(opened, address):
    with_script, without = opened(address), opened(address, ready=False, java_script_enabled=False)
    assert without.locator("#tools").is_hidden()
    assert without.locator("#downloads button").count() == 0
    written = without.evaluate(DRAWN)
    assert len(written) > 8
    assert with_script.evaluate(DRAWN) == written


def test_pressing_a_heading_sorts_and_says_so(opened, address):
    page = opened(address)
    page.uncheck("#together")
    head = page.locator(f"{SCORES} th", has_text="to the baseline (points)")
    for direction, falling in (("descending", True), ("ascending", False)):
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == direction
        found = [float(text.split(" ")[0]) for text in cells(page, "to the baseline") if text != DASH]
        assert found == sorted(found, reverse=falling)
        assert cells(page, "to the baseline")[-1] == DASH, "what is missing stays below"
    assert page.locator(f"{SCORES} th[aria-sort]").count() == 1


def test_rows_that_may_be_compared_stay_together_until_that_is_undone(opened, address):
    page = opened(address)
    headings = texts(page, f"{SCORES} tr.group")
    assert len(headings) == 3 + 4, "of places and of label budgets"
    page.locator(f"{SCORES} th", has_text="strategy").get_by_role("button").click()
    assert texts(page, f"{SCORES} tr.group") == headings
    assert cells(page, "strategy")[0] == "dann" or cells(page, "strategy")[0]
    page.uncheck("#together")
    assert page.locator(f"{SCORES} tr.group").count() == 0
    names = [name for name in cells(page, "strategy") if name.isascii() and name[0].isalpha()]
    assert names == sorted(names)
    assert page.locator(f"{SCORES} th", has_text="transfer").is_visible()


def test_words_and_choices_narrow_the_tables_and_the_count_is_told(opened, address):
    page = opened(address)
    everything = page.locator("#choices [role=status]").inner_text()
    page.get_by_label("Search names").fill("PROBE digits")
    assert set(cells(page, "strategy")) == {"linear-probe", "linear-probe [10 trials]"}
    assert re.match(r"2 of \d+ rows\.", page.locator("#choices [role=status]").inner_text())
    page.get_by_label("Search names").fill("")
    page.get_by_label("Setting").select_option("oracle")
    assert page.locator(f"{SCORES} table").is_hidden()
    assert page.locator("#scores-accuracy-oracle table").is_visible()
    page.get_by_role("button", name="Show all").click()
    page.wait_for_selector(f"{SCORES} table")
    assert page.locator("#choices [role=status]").inner_text() == everything
    page.get_by_label("Search names").fill("no such thing")
    assert page.locator(".grid.scores table:visible tr.group").count() == 0


def test_columns_are_shown_on_demand(opened, address):
    page = opened(address)
    assert page.locator(f"{SCORES} th", has_text="seconds to predict").is_hidden()
    page.check("#band-costs")
    assert page.locator(f"{SCORES} th", has_text="seconds to predict").is_visible()
    page.uncheck("#band-costs")
    assert page.locator(f"{SCORES} th", has_text="seconds to predict").is_hidden()


def test_the_records_of_a_row_are_unpacked_when_asked_for(opened, address, results):
    page = opened(address)
    page.get_by_label("Search names").fill("scratch signs")
    button = page.locator(f"{SCORES} .opener", has_text="scratch")
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    told = dict(zip(texts(page, ".detail dt"), texts(page, ".detail dd"), strict=True))
    assert told["train labels"] == "50"
    assert told["replicates"] == "6"
    page.get_by_role("button", name="Show 6 records").press("Enter")
    page.wait_for_selector(f"{SCORES} .detail table")
    heads, *lines = page.evaluate(
        "[...document.querySelectorAll('.detail table tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    frame = table_csv.results_frame(results).query("strategy == 'scratch' and transfer == 'signs'")
    shown = [dict(zip(heads, line, strict=True)) for line in lines]
    assert [line["cell"] for line in shown] == list(frame["cell"])
    assert [float(line["accuracy"]) for line in shown] == pytest.approx(list(frame["accuracy"]), abs=1e-3)
    button.click()
    assert page.locator(".detail").count() == 0


def test_large_tables_are_shown_in_pages_and_sorted_whole(opened, large):
    page = opened(large)
    rows = page.locator(f"{SCORES} tbody th[scope=row]")
    assert rows.count() == 100
    assert "rows 1 to 100 of 205" in page.locator(f"{SCORES} .more").inner_text()
    for _ in range(2):
        page.locator(f"{SCORES} .more").get_by_role("button", name="Next").click()
    assert rows.count() == 5
    assert page.locator(f"{SCORES} .more").get_by_role("button", name="Next").is_disabled()
    page.locator(f"{SCORES} th", has_text="strategy").get_by_role("button").click()
    assert cells(page, "strategy")[:3] == ["probe-0", "probe-1", "probe-2"]
    page.get_by_label("Search names").fill("probe-203")
    assert cells(page, "strategy") == ["probe-203"]
    assert page.locator(f"{SCORES} .more").is_hidden()


def test_the_files_that_are_saved_are_those_of_the_csv_reporter(opened, address, results, tmp_path):
    written = {path.name: path.read_bytes() for path in table_csv.write(results, tmp_path)}
    page = opened(address)

    def saved(name):
        with page.expect_download() as download:
            page.locator("#downloads").get_by_role("button", name=f"Save {name}").click()
        assert download.value.suggested_filename == name
        return download.value.path().read_bytes()

    for name in ("results.csv", "summary.csv", "costs.csv"):
        assert saved(name) == written[name]
    whole = json.loads(saved("results.json"))
    frame = table_csv.results_frame(results)
    assert [record["accuracy"] for record in whole["results"] if record["status"] == "ok"] == list(
        frame["accuracy"].dropna()
    )
    assert HOSTILE in {record["strategy"] for record in whole["results"]}
    assert {record["tied"] for record in whole["summary"]} == {True, False}
    assert saved("quick.toml").decode().startswith('name = "quick"')


def test_two_strategies_are_set_against_each_other(opened, address, results):
    page = opened(address)
    pairs = results.pairwise("accuracy")
    where = page.locator("#pair-place option").all_inner_texts()
    page.select_option("#pair-place", label=next(title for title in where if title.startswith("signs")))
    page.select_option("#pair-first", label="prototypes")
    found = dict(
        zip(texts(page, "#pair-table tbody th"), texts(page, "#pair-table tbody td:nth-child(2)"), strict=True)
    )
    own = pairs[(pairs["transfer"] == "signs")]
    for row in own[(own["a"] == "prototypes") | (own["b"] == "prototypes")].to_dict("records"):
        other, sign = (row["b"], 1) if row["a"] == "prototypes" else (row["a"], -1)
        assert float(found[other].split(" ")[0]) == pytest.approx(sign * row["delta"], abs=6e-4)


def test_every_link_leads_somewhere_on_the_page(opened, address):
    page = opened(address)
    targets = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    assert len(targets) == 5
    for target in targets:
        assert target.startswith("#")
        assert page.locator(f"[id='{target[1:]}']").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"


def test_names_of_plugins_stay_text(opened, address):
    page = opened(address)
    plain = HOSTILE.replace("\u2028", " ")
    assert plain in cells(page, "strategy")
    assert page.locator("script:not([type])").count() == 1


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window_and_can_be_read(opened, address, width, scheme):
    page = opened(address, viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.locator(f"{SCORES} .opener").first.click()
    page.locator(".detail .records").click()
    page.wait_for_selector(f"{SCORES} .detail table")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(f"(each => each.scrollWidth <= each.clientWidth)(document.querySelector('{SCORES} .scroll'))")
    for ratio, what in page.evaluate(CONTRASTS):
        assert ratio >= 4.5, what


@pytest.fixture(scope="module")
def budgets(tmp_path_factory):
    """Return the page of one data set and network at two label budgets, with its charts as they are."""
    folder = tmp_path_factory.mktemp("budgets")
    levels = {"scratch": ("scratch", 12, 24), "linear-probe": ("extract", 24, 30), "finetune": ("finetune", 18, 36)}
    records = [
        make_record(name, i, right + i % 3, budget=budget, family=family)
        for name, (family, *rights) in levels.items()
        for budget, right in zip(("1-shot", "5-shot"), rights, strict=True)
        for i in range(5)
    ]
    [path] = report_page.write(make_results(folder, renamed(records)), folder)
    return path.as_uri()


@pytest.mark.parametrize("size", [(1400, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_has_question_answer_chart_and_a_card_for_each_budget(opened, budgets, size, scheme):
    width, height = size
    page = opened(budgets, unfolded=False, viewport={"width": width, "height": height}, color_scheme=scheme)
    for selector in ("h1", ".answer", ".first svg", *(f".cards > :nth-child({n}) .winner" for n in (1, 2))):
        box = page.locator(selector).bounding_box()
        assert box["x"] >= 0, selector
        assert box["x"] + box["width"] <= width, selector
        assert box["y"] + box["height"] <= height, selector
    assert texts(page, ".card h3") == ["1 label per class", "5 labels per class"]
    assert texts(page, ".card .winner b") == ["linear-probe", "finetune"]
    assert page.evaluate("document.documentElement.scrollHeight") <= 6000
    assert len(page.inner_text("body").split()) <= 900


def test_a_chart_is_as_dark_as_the_page_and_a_phone_has_one_of_its_own(opened, budgets):
    light, dark = (opened(budgets, color_scheme=scheme) for scheme in ("light", "dark"))
    paper = "getComputedStyle(document.querySelector('.first svg #chart-0-patch_1 path')).fill"
    papers = [page.evaluate(paper) for page in (light, dark)]
    grounds = [page.evaluate("getComputedStyle(document.body).backgroundColor") for page in (light, dark)]
    assert papers[0] == "rgb(255, 255, 255)"
    assert papers[1] == grounds[1] != grounds[0]
    phone = opened(budgets, viewport={"width": 390, "height": 844})
    shape = "document.querySelector('.first svg').getAttribute('viewBox')"
    boxes = [page.evaluate(shape) for page in (light, phone)]
    assert boxes[0] != boxes[1]


def test_the_numbers_of_a_mark_are_told_under_the_pointer_by_keyboard_and_by_touch(opened, budgets):
    page = opened(budgets, unfolded=False, has_touch=True)
    marks, tip = page.locator(".first [data-tip]"), page.locator("#tip")
    assert marks.count() == 6
    assert tip.is_hidden()
    last = marks.last
    said = last.get_attribute("data-tip")
    assert re.fullmatch(r"[\w-]+, 5 labels per class: 0\.\d{3} \[0\.\d{3}, [01]\.\d{3}\]", said)
    assert last.get_attribute("aria-label") == said
    last.hover(force=True)
    assert tip.inner_text() == said
    page.mouse.move(5, 5)
    assert tip.is_hidden()
    last.focus()
    assert tip.inner_text() == said
    page.keyboard.press("Escape")
    assert tip.is_hidden()
    marks.first.tap(force=True)
    assert tip.inner_text() == marks.first.get_attribute("data-tip")
    inside = page.evaluate("(box => box.left >= 0 && box.right <= innerWidth)(tip.getBoundingClientRect())")
    assert inside
    page.locator("h1").tap()
    assert tip.is_hidden()


def test_every_control_is_reached_by_keyboard_and_its_focus_is_seen(opened, budgets):
    page = opened(budgets, unfolded=False)
    reached = []
    for _ in range(80):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now["tag"] == "BODY":
            break
        assert now["seen"], now
        reached.append(now)
    kinds = [each["kind"] for each in reached]
    assert kinds[0] == "skip"
    assert kinds.count("point") == 6
    assert kinds.count("opener") == 6
    summaries = [each["text"] for each in reached if each["tag"] == "SUMMARY"]
    assert summaries == texts(page, "summary:visible")
    page.locator("#data > summary").focus()
    assert page.locator("#downloads button").first.is_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Save results.csv"


def test_a_link_unfolds_what_it_leads_to(opened, address):
    page = opened(address, unfolded=False)
    assert page.locator(".notes li").first.is_hidden()
    page.get_by_role("link", name="How to read this").press("Enter")
    page.locator(".notes li").first.wait_for(state="visible")  # raises where it does not come: the script is told later
    place = page.locator(".winners a").last
    place.click()
    page.locator(f"{place.get_attribute('href')}[open]").wait_for()


def test_without_a_script_the_page_can_be_read(opened, budgets):
    page = opened(budgets, ready=False, java_script_enabled=False)
    assert texts(page, ".card .winner b") == ["linear-probe", "finetune"]
    assert page.locator(".first img").is_visible()
    page.locator("#charts > summary").click()
    assert page.locator("#charts img").first.is_visible()


# What has the focus, and whether that can be seen: by an outline of its own or of what stands for it.
FOCUSED = """() => {
    const now = document.activeElement;
    const style = getComputedStyle(now);
    return { tag: now.tagName, kind: (now.getAttribute("class") ?? "").split(" ")[0], text: now.textContent.trim(),
        seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 };
}"""


def test_tables_tell_a_screen_reader_what_they_are(opened, address):
    page = opened(address)
    assert page.locator("table").count() == page.locator("table > caption").count() > 8
    assert page.locator("th:not([scope])").count() == 0
    for input_ in page.locator("input, select").all():
        assert input_.evaluate("input => input.labels.length") == 1
    assert page.locator(".scroll:not([aria-label])").count() == 0


# What each table says: its headings and, cell by cell, what stands where and what it is marked as.
DRAWN = """() => [...document.querySelectorAll(".grid")].map((grid) => [grid.id, ...[...grid.querySelectorAll("tr")]
    .map((row) => [row.className, row.parentElement.tagName, ...[...row.cells].map((cell) =>
        [cell.tagName, cell.scope ?? "", cell.className, cell.colSpan, cell.getAttribute("aria-sort"),
            cell.querySelectorAll("wbr").length, cell.textContent.trim()])])])"""

# The contrast (WCAG 2) of every different pair of colours that text and what is behind it have.
CONTRASTS = """() => {
    const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = numbers(colour).slice(0, 3).map((v) => v / 255)
            .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (numbers(colour)[3] !== 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const found = new Map();
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
        const element = walk.currentNode.parentElement;
        const words = walk.currentNode.data.trim();
        if (!words || !element.checkVisibility() || element.closest("script, :disabled")) continue;
        const [text, back] = [getComputedStyle(element).color, behind(element)];
        const [high, low] = [light(text), light(back)].sort((a, b) => b - a);
        found.set(`${text} on ${back}`, [(high + 0.05) / (low + 0.05), `${text} on ${back}: ${words}`]);
    }
    return [...found.values()];
}"""
