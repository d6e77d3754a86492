"""The cache keeps whole entries or none, and makes each once."""

import multiprocessing
import time

import numpy as np
import pytest
import torch

from tlbench.data import Cache, default_cache_folder
from tlbench.errors import StoreError


def writing(value, made=None):
    def make(path):
        if made is not None:
            made.append(path)
        with path.open("wb") as file:
            np.save(file, np.full(3, value))

    return make


def test_an_entry_is_made_once_and_found_afterwards_by_any_process(tmp_path):
    made = []
    for _ in range(2):
        cache = Cache(tmp_path)
        assert cache.array("features", ("a", 1), writing(7, made)).tolist() == [7, 7, 7]
        assert cache.array("features", ("a", 1), writing(8, made)).tolist() == [7, 7, 7]
    assert len(made) == 1
    assert cache.made == 0


def test_other_keys_and_kinds_are_other_entries(tmp_path):
    cache = Cache(tmp_path)
    cache.array("features", "a", writing(1))
    assert cache.array("features", "b", writing(2))[0] == 2
    assert cache.array("encoded", "a", writing(3))[0] == 3
    assert cache.made == 3


def test_a_make_that_raises_leaves_nothing_behind_and_can_be_tried_again(tmp_path):
    cache = Cache(tmp_path)

    def half(path):
        path.write_bytes(b"\x93NUMPY half")
        raise OSError("disk full")

    with pytest.raises(StoreError, match="disk full"):
        cache.array("features", "a", half)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert cache.array("features", "a", writing(4))[0] == 4


def _make_slowly(folder, barrier, made):
    def make(path):
        made.append(1)
        time.sleep(0.05)  # widen the window in which a second process could start making the same
        writing(5)(path)

    barrier.wait()
    assert Cache(folder).array("features", "shared", make)[0] == 5


def test_processes_that_want_the_same_entry_at_once_make_it_once(tmp_path):
    context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
    with context.Manager() as manager:
        made, barrier = manager.list(), manager.Barrier(3)
        workers = [context.Process(target=_make_slowly, args=(tmp_path, barrier, made)) for _ in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0, 0, 0]
        assert len(made) == 1


def test_states_keep_tensors_and_texts_to_the_last_bit(tmp_path):
    state = {"weight": torch.randn(3, 2).T, "count": torch.tensor(3)}
    for make in (lambda: (state, {"seconds": "1.5"}), lambda: 1 / 0):
        tensors, texts = Cache(tmp_path).state("prepared", "key", make)
        assert texts == {"seconds": "1.5"}
        assert all(torch.equal(tensors[name], value) for name, value in state.items())


def test_large_arrays_are_mapped_and_changing_one_changes_nobody_elses(tmp_path, monkeypatch):
    monkeypatch.setattr("tlbench.data.cache.LARGE", 64)
    cache = Cache(tmp_path)
    mapped = cache.array("encoded", "a", writing(6))
    assert isinstance(mapped, np.memmap)
    mapped[0] = 99
    assert Cache(tmp_path).array("encoded", "a", writing(0)).tolist() == [6, 6, 6]


def test_sizes_are_told_and_clearing_removes_every_entry(tmp_path):
    cache = Cache(tmp_path)
    cache.array("features", "a", writing(1))
    (cache.folder_for("datasets", "flowers") / "file").write_bytes(b"12345")
    assert cache.sizes()["features"][0] == 1
    assert cache.sizes()["datasets"] == (1, 5)
    cache.clear()
    assert cache.sizes() == {}
    assert cache.array("features", "a", writing(2))[0] == 2


def test_clearing_leaves_what_is_not_the_caches_own(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    cache = Cache(tmp_path)
    cache.array("features", "a", writing(1))
    cache.clear()
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_the_environment_variable_names_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("TLBENCH_CACHE", str(tmp_path / "mine"))
    assert default_cache_folder() == tmp_path / "mine"
    assert Cache().folder.is_dir()


def test_a_folder_that_cannot_be_made_is_refused_with_what_to_set(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"cannot write to the cache folder .*file.*Set TLBENCH_CACHE to another folder"
    ):
        Cache(tmp_path / "file")


def test_a_damaged_entry_is_made_once_more(tmp_path):
    cache = Cache(tmp_path)

    def make(path):
        with path.open("wb") as file:
            np.save(file, np.arange(5))

    cache.array("features", "key", make)
    [entry] = (tmp_path / "features").glob("*.npy")
    entry.write_bytes(entry.read_bytes()[:60])
    assert cache.array("features", "key", make).tolist() == [0, 1, 2, 3, 4]


def test_leftovers_of_a_killed_process_go_when_the_entry_is_made(tmp_path):
    cache = Cache(tmp_path)
    cache.state("prepared", "key", lambda: ({}, {"seconds": "1"}))
    [entry] = (tmp_path / "prepared").glob("*.safetensors")
    entry.rename(entry.with_name(f".99999-{entry.name}"))
    cache.state("prepared", "key", lambda: ({}, {"seconds": "1"}))
    assert [path.name for path in (tmp_path / "prepared").glob(".*.safetensors")] == []
