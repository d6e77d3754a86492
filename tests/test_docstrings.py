"""Every public docstring opens with a verb and its object, for a reader who sees no more than its first line."""

import ast
from collections.abc import Iterator

import pytest
from imports import ROOT

# In the imperative and in order. Add a verb that is missing, not a noun.
VERBS = """
Adapt Add Advise Align Append Apply Arrange Ask Assign Augment Average Be Begin Blend Boost Bring Build Call Cast
Centre Charge Check Choose Classify Clip Close Cluster Collect Combine Compare Compute Convert Copy Count Crop
Cut Declare Decode Define Delete Derive Describe Divide Do Download Draw Encode End Estimate Evaluate Execute Expand
Explain Export Extract Fail Fetch Fill Find Fine-tune Finish Fit Follow Forget Format Freeze Gather Generate
Give Group Grow Guard Have Hold Import Index Insert Interpolate Join Judge Keep Know Label Launch Lay Learn Leave Let
List Load Locate Log Look Lower Make Map Mark Mask Match Measure Merge Meta-train Minimise Mix Move Multiply Name
Normalise Note Offer Open Order Pack Parse Pass Pick Plan Plot Poll Predict Prepare Pretrain Print Project Propagate
Prune Put Raise Rank Rate Read Recommend Record Refine Refuse Register Regress Remember Remove Render Repeat
Replace Report Rerun Resize Resolve Restore Return Run Say Scale Score Search Seed Select Send Serve Set
Settle Shift Show Silence Simulate Sketch Skip Solve Sort Split Spread Start State Stay Step Stop Store
Subtract Sum Swap Take Tell Test Time Track Train Transform Translate Try Tune Turn Unpack Update Use Validate
Vote Wait Walk Warn Watch Weigh Wrap Write Yield
"""
FOLDERS = ("tlbench", *(f"plugins/{path.name}" for path in sorted((ROOT / "plugins").glob("[a-z]*")) if path.is_dir()))


def public(node: ast.AST, inside: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield the public classes, functions, methods and properties of a module or class, by qualified name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):
            yield from public(child, inside)
        elif isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and child.name[0] != "_":
            yield inside + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{inside}{child.name}.")


def docstrings(source: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, name and text of each public docstring; where one is missing, ruff asks for it."""
    module = ast.parse(source)
    for name, node in [("module", module), *public(module)]:
        text = ast.get_docstring(node)
        if text:
            yield node.body[0].lineno, name, text


def opens_with_a_verb(text: str) -> bool:
    """Tell whether the first of at least two words is a verb of the list."""
    words = text.split()
    return len(words) > 1 and words[0].rstrip(",") in VERBS.split()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_public_docstring_opens_with_a_verb(folder):
    read, riddles = 0, []
    for path in sorted((ROOT / folder).rglob("*.py")):
        if "tests" in path.relative_to(ROOT).parts:
            continue  # a test's name is its sentence
        for line, name, text in docstrings(path.read_text(encoding="utf-8")):
            read += 1
            if not opens_with_a_verb(text):
                riddles.append(f"{path.relative_to(ROOT)}:{line}: {name}: {text.splitlines()[0]}")
    assert read
    assert not riddles, f"{len(riddles)} docstrings open with no verb:\n" + "\n".join(riddles)


def test_a_riddle_is_found_at_whatever_depth_and_what_is_private_is_let_be():
    source = """'What only several records show.'
if True:
    class Held:
        'Hold a record.'
        @property
        def path(self):
            'The path.'
        def _own(self):
            'Whatever.'
class _Private:
    def any(self):
        'Whatever.'
def voting():
    'Vote.'
"""
    found = [(line, name) for line, name, text in docstrings(source) if not opens_with_a_verb(text)]
    assert found == [(1, "module"), (7, "Held.path"), (14, "voting")]
