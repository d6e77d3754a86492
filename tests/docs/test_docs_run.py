"""Every code block of the documents is run, in order, document by document, in a folder with a reader's own files."""

import re
import shutil

import numpy as np
import pytest
import torch
from documents import DOCUMENTS, ROOT, command_lines, fenced, simple_commands, title
from rehearsal import Rehearsal, make_cheap

GOLDEN = "tests/plugins/golden/test_golden.py::test_what_needs_no_data_holds"
# Lines that cannot be run within a test: why, and what runs them for real.
ELSEWHERE = {
    "pip install . && tlbench run": ("installs into the environment", ".ci/run: first_command"),
    "pip install .": ("installs into the environment", ".ci/run: first_command"),
    "pip install '.[test]' && pytest": ("installs, and runs all tests", ".ci/run: second_command"),
    "pip install -e '.[dev]'": ("installs into the environment", ".ci/run: checks"),
    "python -m venv .venv && . .venv/bin/activate": ("changes the shell", ".ci/run: environment"),
    "pre-commit install": ("writes into the clone's git hooks", ".ci/run: checks"),
    "tlbench golden --offline": ("takes a minute", GOLDEN),
    "tlbench golden": ("takes a minute, longer with data", GOLDEN),
    "tlbench golden --data FOLDER --jobs 2": ("takes a minute, and data of the reader's own", GOLDEN),
    "diff -r results/quick/tables/results.csv mine/tables/results.csv": (
        "holds for whole runs, and here they are cut short",
        "tests/running/test_executor.py::test_workers_and_any_order_of_cells_give_the_same_scores_and_logits_to_the_last_bit",
    ),
}  # fmt: skip
LANGUAGES = {"sh", "python", "toml", "ini", "text"}


@pytest.fixture(scope="module")
def cheap():
    kept = {}
    with pytest.MonkeyPatch.context() as patch:
        make_cheap(patch, kept)
        yield


@pytest.fixture(scope="module")
def belongings(tmp_path_factory):
    """Files that documents suppose a reader to have, by the names that they give them."""
    from PIL import Image
    from safetensors.torch import save_file

    from tlbench.host import Catalog, Host

    folder = tmp_path_factory.mktemp("belongings")
    draw = np.random.default_rng(0)
    images = draw.integers(0, 255, (30, 32, 32), dtype=np.uint8)
    labels = np.arange(30) % 3
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "photos" / ("cat", "dog", "owl")[label] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.repeat((image // (label + 1)).astype(np.uint8)[..., None], 3, axis=2)).save(path)
    shutil.make_archive(str(folder / "photos"), "zip", folder / "photos")
    np.savez(folder / "digits.npz", x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    lines = [f"{number}.png,{name}" for number, name in enumerate(("cat", "dog", "owl") * 10)]
    scans = [f"photos/{line.split(',')[1]}/{line},patient-{place // 3}" for place, line in enumerate(lines)]
    (folder / "scans.csv").write_text("\n".join(["file,finding,patient", *scans]) + "\n")
    rows = np.column_stack([np.arange(90) % 10, draw.integers(0, 17, (90, 64)) * 15])
    np.savetxt(folder / "digits.tsv", rows, fmt="%d", delimiter="\t")
    network = Catalog(Host()).backbone("mobilenetv2_100")[0].build(None)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()}, folder / "mobilenetv2.safetensors"
    )
    shutil.copy(ROOT / "plugins" / "example-plugin" / "l1_sp.py", folder)
    return folder


@pytest.mark.parametrize("document", DOCUMENTS, ids=title)
def test_every_block_of_a_document_runs(document, tmp_path, belongings, cheap):
    blocks = fenced(document)
    if not blocks:
        pytest.skip("it has no code")
    shutil.copytree(belongings, tmp_path, dirs_exist_ok=True)
    text = document.read_text(encoding="utf-8")
    if "plugins/example-plugin" in text:
        shutil.copytree(ROOT / "plugins" / "example-plugin", tmp_path / "plugins" / "example-plugin")
    for name in set(re.findall(r"\bresults/(\w+)\b", text)):
        if (ROOT / "results" / name).is_dir():
            shutil.copytree(ROOT / "results" / name, tmp_path / "results" / name)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng([]):
        reader = Rehearsal(tmp_path, patch, ELSEWHERE)
        try:
            for block in blocks:
                reader.follow(block)
        finally:
            reader.forget()
    if document.name != "plugin-hooks.md":  # tests/docs/test_docs_hooks.py uses the plugins there
        idle = {place for name, place in reader.plugins.items() if name not in reader.used}
        assert idle == set(), "plugins that no command of the document loads"


def test_every_block_is_of_a_language_that_is_run():
    assert {block.language for document in DOCUMENTS for block in fenced(document)} <= LANGUAGES


@pytest.mark.parametrize("line", ELSEWHERE)
def test_a_line_that_runs_elsewhere_is_in_a_document_and_there(line):
    shown = [block for document in DOCUMENTS for block in fenced(document) if block.language == "sh"]
    lines = [text for block in shown for _, text in command_lines(block)]
    assert line in {*lines, *(command for text in lines for command in simple_commands(text))}
    _, runner = ELSEWHERE[line]
    if runner.startswith(".ci/run: "):
        script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
        step = runner.removeprefix(".ci/run: ")
        assert re.search(rf"^{step}\(\) {{", script, re.MULTILINE)
        assert re.search(rf'^step ".*" {step}\b', script, re.MULTILINE)
    else:
        file, _, name = runner.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
