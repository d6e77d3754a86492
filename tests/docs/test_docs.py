"""The documents against the repository: links lead somewhere, what is quoted is there, tables are of the results."""

import ast
import re
from pathlib import Path

import pytest
from documents import DOCUMENTS, EXAMPLE, ROOT, title
from PIL import Image

from tlbench import Results


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        place, _, anchor = target.partition("#")
        if place.startswith(("https://", "http://")):
            continue
        path = (document.parent / place) if place else document
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            dead.append(target)
    assert dead == []


def _anchors(path):
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_tests_that_a_document_points_at_exist(document):
    for file, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", document.read_text(encoding="utf-8")):
        base = document.parent if (document.parent / file).exists() else ROOT
        assert f"def {name}" in (base / file).read_text(encoding="utf-8")


def test_the_example_plugin_is_shown_as_it_is():
    page = (ROOT / "docs" / "your-plugin.md").read_text(encoding="utf-8")
    shown = re.search(r"```python\n([^`]*?class L1SP.*?)```", page, re.DOTALL).group(1)
    shipped = (EXAMPLE / "l1_sp.py").read_text(encoding="utf-8")
    assert _without_docstrings(shown) == _without_docstrings(shipped)


def _without_docstrings(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def test_where_to_add_what_names_files_and_names_that_are_there():
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    part = text.partition("## Where to add what")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w/]+/\w+\.pyi?)`", part)
    files = [next((path for path in (ROOT / name, ROOT / "tlbench" / name) if path.is_file()), name) for name in named]
    assert len(files) > 20
    assert [file for file in files if isinstance(file, str)] == []
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    names = re.findall(r"`(?:\w+\.)?(_?[A-Za-z]\w*_\w+|_\w+|[A-Z]\w+)`", part)
    assert [name for name in names if not re.search(rf"\b{name}\b", code)] == []


def test_every_page_is_in_the_contents_of_the_site():
    listed = re.findall(r"^- \[[^]]+\]\(([\w.-]+)\)", (ROOT / "docs" / "index.md").read_text(), re.MULTILINE)
    pages = [page.name for kind in ("*.md", "*.rst", "*.ipynb") for page in (ROOT / "docs").glob(kind)]
    assert sorted(listed) == sorted(set(pages) - {"index.md"})


def figures():
    """Return a parameter per picture of a document: the document, its description and where it is."""
    return [
        pytest.param(document, words, place, id=f"{title(document)}: {place}")
        for document in DOCUMENTS
        for words, place in re.findall(r"!\[([^]]*)\]\((?!https?:)([^)]+)\)", document.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("document", "words", "place"), figures())
def test_every_figure_is_a_chart_of_a_result_whose_command_stands_in_the_document(document, words, place):
    path = (document.parent / place).resolve().relative_to(ROOT)
    assert len(words.split()) >= 8, "a description for those who cannot see it"
    if path.parent == Path("docs/pictures"):  # drawn from the code by a script of its name, which CI checks
        assert f"`python docs/{path.stem}.py`" in document.read_text(encoding="utf-8")
        return
    assert path.parts[0] == "results"
    assert path.parts[2] == "charts"
    made = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    command = re.search(rf"^\| \[{path.parts[1]}\].*`(tlbench run [^`]*)`", made, re.MULTILINE).group(1)
    assert command in document.read_text(encoding="utf-8")


def test_the_tables_on_choosing_a_strategy_are_those_of_its_results():
    text = (ROOT / "docs" / "choosing.md").read_text(encoding="utf-8")
    known = "".join((ROOT / "results" / name / "tables" / "summary.md").read_text() for name in ("guide", "families"))
    rows = [line for line in text.splitlines() if line.startswith("|") and re.search(r"0\.\d", line)]
    assert len(rows) > 10
    assert [row for row in rows if row not in known.splitlines()] == []


def test_the_readme_is_short_and_its_answer_is_that_of_photographs():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 900
    block = text.split("<!-- photographs:begin -->")[1].split("<!-- photographs:end -->")[0]
    answer = Results(ROOT / "results" / "photographs").answer()
    assert answer.sentence in block
    shown = " ".join(line for line in block.splitlines() if line.startswith("|"))
    assert all(f"{card.score:.3f}" in shown for card in answer.cards)
    assert re.search(r"!\[[^]]+\]\(results/photographs/charts/budget-", block)


def test_the_picture_of_the_page_is_of_the_answer_that_the_records_give():
    picture = Image.open(ROOT / "docs" / "pictures" / "page.png")
    assert picture.width == 1400
    assert picture.text["answer"] == Results(ROOT / "results" / "photographs").answer().sentence
