"""The documents against the code: what they quote must exist, and what they show must load."""

import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from tlbench import hookspecs
from tlbench.budget import Budget
from tlbench.catalog import Catalog
from tlbench.cli import main
from tlbench.host import Host
from tlbench.strategy import Family
from tlbench.suite import suite_from_mapping
from tlbench.testing import variants_of

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "plugins" / "example-plugin"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    EXAMPLE / "README.md",
]
KINDS = ("strategies", "backbones", "datasets", "metrics", "suites", "reporters")


def blocks(*languages):
    """Return a parameter per fenced block of these languages: its text, named by document and line."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if match.group(1) in languages:
                line = text.count("\n", 0, match.start()) + 2
                found.append(pytest.param(match.group(2), id=f"{document.relative_to(ROOT)}:{line}"))
    return found


def commands():
    """Return a parameter per `tlbench` command line in a shell block: its arguments."""
    found = []
    for block in blocks("sh", "console"):
        for line in block.values[0].splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            parts = " ".join("\n" if word in ("&&", "|", ";") else shlex.quote(word) for word in words).split("\n")
            found += [pytest.param(shlex.split(part)[1:], id=f"{block.id}: {part.strip()}")
                      for part in parts if part.split()[:1] == ["tlbench"]]  # fmt: skip
    return found


def hooks():
    """Return the signature of every hook, as the specification spells it."""
    module = ast.parse(Path(hookspecs.__file__).read_text(encoding="utf-8"))
    return [
        f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}".replace("'", "")
        for node in module.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("tlbench_")
    ]


@pytest.fixture(scope="module")
def catalog():
    return Catalog(Host())


@pytest.mark.parametrize("signature", hooks())
def test_every_hook_is_documented_under_its_name_with_its_exact_signature(signature):
    text = (ROOT / "docs" / "plugin-hooks.md").read_text(encoding="utf-8")
    name = signature.partition("(")[0]
    section = text.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert f"\n`{signature}`\n" in section
    assert f"def {name}(" in section, "the example implements the hook"


def test_no_hook_is_documented_that_is_not_there():
    text = (ROOT / "docs" / "plugin-hooks.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (.*)$", text, re.MULTILINE) == [signature.partition("(")[0] for signature in hooks()]


@pytest.mark.parametrize("name", sorted(main.list_commands(click.Context(main))))
def test_every_command_has_help_with_an_example(name):
    command = main.get_command(click.Context(main), name)
    assert f"tlbench {name}" in (command.help or "")


def test_every_strategy_cites_its_source_with_a_year(catalog):
    silent = [
        name
        for name, offer in catalog.strategies.items()
        if offer.origin.distribution == "tlbench" and not re.search(r"\b(19|20)\d\d\b", offer.thing.__doc__ or "")
    ]
    assert silent == []


@pytest.mark.parametrize("text", blocks("python"))
def test_python_in_the_documents_compiles_and_plugins_among_it_load(text, tmp_path):
    path = tmp_path / "shown.py"
    path.write_text(text, encoding="utf-8")
    compile(text, str(path), "exec")
    if "@hookimpl" in text:
        host = Host(files=[path])
        loaded = Catalog(host)
        for kind in KINDS:
            getattr(loaded, kind)  # asks the hook; a fault in a file is raised
        host.environment()
        assert str(path) in {origin.source for origin in host.origins.values()}


@pytest.mark.parametrize("text", blocks("toml"))
def test_suites_in_the_documents_are_valid(text, catalog):
    suite = suite_from_mapping(tomllib.loads(text), default_name="shown")
    for block in suite.blocks:
        for strategy in block.strategies:
            assert catalog.strategy(strategy)[0].name == strategy.partition("(")[0]


@pytest.mark.parametrize("words", commands())
def test_command_lines_in_the_documents_are_valid(words, catalog, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FOLDER").mkdir()  # what documents call a folder of the reader's
    context = click.Context(main)
    if words[:1] and words[0].startswith("-"):
        assert words[0] in {option for parameter in main.get_params(context) for option in parameter.opts}
        return
    command = main.get_command(context, words[0])
    assert command is not None
    with command.make_context(words[0], list(words[1:])) as parsed:  # options, their types, the number of arguments
        for budget in parsed.params.get("budgets", ()):
            Budget.parse(budget)
        for strategy in parsed.params.get("strategies", ()) if not parsed.params.get("plugins") else ():
            if "l1-sp" not in strategy:  # the example plugin is not installed here
                catalog.strategy(strategy)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_that_a_document_points_at_exist(document):
    for file, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", document.read_text(encoding="utf-8")):
        base = document.parent if (document.parent / file).exists() else ROOT
        assert f"def {name}" in (base / file).read_text(encoding="utf-8")


SECTIONS = {  # of docs/strategies.md
    "From scratch": Family.SCRATCH, "Extract": Family.EXTRACT, "Fine-tune": Family.FINETUNE, "Adapt": Family.ADAPT,
    "Few-shot": Family.FEWSHOT, "Multi-task": Family.MULTITASK, "Ensemble": Family.ENSEMBLE,
    "Unsupervised": Family.UNSUPERVISED,
}  # fmt: skip


def strategy_rows():
    """Return the cells of each row of docs/strategies.md by family and name."""
    text = (ROOT / "docs" / "strategies.md").read_text(encoding="utf-8")
    rows = {}
    for section, family in SECTIONS.items():
        body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
        for line in re.findall(r"^\| `.*\|$", body, re.MULTILINE):
            name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            rows[family, name.strip("`")] = cells
    return rows


def shipped(catalog):
    """Return the strategies that come with tlbench, by name."""
    return {name: offer.thing for name, offer in catalog.strategies.items() if offer.origin.distribution == "tlbench"}


def needs_in_words(strategy):
    """Return what a strategy must be given, in the words of docs/strategies.md."""
    needs = strategy.needs()
    said = {
        "labels": needs.min_labels_per_class > 0 and not strategy.members,
        "members": bool(strategy.members),
        "source": needs.source_labels,
        "further columns": needs.further_labels,
        "same classes": needs.same_classes,
        "unlabelled target": needs.unlabelled_target,
        "test inputs": needs.transductive,
        "all labels": needs.upper_bound,
        "weights": needs.pretrained,
        "validation": needs.validation,
    }
    return [word for word, needed in said.items() if needed]


def test_every_strategy_has_a_row_under_its_family_and_no_row_is_of_another(catalog):
    assert set(strategy_rows()) == {(cls.family, name) for name, cls in shipped(catalog).items()}


def test_the_rows_of_strategies_say_what_each_needs(catalog):
    rows = {name: cells for (_, name), cells in strategy_rows().items()}
    for name, cls in shipped(catalog).items():
        plain, *variants = variants_of(cls)
        said = ", ".join(needs_in_words(plain))
        for variant in variants:
            more = [word for word in needs_in_words(variant) if word not in needs_in_words(plain)]
            choice = variant.variant.removeprefix(name).strip("()")
            said += f"; {', '.join(more)} with `{choice}`" if more else ""
        assert (name, rows[name][2]) == (name, said)


def test_the_rows_of_strategies_cite_what_the_classes_cite(catalog):
    classes = shipped(catalog)
    for (_, name), (_, paper, _) in strategy_rows().items():
        cited = re.findall(r"arXiv:[\d.]*\d|doi:\S+|\b(?:19|20)\d\d\b", paper)
        assert cited, name
        missing = [part for part in cited if part not in classes[name].__doc__]
        assert (name, missing) == (name, [])


def test_the_suite_of_all_families_has_every_strategy(catalog):
    suite = catalog.suites["families"].thing
    run = {strategy.partition("(")[0] for block in suite.blocks for strategy in block.strategies}
    assert set(shipped(catalog)) <= run


def test_the_readme_shows_the_example_plugin_as_it_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```python\n(.*?class L1SP.*?)```", readme, re.DOTALL).group(1)
    shipped = (EXAMPLE / "l1_sp.py").read_text(encoding="utf-8")
    assert _without_docstrings(shown) == _without_docstrings(shipped)


def _without_docstrings(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef)) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def test_the_tables_in_the_readme_are_those_of_the_reference_results():
    block = (ROOT / "README.md").read_text().split("<!-- quick:begin -->")[1].split("<!-- quick:end -->")[0]
    summary = (ROOT / "results" / "quick" / "tables" / "summary.md").read_text().splitlines()
    rows = [line for line in block.splitlines() if line.startswith(("|", "**"))]
    assert len(rows) > 10
    assert [row for row in rows if row not in summary] == []
