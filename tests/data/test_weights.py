"""Weights files are read safely and compared tensor by tensor."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from torch import nn

from tlbench import WeightsError
from tlbench.data import compare_weights, load_weights, read_weights, read_weights_header, shapes_of


def starting_like_a_pickle():
    """A whole file whose header's length begins with the byte that begins a pickle."""
    files = (save({"w": np.zeros(2, np.float32)}, {"note": "x" * length}) for length in range(256))
    return next(data for data in files if data.startswith(b"\x80"))


def test_a_whole_file_is_read_whatever_byte_it_starts_with(tmp_path):
    path = tmp_path / "whole.safetensors"
    path.write_bytes(starting_like_a_pickle())
    assert read_weights_header(path).shapes == {"w": (2,)}
    assert torch.equal(read_weights(path)["w"], torch.zeros(2))


@pytest.mark.parametrize("read", [read_weights_header, read_weights])
def test_a_file_that_was_cut_off_is_not_taken_for_a_pickle(tmp_path, read):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(starting_like_a_pickle()[:100])
    with pytest.raises(WeightsError, match=r"no whole safetensors file \(.*cut off\? It has 100 bytes"):
        read(path)


@pytest.mark.parametrize("read", [read_weights_header, read_weights])
def test_a_pickle_is_refused_by_every_reader(tmp_path, read):
    path = tmp_path / "old.safetensors"
    torch.save({"w": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match="it is a pickle"):
        read(path)


def test_headers_are_read_and_compared_without_torch(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(save({"w": np.zeros(2, np.float32)}))
    code = (
        "import sys; from pathlib import Path; from tlbench.data import compare_weights, read_weights_header\n"
        "assert compare_weights(read_weights_header(Path('w.safetensors')).shapes, {'w': (2,)}).fits\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)


def test_a_comparison_counts_and_names_what_differs():
    offered = {"net.a": (1,), "net.b": (2,), "net.extra": (4,), "net.head": (5,)}
    wanted = {"a": (1,), "b": (3,), "c": (1,), "norm.num_batches_tracked": ()}
    found = compare_weights(offered, wanted, lambda name: name == "head", "net.")
    assert not found.fits
    assert str(found) == "missing 1: c; mis-shaped 1: b (2,) for (3,); unexpected 1: extra"
    assert (found.count, found.dropped) == ("1 of 4", ("head",))
    assert found.describe() == {"matched": "1 of 4", "dropped": ["head"], "prefix_removed": "net."}


def test_weights_that_fit_are_loaded_under_their_own_names_and_counters_are_kept():
    norm = nn.BatchNorm1d(2)
    norm.num_batches_tracked += 7
    given = {f"net.{name}": torch.full((2,), 3.0).half() for name in ("weight", "bias", "running_mean", "running_var")}
    found = compare_weights(shapes_of(given), shapes_of(norm.state_dict()), prefix="net.")
    assert found.fits
    load_weights(given, norm, found)
    assert torch.equal(norm.running_var, torch.full((2,), 3.0))
    assert norm.num_batches_tracked == 7


@pytest.mark.parametrize("key", ["pretrained_on", "trained_on", "dataset"])
def test_the_upstream_data_are_what_the_metadata_state_else_unknown(tmp_path, key):
    path = tmp_path / "w.safetensors"
    path.write_bytes(save({"w": np.zeros(2, np.float32)}, {key: "birds"}))
    assert read_weights_header(path).pretrained_on == "birds"
    path.write_bytes(save({"w": np.zeros(2, np.float32)}))
    assert read_weights_header(path).pretrained_on == "unknown (w.safetensors)"
