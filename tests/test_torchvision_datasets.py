"""torchvision's datasets by name: conventions, local roots in the published forms, fetching, and what is refused."""

import inspect
import io
import struct
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlbench import DataError, Dataset, ParameterError
from tlbench.contract import construct_dataset, split_dataset_spec
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench_datasets.folders.folder import Folder
from tlbench_torchvision.datasets import TorchvisionDataset
from tlbench_torchvision.datasets_known import KNOWN


def dataset(spec: str) -> Dataset:
    _, place, options = split_dataset_spec(f"torchvision:{spec}")
    return construct_dataset(TorchvisionDataset, place, options)


def pixels(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape or (8, 8, 3), dtype=np.uint8)


def photo(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = io.BytesIO()
    Image.fromarray(pixels(seed)).save(file, {".jpg": "JPEG", ".ppm": "PPM"}[path.suffix])
    path.write_bytes(file.getvalue())
    return path


def idx(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """MNIST as torchvision keeps it: 30 training and 10 test images, three of each class and one."""
    raw = tmp_path / "data" / "MNIST" / "raw"
    for name, count, seed in (("train", 30, 1), ("t10k", 10, 2)):
        idx(raw / f"{name}-images-idx3-ubyte", pixels(seed, count, 28, 28))
        idx(raw / f"{name}-labels-idx1-ubyte", (np.arange(count) % 10).astype(np.uint8))
    return tmp_path / "data"


@pytest.fixture
def eurosat(tmp_path: Path) -> Path:
    for number in range(20):
        photo(tmp_path / "data" / "eurosat" / "2750" / ("Forest", "River")[number % 2] / f"{number}.jpg", number)
    return tmp_path / "data"


# ---- the table of conventions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOWN)
def test_every_convention_fits_the_constructor_of_torchvision(name):
    from torchvision import datasets

    parameters = inspect.signature(getattr(datasets, name).__init__).parameters
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    asked = {key for keywords in KNOWN[name].splits.values() for key in keywords} | set(KNOWN[name].options)
    assert anything or asked <= set(parameters)
    assert "train" in KNOWN[name].splits
    assert ("download" in parameters) or anything or not KNOWN[name].fetched
    assert KNOWN[name].citation
    data = dataset(name)
    assert (data.label, data.citation) == (f"torchvision:{name}", KNOWN[name].citation)


def test_a_slip_gets_a_near_miss_and_the_list(refused):
    line = refused("plan", "-d", "torchvision:FashonMNIST", "-s", "linear-probe")
    assert "Did you mean 'FashionMNIST'?" in line
    assert "Did you mean 'CIFAR10'?" in refused("plan", "-d", "torchvision:cifar10", "-s", "linear-probe")
    assert "none for classification" in refused("plan", "-d", "torchvision:VOCDetection", "-s", "linear-probe")
    assert "has no option 'split'. It takes root alone" in refused(
        "plan", "-d", "torchvision:MNIST?split=x", "-s", "scratch"
    )


# ---- local roots ---------------------------------------------------------------------------------------------------


def test_mnist_in_its_published_form_keeps_its_splits_names_and_pixels(mnist):
    data = dataset(f"MNIST?root={mnist}")
    assert data.classes[:2] == ("0 - zero", "1 - one")
    assert (data.class_order, data.domains, data.splits("all")) == ("fixed", ("all",), ("train", "test"))
    train, test = data.load("all", "train"), data.load("all", "test")
    assert (len(train), len(test), train.labels.dtype) == (30, 10, np.int64)
    expected = pixels(2, 10, 28, 28)
    for image, label, source in zip(test.inputs, test.labels, data.sources("all", "test"), strict=True):
        row = int(source.removeprefix("MNIST test[").removesuffix("]"))
        assert label == row % 10
        assert np.array_equal(image, expected[row])
    assert len(set(data.digests("all", "train"))) == 30
    assert data.findings() == ()


def test_the_fingerprint_changes_with_a_pixel_and_a_label_and_not_with_the_place(mnist, tmp_path):
    before = dataset(f"MNIST?root={mnist}")
    (tmp_path / "moved").mkdir()
    mnist.rename(tmp_path / "moved" / "data")
    mnist = tmp_path / "moved" / "data"
    after = dataset(f"MNIST?root={mnist}")
    assert before.identity == after.identity
    assert str(tmp_path) not in str(after.identity) + after.label
    unchanged = after.fingerprint()
    path = mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert dataset(f"MNIST?root={mnist}").fingerprint() != unchanged
    path = mnist / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert dataset(f"MNIST?root={mnist}").fingerprint() != unchanged


def test_without_a_test_split_thirty_percent_are_taken_as_of_a_folder_with_the_same_images(eurosat):
    data, folder = dataset(f"EuroSAT?root={eurosat}"), Folder(eurosat / "eurosat" / "2750")
    assert data.classes == ("Forest", "River")
    assert data.fingerprint() == folder.fingerprint()
    for split in ("train", "test"):
        one, other = data.load("all", split), folder.load("all", split)
        assert one.labels.tolist() == other.labels.tolist()
        assert all(np.array_equal(a, b) for a, b in zip(one.inputs, other.inputs, strict=True))
    assert "chosen by content" in data.findings()[0]
    assert data.license == "MIT"


def test_images_stay_on_disk_until_they_are_asked_for(eurosat):
    inputs = dataset(f"EuroSAT?root={eurosat}").load("all", "train").inputs
    (eurosat / "eurosat" / "2750" / "Forest").rename(eurosat / "gone")
    with pytest.raises(OSError, match="Forest"):
        list(inputs)


def test_options_of_a_dataset_reach_its_constructor_and_its_identity(tmp_path):
    base = tmp_path / "dtd" / "dtd"
    for partition in (1, 2):
        for split, numbers in (("train", (0, 1)), ("val", (2, 3)), ("test", (4, 5))):
            (base / "labels").mkdir(parents=True, exist_ok=True)
            lines = [f"{('dotted', 'woven')[n % 2]}/{n}.jpg" for n in [(n + 2 * (partition - 1)) % 6 for n in numbers]]
            (base / "labels" / f"{split}{partition}.txt").write_text("\n".join(lines) + "\n")
    for number in range(6):
        photo(base / "images" / ("dotted", "woven")[number % 2] / f"{number}.jpg", number)
    one, two = dataset(f"DTD?root={tmp_path}"), dataset(f"DTD?root={tmp_path}&partition=2")
    assert one.splits("all") == ("train", "test", "val")
    assert set(one.digests("all", "val")) == set(two.digests("all", "train"))
    assert two.label == "torchvision:DTD?partition=2"
    assert one.identity != two.identity
    with pytest.raises(ParameterError, match=r"'partition'.*less than or equal to 10"):
        dataset(f"DTD?root={tmp_path}&partition=99")


def test_classes_without_names_are_numbers_and_those_without_images_are_left_out(tmp_path):
    base = tmp_path / "gtsrb"
    for number in range(6):
        photo(base / "GTSRB" / "Training" / f"{number % 2:05}" / f"{number}.ppm", number)
    for number in range(4):
        photo(base / "GTSRB" / "Final_Test" / "Images" / f"{number:05}.ppm", 50 + number)
    rows = "".join(f"{number:05}.ppm;8;8;0;0;8;8;{number % 2}\n" for number in range(4))
    (base / "GT-final_test.csv").write_text("Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId\n" + rows)
    assert dataset(f"GTSRB?root={tmp_path}").classes == ("0", "1")
    raw = tmp_path / "EMNIST" / "raw"
    for name, count in (("train", 6), ("test", 4)):
        idx(raw / f"emnist-letters-{name}-images-idx3-ubyte", pixels(count, count, 28, 28))
        idx(raw / f"emnist-letters-{name}-labels-idx1-ubyte", (np.arange(count) % 2 + 1).astype(np.uint8))
    for split in ("balanced", "byclass", "bymerge", "digits", "mnist"):
        for kind in ("train-images-idx3", "train-labels-idx1", "test-images-idx3", "test-labels-idx1"):
            (raw / f"emnist-{split}-{kind}-ubyte").write_bytes(b"")
    letters = dataset(f"EMNIST?root={tmp_path}&split=letters")
    assert letters.classes == ("a", "b")
    assert "transposed" in letters.findings()[0]


def test_a_root_that_is_not_there_or_holds_something_else_is_one_line(mnist, refused):
    spec = ("plan", "-s", "linear-probe", "-d")
    assert "Did you mean 'data'?" in refused(*spec, f"torchvision:MNIST?root={mnist}s")
    assert "does not hold KMNIST/raw" in refused(*spec, f"torchvision:KMNIST?root={mnist}")
    assert "cifar-10-batches-py" in refused(*spec, f"torchvision:CIFAR10?root={mnist}")


def test_a_pickle_that_is_not_the_published_one_is_never_opened(tmp_path, refused):
    import pickle

    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "sprung",))

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(pickle.dumps(Trap()))
    assert "CIFAR10" in refused("plan", "-s", "linear-probe", "-d", f"torchvision:CIFAR10?root={tmp_path}")
    assert not (tmp_path / "sprung").exists()


# ---- fetching ----------------------------------------------------------------------------------------------------


@pytest.fixture
def offline(monkeypatch):
    """Let every request fail as without a network."""
    asked = []

    def fail(request, *_, **__):
        asked.append(request)
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
    return asked


def test_without_a_network_one_line_says_what_to_put_where(offline, refused, tmp_path, monkeypatch):
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path))
    line = refused("plan", "-d", "torchvision:KMNIST", "-s", "linear-probe")
    assert offline
    assert "no network" in line
    assert "Put KMNIST/raw into a folder DIR" in line
    assert "torchvision:KMNIST?root=DIR" in line
    assert not list(tmp_path.rglob("root"))


def test_what_cannot_be_fetched_any_more_says_so_without_trying(offline, refused):
    assert "cannot be downloaded by torchvision any more. Put stanford_cars" in refused(
        "plan", "-d", "torchvision:StanfordCars", "-s", "linear-probe"
    )
    assert not offline


def test_a_dataset_is_fetched_once_and_one_that_was_interrupted_again_from_the_start(
    eurosat, tmp_path, monkeypatch, capsys
):
    from torchvision.datasets import eurosat as module

    calls = []

    def fetch(url, download_root, **_):
        print("downloading")
        calls.append(url)
        target = Path(download_root) / "2750"
        (eurosat / "eurosat" / "2750" / "Forest").rename(eurosat / "Forest") if len(calls) == 1 else None
        target.mkdir()
        if len(calls) == 1:
            raise RuntimeError("cut off")
        (eurosat / "Forest").rename(target / "Forest")
        (eurosat / "eurosat" / "2750" / "River").rename(target / "River")

    monkeypatch.setattr(module, "download_and_extract_archive", fetch)
    resources = Resources(Catalog(Host()), Cache(tmp_path / "cache"))
    with pytest.raises(DataError, match=r"cannot be downloaded \(cut off\)"):
        resources.dataset("torchvision:EuroSAT")
    entry = resources.dataset("torchvision:EuroSAT")
    assert len(entry.labels("all", "train")) == 14
    again = Resources(Catalog(Host()), Cache(tmp_path / "cache")).dataset("torchvision:EuroSAT")
    assert again.fingerprint == entry.fingerprint
    assert len(calls) == 2
    assert capsys.readouterr().out == ""


def test_a_dataset_that_was_not_prepared_says_so():
    with pytest.raises(DataError, match=r"has not been fetched\. Call prepare"):
        _ = dataset("MNIST").classes


def test_finding_the_plugin_does_not_import_torchvision(process):
    code = (
        "import sys, tlbench_torchvision; tlbench_torchvision.tlbench_datasets(); print('torchvision' in sys.modules)"
    )
    import subprocess

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
