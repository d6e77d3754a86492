"""The kit for datasets: each rule is broken by a dataset that keeps the others, and ours keep all."""

import io
import os
import re
import socket
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import pytest
import torch

from tlbench import DataError, Dataset, Labelled
from tlbench.contract import Column
from tlbench.data import Cache, Resources
from tlbench.host import Catalog, Host
from tlbench.testing import DATASET_CHECKS, ConformanceError, DatasetConformance, DatasetSubject


@cache
def catalog():
    return Catalog(Host())  # not at import: a process of its own imports this module too


def broken(dataset):
    """Return what the kit says, by the names of the checks that fail."""
    found, subject = {}, DatasetSubject(dataset)
    for check in DATASET_CHECKS:
        if check.in_a_run:
            continue  # tests/testing/test_run_checks.py breaks those
        try:
            check.run(subject)
        except ConformanceError as error:
            found[check.name] = str(error)
    return found


def images_of(labels, split):
    draw = np.random.default_rng(split == "train")
    return (draw.integers(0, 100, (len(labels), 6, 6)) + 20 * labels[:, None, None]).astype(np.uint8)


@dataclass(frozen=True)
class Sound(Dataset):
    """Breaks nothing; those below break one thing each."""

    each: int = 4  # training examples per class

    name = "sound"
    classes = ("ape", "bee", "cat")

    def load(self, domain, split):
        if domain not in self.domains or split not in ("train", "test"):
            raise DataError(f"{domain}/{split} is not there.")
        labels = np.repeat(np.arange(3), self.each if split == "train" else 2)
        return self.changed(images_of(labels, split), labels, split)

    def changed(self, images, labels, split):
        return Labelled(images, labels)


class Nameless(Sound):
    name = "no name"


class Unsorted(Sound):
    classes = ("cat", "ape", "bee")


class Fixed(Unsorted):
    class_order = "fixed"


class OfTens(Sound):
    classes = ("c1", "c2", "c10")  # sorted by the numbers in them


class Numbers(Sound):
    classes = (1, 2, 3)


class Twice(Sound):
    classes = ("ape", "ape", "bee")


class AsList(Sound):
    classes = ["ape", "bee", "cat"]


class OneHot(Sound):
    def changed(self, images, labels, split):
        return Labelled(images, np.eye(3)[labels])


class Floats(Sound):
    def changed(self, images, labels, split):
        return Labelled(images, labels.astype(np.float32))


class Named(Sound):
    def changed(self, images, labels, split):
        return Labelled(images, [self.classes[label] for label in labels])


class Bare(Sound):
    def changed(self, images, labels, split):
        return images, labels


class FromOne(Sound):
    def changed(self, images, labels, split):
        return Labelled(images, labels + 1)


class Lacking(Sound):
    def changed(self, images, labels, split):
        kept = labels < 2 if split == "test" else labels < 9
        return Labelled(images[kept], labels[kept])


class Unseeded(Sound):
    def changed(self, images, labels, split):
        order = np.random.default_rng().permutation(len(labels))
        return Labelled(images[order], labels[order])


class Kept(Sound):
    """Gives its own arrays away."""

    @cached_property
    def _arrays(self):
        return {split: Sound.load(self, "all", split) for split in ("train", "test")}

    def load(self, domain, split):
        Sound.load(self, domain, split)
        return self._arrays[split]


class Shuffling(Sound):
    """Shuffles arrays of its class in place."""

    arrays = {split: (images_of(np.arange(12) % 3, split), np.arange(12) % 3) for split in ("train", "test")}

    def changed(self, images, labels, split):
        images, labels = self.arrays[split]
        order = np.roll(np.arange(12), 1)
        images[:], labels[:] = images[order], labels[order]
        return Labelled(images.copy(), labels.copy())


class Clock(Sound):
    def fingerprint(self):
        return str(id(self))


class Blind(Sound):
    def fingerprint(self):
        return self.name


class Lenient(Sound):
    def load(self, domain, split):
        return Sound.load(self, "all", "train" if split == "train" else "test")


class Raising(Sound):
    def load(self, domain, split):
        return {"all": {part: super(Raising, self).load("all", part) for part in ("train", "test")}}[domain][split]


class Flat(Sound):
    def changed(self, images, labels, split):
        return Labelled(images.reshape(len(images), -1), labels)


class Doubles(Sound):
    def changed(self, images, labels, split):
        return Labelled(images / 255, labels)


class Scaled(Sound):
    def changed(self, images, labels, split):
        return Labelled((images / 255).astype(np.float32), labels)


class ChannelsFirst(Sound):
    def changed(self, images, labels, split):
        return Labelled(np.repeat(images[:, None], 3, axis=1), labels)


class Tensors(Sound):
    """uint8 tensors (C, H, W), as torchvision's datasets give; a run takes them."""

    def changed(self, images, labels, split):
        return Labelled(torch.from_numpy(np.repeat(images[:, None], 3, axis=1)), labels)


class FloatTensors(Tensors):
    def changed(self, images, labels, split):
        return Labelled(super().changed(images, labels, split).inputs / 255, labels)


class LastTensors(Tensors):
    def changed(self, images, labels, split):
        return Labelled(super().changed(images, labels, split).inputs.permute(0, 2, 3, 1).contiguous(), labels)


class Copies(Sound):
    def changed(self, images, labels, split):
        if split == "test":
            images[0] = Sound.load(self, "all", "train").inputs[0]
        return Labelled(images, labels)


class CopiesSaid(Copies):
    def findings(self):
        return ("1 image is in both splits.",)


class Patients(Sound):
    def groups(self, domain, split):
        return [f"patient {number // 2}" for number in range(len(self.load(domain, split)))]


class TooFewSources(Sound):
    def sources(self, domain, split):
        return ["one"]


class BadColumn(Sound):
    def columns(self, domain, split):
        count = len(self.load(domain, split))
        return {"colour": Column(("red", "blue"), np.full(count, 2))}


class Unpicklable(Sound):
    @cached_property
    def _file(self):
        return io.BufferedReader(io.BytesIO(b""))

    def changed(self, images, labels, split):
        assert self._file.readable()
        return Labelled(images, labels)


class Calling(Sound):
    def changed(self, images, labels, split):
        socket.socket().close()
        return Labelled(images, labels)


class Seeding(Sound):
    def changed(self, images, labels, split):
        np.random.seed(0)
        return Labelled(images, labels)


class Mute(Sound):
    def findings(self):
        return ("odd",)


class OfASet(Sound):
    """Lists a set of texts."""

    def changed(self, images, labels, split):
        names = [f"file {number}" for number in range(len(labels))]
        order = [names.index(name) for name in set(names)]
        return Labelled(images[order], labels[order])


@dataclass(frozen=True)
class Listing(Dataset):
    """One file per image, PATH/<class>-<number>, in the order of os.listdir."""

    path: Path

    name = "listing"
    locator = "path"
    classes = ("ape", "bee")

    def load(self, domain, split):
        if domain != "all" or split not in ("train", "test"):
            raise DataError(f"{domain}/{split} is not there.")
        names = [name for name in os.listdir(self.path) if (int(name[-1]) < 3) == (split == "train")]
        images = [np.frombuffer((self.path / name).read_bytes(), np.uint8).reshape(4, 4) for name in names]
        return Labelled(images, np.array([self.classes.index(name[:3]) for name in names]))


@dataclass(frozen=True)
class OfListing(Listing):
    """Names its classes as os.listdir lists them."""

    @property
    def classes(self):
        return tuple(dict.fromkeys(name[:3] for name in os.listdir(self.path)))


ORDER = "classes are two or more distinct texts in order"
FILE_SYSTEM = "the order of the file system has no say"
SETS = "the order of sets has no say"
LABELS = "labels are integers of one axis"
WITHIN = "labels lie within the classes"
EVERY = "every class is in training and in test"
EQUAL = "equal arguments give equal bytes"
HARM = "what was returned can be changed without harm"
PRINT = "the fingerprint says what is in it"
UNKNOWN = "unknown domains and splits are refused"
IMAGES = "images are arrays that backbones take"
TOLD = "what is told of examples has one answer each"
COPIES = "no test example is in training unsaid"
GROUPS = "no group is parted"
SENT = "it can be sent to another process"
QUIET = "loading opens no socket and writes no file"
GENERATORS = "loading leaves the global generators alone"
FINDINGS = "findings and card are as pages show them"


@pytest.fixture(autouse=True)
def no_other_process(request, monkeypatch):
    """Leave the process of its own, which takes seconds, to the tests that are about it."""
    if not {"OfASet", "sets", "Fixed"} & set(re.split(r"\W|_", request.node.name)):
        monkeypatch.setattr(DatasetSubject, "elsewhere", lambda self: None)


@pytest.fixture
def files(tmp_path):
    """A folder with an image in each of eight files."""
    for label, name in enumerate(("ape", "bee")):
        for number in range(4):
            (tmp_path / f"{name}-{number}").write_bytes(bytes([100 * label + 10 * number] * 16))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["digits", "glyphs"])
def test_our_datasets_keep_every_rule(spec):
    assert broken(Resources(catalog(), Cache()).dataset(spec).dataset) == {}


def test_a_folder_of_images_keeps_every_rule(tmp_path):
    from PIL import Image

    for label, name in enumerate(("ape", "bee")):
        (tmp_path / name).mkdir()
        for number in range(10):
            noise = np.random.default_rng([label, number]).integers(0, 255, (9, 9)).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{number}.png")
    assert broken(catalog().dataset(f"folder:{tmp_path}")[0]) == {}


@pytest.mark.parametrize("dataset", [Sound, Fixed, OfTens, CopiesSaid, Tensors], ids=lambda cls: cls.__name__)
def test_a_sound_dataset_breaks_nothing(dataset):
    assert broken(dataset) == {}


@pytest.mark.parametrize(
    ("dataset", "rule", "words"),
    [
        (Unsorted, ORDER, "'cat' comes before 'ape'.*class_order = \"fixed\" on the class Unsorted"),
        (Numbers, ORDER, r"class 1 is int, not a text. Write str\(...\)"),
        (Twice, ORDER, "needs two or more distinct classes"),
        (AsList, ORDER, "classes is a list.*write a tuple"),
        (OfASet, SETS, r"Write sorted\(set\(...\)\)"),
        (Floats, LABELS, r"labels are float32.*Write labels.astype\(np.int64\)"),
        (FromOne, WITHIN, "labels run from 1 to 3, but there are 3 classes"),
        (Lacking, EVERY, "all/test has no example of class 'cat'"),
        (Unseeded, EQUAL, "differ at the second load.*generators with a fixed seed"),
        (Shuffling, EQUAL, "Change nothing in place"),
        (Kept, HARM, r"Return copies, array.copy\(\)"),
        (Clock, PRINT, "for an equal dataset.*Leave times, ids"),
        (Blind, PRINT, r"sound\(each=5\) holds other data, and both have the fingerprint sound"),
        (Lenient, UNKNOWN, "a typo would be scored as if it were data"),
        (Raising, UNKNOWN, "raised KeyError. Raise tlbench.DataError"),
        (Flat, IMAGES, r"an image is uint8 of shape \(36,\).*row.reshape\(H, W\)"),
        (Doubles, IMAGES, "an image is float64 .*image.astype"),
        (Scaled, IMAGES, "neither normalised nor divided by it"),
        (ChannelsFirst, IMAGES, r"channels stand first. Write image.transpose\(1, 2, 0\)"),
        (FloatTensors, IMAGES, r"a tensor, torch.float32 of shape \(3, 6, 6\).*image.to\(torch.uint8\)"),
        (LastTensors, IMAGES, r"channels stand last. Write image.permute\(2, 0, 1\)"),
        (Copies, COPIES, "1 test example also in training.*findings"),
        (Patients, GROUPS, "group 'patient 0'.* is in training and in test"),
        (TooFewSources, TOLD, "sources has 1 entries for 12 examples"),
        (BadColumn, TOLD, "column 'colour' must hold positions in its 2 classes"),
        (Unpicklable, SENT, "cannot pickle"),
        (Calling, QUIET, "Fetch and unpack in prepare"),
        (Seeding, GENERATORS, "global generator of numpy"),
        (Mute, FINDINGS, "they are sentences"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_dataset_that_breaks_one_rule_is_told_of_this_one_alone(dataset, rule, words):
    found = broken(dataset)
    assert list(found) == [rule]
    with pytest.raises(ConformanceError, match=words):
        raise ConformanceError(found[rule])


def test_one_hot_labels_and_names_are_told_what_to_write():
    assert "look one-hot" in broken(OneHot)[LABELS]
    assert "labels.argmax(axis=1)" in broken(OneHot)[LABELS]
    assert "classes.index(name)" in broken(Named)[LABELS]


def test_a_load_that_returns_a_pair_is_told_what_to_write():
    assert "returns tuple; write return Labelled(inputs, labels)" in broken(Bare)[LABELS]


def test_a_name_that_nobody_can_type_is_refused():
    assert list(broken(Nameless)) == ["it is declared as the catalog asks"]


def test_the_order_of_listdir_is_found_out(files):
    assert list(broken(Listing(files))) == [FILE_SYSTEM]
    found = broken(OfListing(files))
    assert "differ when the file system lists folders in another order. Sort what" in found[FILE_SYSTEM]


def test_a_fingerprint_of_a_folder_that_does_not_see_its_files_is_found_out(tmp_path):
    from PIL import Image

    class Blinded(type(catalog().dataset(f"folder:{tmp_path}")[0])):
        def fingerprint(self):
            return "always"

    for label, name in enumerate(("ape", "bee")):
        (tmp_path / name).mkdir()
        for number in range(10):
            noise = np.random.default_rng([label, number]).integers(0, 255, (9, 9)).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / name / f"{number}.png")
    assert "two files are exchanged" in broken(Blinded(path=tmp_path))[PRINT]


def test_a_class_that_needs_arguments_is_asked_for_as_an_instance():
    with pytest.raises(ConformanceError, match=r"Listing cannot be made without arguments .*give an instance"):
        DatasetSubject(Listing)


class TestSound(DatasetConformance):
    """The pytest class, as plugin authors use it."""

    dataset = Sound


def test_the_pytest_class_has_a_test_for_every_check():
    names = {f"test_{check.run.__name__}" for check in DATASET_CHECKS}
    assert names == {name for name in dir(TestSound) if name.startswith("test_")}
