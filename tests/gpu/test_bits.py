"""On a GPU: equal bits from run to run, peak memory in the record, bf16 by choice."""

import numpy as np
import pytest
import torch

from tlbench import Recipe
from tlbench.data import Resources
from tlbench.host import Catalog, Host
from tlbench.planning import make_plan
from tlbench.running import run_cell

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")


@pytest.fixture
def on_gpu(toy, suite, tmp_path):
    """Run the cells of one strategy on the GPU, with a cache of its own each time."""
    from tlbench.data import Cache

    def run(strategy, name="a", datasets=("blobs[->day]",), budgets=("5-shot",), **recipe):
        resources = Resources(Catalog(Host([toy])), Cache(tmp_path / name))
        spec = suite((strategy,), datasets=datasets, budgets=budgets, recipe=Recipe(steps=30, batch_size=16, **recipe))
        return [run_cell(cell, resources, torch.device("cuda")) for cell in make_plan(spec, resources).cells]

    return run


def bits(outcomes):
    assert [outcome.record.failure for outcome in outcomes] == [None] * len(outcomes)
    return [outcome.predictions.logits.tobytes() for outcome in outcomes]


@pytest.mark.parametrize(
    "strategy", ["finetune", "scratch", "linear-probe", "nearest-neighbours", "prototypes", "last-layers"]
)
def test_a_strategy_gives_the_same_bits_from_run_to_run(strategy, on_gpu):
    first = bits(on_gpu(strategy))
    torch.manual_seed(1)
    torch.cuda.manual_seed_all(2)
    assert bits(on_gpu(strategy, "b")) == first


@pytest.mark.parametrize("strategy", ["source-only", "dann", "coral"])
def test_an_adaptation_gives_the_same_bits_from_run_to_run(strategy, on_gpu):
    place = {"datasets": ("blobs[day->night]",), "budgets": ("0",)}
    first = bits(on_gpu(strategy, **place))
    torch.rand(5, device="cuda")
    assert bits(on_gpu(strategy, "b", **place)) == first


def test_meta_training_gives_the_same_bits_made_or_found(on_gpu):
    place = {"datasets": ("blobs[letters->day]",)}
    strategy = "prototypes(meta_train=true,n_way=4,episodes=10)"
    first = bits(on_gpu(strategy, **place))
    assert bits(on_gpu(strategy, **place)) == first  # found in the cache
    assert bits(on_gpu(strategy, "b", **place)) == first  # made anew


def test_a_record_names_the_gpu_and_holds_its_peak_memory_and_times(on_gpu):
    record = on_gpu("finetune")[0].record
    assert record.environment["device"] == torch.cuda.get_device_name()
    assert record.environment["cuda"] == torch.version.cuda
    assert 0 < record.costs["peak_memory_bytes"] < 2**30
    assert record.costs["fit_seconds"] > 0
    assert record.costs["predict_seconds"] > 0
    assert record.costs["flops_per_example"] > 0


def test_bf16_runs_repeats_its_bits_and_is_not_fp32(on_gpu):
    half = bits(on_gpu("finetune", precision="bf16"))
    assert bits(on_gpu("finetune", "b", precision="bf16")) == half
    assert half != bits(on_gpu("finetune", "c"))


def test_the_gpu_learns_what_the_cpu_learns(on_gpu, toy, suite, resources):
    spec = suite(("finetune",), budgets=("5-shot",), recipe=Recipe(steps=30, batch_size=16))
    here = [run_cell(cell, resources, torch.device("cpu")) for cell in make_plan(spec, resources).cells]
    for one, other in zip(on_gpu("finetune"), here, strict=True):
        assert np.abs(one.predictions.logits - other.predictions.logits).max() < 0.05
        assert one.record.ledger["labelled_examples"] == other.record.ledger["labelled_examples"]
        assert one.record.cell == other.record.cell
