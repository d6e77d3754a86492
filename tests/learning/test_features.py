"""Features: extracted once per split, the same for every caller."""

import numpy as np
import pytest
import torch
from torch import nn

from tlbench import Backbone, DataError, Dataset, Labelled
from tlbench.data import Cache
from tlbench.data.encoding import CHUNK, encode_split
from tlbench.learning.features import extract_split
from tlbench.planning import make_plan
from tlbench.running import run_cell

CPU = torch.device("cpu")


class Counting(nn.Module):
    """Count the examples that pass."""

    def __init__(self):
        super().__init__()
        self.examples = 0

    def forward(self, inputs):
        self.examples += len(inputs)
        return inputs.flatten(1).float()[:, :8]


@pytest.fixture
def split(resources):
    return resources.encoded("blobs", "day", "train", "tiny")


def test_a_split_is_extracted_once_whoever_asks_and_whatever_rows(split, tmp_path):
    network = Counting()
    for _ in range(2):
        features = extract_split(split, lambda: network, "tiny", CPU, Cache(tmp_path))
    assert network.examples == len(split.labels)
    assert features.shape == (80, 8)
    assert features.dtype == np.float32


def test_another_backbone_is_another_entry(split, tmp_path):
    cache = Cache(tmp_path)
    one = extract_split(split, Counting, "tiny", CPU, cache)
    other = extract_split(split, lambda: nn.Sequential(Counting(), nn.Tanh()), "another", CPU, cache)
    assert not np.array_equal(one, other)


def test_probing_many_cells_passes_each_split_through_the_network_once(suite, fresh_resources, monkeypatch):
    passed = []
    network = type(fresh_resources.backbone("tiny.corners").backbone.build(None))
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda self, inputs: passed.append(len(inputs)) or forward(self, inputs))
    plan = make_plan(
        suite(("linear-probe", "nearest-neighbours", "prototypes"), budgets=("1-shot", "5-shot"), replicates=3),
        fresh_resources,
    )
    records = [run_cell(cell, fresh_resources, CPU).record for cell in plan.cells]
    assert all(record.ok for record in records)
    extracted = [count for count in passed if count > 1]  # single examples are counted operations
    assert sorted(extracted) == [40, 80]


def test_features_of_a_row_are_the_same_whatever_was_asked_before(suite, resources, toy, plugin_file):
    from tlbench.data import Resources
    from tlbench.host import Catalog, Host

    path = plugin_file(
        "from dataclasses import dataclass\nfrom torch import nn\nfrom tlbench import Family, Strategy, hookimpl\n"
        "@dataclass(frozen=True)\nclass Asking(Strategy):\n    name = 'asking'\n    family = Family.EXTRACT\n"
        "    def fit(self, task, bench):\n"
        "        known = bench.features(task.train.inputs)\n"
        "        bench.note('known', known.tolist())\n"
        "        bench.note('copied', bench.features(task.train.inputs.clone()).tolist())\n"
        "        known.zero_()\n"
        "        bench.note('again', bench.features(task.train.inputs).tolist())\n"
        "        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))\n"
        "@hookimpl\ndef tlbench_strategies():\n    return [Asking]\n"
    )
    asking = Resources(Catalog(Host([toy, path])), resources.cache)
    (cell,) = make_plan(suite(("asking",), replicates=1), asking).cells
    notes = run_cell(cell, asking, CPU).record.notes
    assert notes["known"] == notes["again"]
    assert np.allclose(notes["known"], notes["copied"], atol=1e-6)


def test_rows_taken_from_a_split_are_copies(split):
    rows = np.array([3, 1])
    taken = split.take(rows)
    assert torch.equal(taken, split.inputs[[3, 1]])
    taken.zero_()
    assert split.inputs[3].any()


def test_large_splits_are_taken_whole_as_a_private_mapping(split, monkeypatch):
    monkeypatch.setattr("tlbench.data.encoding.LARGE", 1)
    before = split.inputs.clone()
    whole = split.take(np.arange(80))
    whole.zero_()
    assert torch.equal(split.inputs, before)
    assert torch.equal(split.take(np.arange(80)), before)


def test_an_encoder_that_loses_rows_is_named(resources, tmp_path):
    backbone = resources.backbone("tiny").backbone
    dataset = resources.dataset("blobs")

    class Losing(type(backbone)):
        def encode(self, raw):
            return super().encode(raw[:-1]) if len(raw) > 1 else super().encode(raw)

    with pytest.raises(DataError, match="backbone 'losing': encode must return a tensor of 80 rows"):
        encode_split(dataset.dataset, "x", "day", "train", Losing("losing"), Cache(tmp_path))


def test_an_example_that_cannot_be_read_stops_before_anything_is_kept(resources, tmp_path):
    from tlbench import Labelled

    class Torn:
        def __len__(self):
            return 3

        def __getitem__(self, position):
            if position == 2:
                raise DataError("photo-2.jpg is truncated.")
            return np.zeros((8, 8), dtype=np.uint8)

    class TornData(type(resources.dataset("lone").dataset)):
        def load(self, domain, split):
            return Labelled(Torn(), np.array([0, 1, 0]))

    cache = Cache(tmp_path)
    with pytest.raises(DataError, match=r"photo-2.jpg is truncated"):
        encode_split(TornData(), "x", "all", "train", resources.backbone("tiny").backbone, cache)
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] in ([], [".lock"])


def test_examples_of_two_types_are_refused_rather_than_cut(resources, tmp_path):
    class Mixed(Dataset):
        name, classes = "mixed", ("a", "b")

        def load(self, domain, split):
            images = [np.zeros((8, 8), np.uint8)] * CHUNK + [np.full((8, 8), 300, np.uint16)] * 2
            return Labelled(images, np.arange(len(images)) % 2)

    class Plain(Backbone):
        name, feature_dim = "plain", 64

        def encode(self, raw):
            return torch.from_numpy(np.stack(raw))

        def build(self, weights):
            return torch.nn.Flatten()

    with pytest.raises(DataError, match=r"first example as uint8 \(8, 8\) and another as uint16"):
        encode_split(Mixed(), "f", "all", "train", Plain(), Cache(tmp_path))
