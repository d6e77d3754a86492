"""Write a fitted classifier as a folder that predicts without tlbench, and see that it does before it is there."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from tlbench import ParameterError, TlbenchError, predict, to_image
from tlbench.learning import Classifier, Frozen
from tlbench_export.card import card
from tlbench_export.head_source import CannotWriteError, source_of

if TYPE_CHECKING:
    from tlbench.running import Fitted

_TEMPLATES = Path(__file__).parent / "templates"
_NEEDED = ("torch", "torchvision", "timm", "safetensors", "pillow", "numpy")
MOST_CHECKED = 2_000  # test images that the folder predicts before it is believed


@dataclass(frozen=True)
class Parts:
    """Hold what a folder is made of: the backbone's and the head's source, and all tensors by name."""

    network: str
    head: str
    tensors: dict[str, Tensor]


def refuse_place(folder: Path) -> None:
    """Raise ParameterError where a folder cannot be made there: nothing is written over."""
    if os.path.lexists(folder):
        raise ParameterError(f"{folder} exists already, and nothing is written over. Give another folder with -o.")
    if not folder.absolute().parent.is_dir() or not os.access(folder.absolute().parent, os.W_OK):
        raise ParameterError(f"cannot write {folder}: {folder.parent} must be a folder that you may write to.")


def refuse_backbone(fitted_name: str, backbone: Any) -> None:
    """Raise ParameterError where a backbone cannot be made without tlbench."""
    if backbone.modality != "image":
        raise ParameterError(f"{fitted_name} is of {backbone.modality}, and predict.py reads image files.")
    if backbone.standalone() is None:
        raise ParameterError(
            f"{fitted_name} cannot be exported: the backbone {backbone.label} does not say how it is made without "
            f"tlbench, of grey or RGB images (its method `standalone`)."
        )


def export(fitted: "Fitted", folder: Path) -> int:
    """Write a fitted classifier to a new folder, and return on how many test images it was seen to answer alike.

    Raises a TlbenchError for a network that cannot be written without tlbench, or where the folder, in a process of
    its own, answers a test image in another way than the classifier: then there is no folder.
    """
    refuse_place(folder)
    parts = parts_of(fitted)
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    try:
        _write(fitted, parts, made)
        checked = check(fitted, made)
        (made / "README.md").write_text(card(fitted, folder.name, checked, _versions()), encoding="utf-8")
        _open_to_readers(made)
        made.rename(folder)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return checked


def _open_to_readers(folder: Path) -> None:
    """Give a temporary folder, and what was saved as one's own, the permissions that others would have."""
    mask = os.umask(0)
    os.umask(mask)
    for path in folder.iterdir():
        path.chmod(0o666 & ~mask)
    folder.chmod(0o777 & ~mask)


def parts_of(fitted: "Fitted") -> Parts:
    """Return what the folder is made of; raise ParameterError for a network that is no backbone with a head."""
    name, classifier, backbone = fitted.row["label"], fitted.classifier, fitted.backbone.backbone
    refuse_backbone(name, backbone)
    if fitted.trial.inputs.dtype != torch.uint8:
        raise ParameterError(
            f"{name} cannot be exported: its images have more than 8 bits (?depth=16 or ?range), and predict.py reads "
            f"files of 8."
        )
    if not isinstance(classifier, Classifier):
        raise ParameterError(
            f"{name} cannot be exported: its network, {type(classifier).__name__}, is no backbone with a head."
        )
    body = classifier.backbone.module if isinstance(classifier.backbone, Frozen) else classifier.backbone
    with torch.random.fork_rng([]):
        plain = backbone.build(None)
    if _structure(body) != _structure(plain):
        raise ParameterError(
            f"{name} cannot be exported: it has changed the layers of {backbone.label}, and what makes that backbone "
            f"without tlbench makes it as it was."
        )
    try:
        head = source_of(classifier.head, fitted.cell.strategy)
    except CannotWriteError as error:
        raise ParameterError(f"{name} cannot be exported: {error}.") from None
    source = backbone.standalone()
    assert source is not None
    tensors = {f"backbone.{key}": value for key, value in body.state_dict().items()}
    tensors |= {f"head.{key}": value for key, value in classifier.head.state_dict().items()}
    return Parts(source, head, {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()})


def _structure(network: nn.Module) -> Any:
    layers = [(name, type(module)) for name, module in network.named_modules()]
    return layers, {name: tuple(value.shape) for name, value in network.state_dict().items()}


def _write(fitted: "Fitted", parts: Parts, folder: Path) -> None:
    from safetensors.torch import save_file

    backbone = fitted.backbone
    facts = {
        "classes": list(fitted.classes),
        "strategy": fitted.cell.strategy,
        "backbone": backbone.backbone.spec,
        "backbone_weights_sha256": backbone.weights_digest,
        "preprocessing": json.loads(json.dumps(backbone.backbone.describe(), default=str)),
        "versions": _versions(),
    }
    save_file(parts.tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / "network.py").write_text(parts.network, encoding="utf-8")
    (folder / "head.py").write_text(parts.head, encoding="utf-8")
    shutil.copyfile(_TEMPLATES / "predict.py.txt", folder / "predict.py")


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in _NEEDED}


def check(fitted: "Fitted", folder: Path) -> int:
    """Let predict.py answer the test images in a process of its own; return how many it answered to the same bits.

    Images are handed over as PNG files of their pixels. Raises TlbenchError where it cannot, or answers otherwise.
    """
    raw = fitted.test_inputs()
    count = min(len(raw), MOST_CHECKED)
    if not count:
        return 0
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / f"{number}.png" for number in range(count)]
        for number, path in enumerate(paths):
            _saved(to_image(raw[number], number), path)
        listed = Path(place) / "paths"
        listed.write_text("\n".join(map(str, paths)), encoding="utf-8")
        command = [sys.executable, str((folder / "predict.py").resolve()), "--json", f"@{listed}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=place)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["nothing"]
        raise TlbenchError(f"the exported predict.py fails: {said[-1]}. Nothing was written.")
    answers = np.array([json.loads(line)["logits"] for line in done.stdout.splitlines()], dtype=np.float32)
    ours = _answers(fitted, count)
    if not np.array_equal(answers, ours):
        apart = float(np.abs(answers - ours).max()) if answers.shape == ours.shape else float("nan")
        raise TlbenchError(
            f"the exported predict.py answers the test images otherwise than tlbench, by {apart:.2g} of a logit. "
            f"Nothing was written."
        )
    return count


def _answers(fitted: "Fitted", count: int) -> np.ndarray:
    """Return the classifier's own logits on the CPU, in the batches in which a run predicts."""
    cpu = torch.device("cpu")
    classifier = fitted.classifier
    assert isinstance(classifier, Classifier)
    features = predict(classifier.backbone, fitted.trial.inputs[:count], cpu)
    logits: np.ndarray = predict(classifier.head, features, cpu).numpy()
    return logits


def _saved(image: Image.Image, path: Path) -> None:
    (image if image.mode in ("L", "RGB") else image.convert("RGB")).save(path, compress_level=1)
