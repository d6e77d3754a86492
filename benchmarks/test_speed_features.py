"""The feature cache: extracting a split once against reading it again."""

import pytest
import torch

from tlbench.data import Cache
from tlbench.learning import Frozen
from tlbench.learning.features import extract_split


@pytest.mark.benchmark(group="features of 1,198 digits")
@pytest.mark.parametrize("state", ["cold", "warm"])
def test_feature_cache(benchmark, resources, digits, tmp_path, state):
    entry = resources.backbone("test_resnet.glyphs")
    device = torch.device("cpu")
    folders = iter(range(1000))

    def extract(cache):
        return extract_split(digits, lambda: Frozen(entry.backbone.build(entry.weights)), "identity", device, cache)

    warm = Cache(tmp_path / "warm")
    extract(warm)
    caches = {"cold": lambda: Cache(tmp_path / str(next(folders))), "warm": lambda: warm}
    features = benchmark.pedantic(extract, setup=lambda: ((caches[state](),), {}), rounds=5)
    assert features.shape == (len(digits.labels), 96)
