"""One cell: what a strategy is given, what it cannot get at, and what the record keeps."""

import dataclasses
import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from tlbench import Labelled, Workbench
from tlbench.contract import Failure
from tlbench.data import Resources, labels_digest
from tlbench.errors import PlanError, PluginError
from tlbench.host import Catalog, Host
from tlbench.learning import Stopwatch
from tlbench.planning import make_plan
from tlbench.results import Store
from tlbench.running import Where, run_cell
from tlbench.running.before_run import pending_cells
from tlbench.running.record_cell import record_failure
from tlbench.running.workers import Finished, run_cells

CPU = torch.device("cpu")
HEADER = '''
from dataclasses import dataclass
import torch
from torch import nn
from tlbench import Family, Requirements, Strategy, hookimpl

SEEN = []

@dataclass(frozen=True)
class Mine(Strategy):
    """A strategy of the test."""

    name = "mine"
    family = Family.EXTRACT
    requires = Requirements(REQUIRES)

    def fit(self, task, bench):
        SEEN.append((task, bench))
        head = nn.Linear(bench.feature_dim, len(task.classes))
        BODY
        return bench.classifier(head)


@hookimpl
def tlbench_strategies():
    return [Mine]
'''


@pytest.fixture
def run_mine(toy, plugin_file, suite, resources):
    """Run one cell of a strategy whose fit has the given body; return the outcome and what it was given."""

    def run(body="pass", requires="", **changes):
        path = plugin_file(HEADER.replace("BODY", body).replace("REQUIRES", requires))
        host = Host([toy, path])
        mine = Resources(Catalog(host), resources.cache)
        (cell, *_) = make_plan(suite(("mine",), **({"replicates": 1} | changes)), mine).cells
        outcome = run_cell(cell, mine, CPU)
        return outcome, host.manager.get_plugin(f"file:{path}").SEEN

    return run


def tensors_in(thing, seen=None):
    """Yield every tensor and array that the public attributes of an object lead to."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, type(None), type, torch.dtype, torch.device)):
        return
    seen.add(id(thing))
    if isinstance(thing, (torch.Tensor, np.ndarray)):
        yield thing
    elif isinstance(thing, dict):
        for value in thing.values():
            yield from tensors_in(value, seen)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            yield from tensors_in(value, seen)
    elif type(thing).__module__.startswith("tlbench"):
        for name in (name for name in dir(thing) if not name.startswith("_")):
            value = getattr(thing, name, None)
            if not callable(value):
                yield from tensors_in(value, seen)


# ---- what a strategy is given -----------------------------------------------------------------------------------


def test_a_cheating_strategy_finds_no_test_example_and_no_label_beyond_its_budget(run_mine, resources):
    outcome, [(task, bench)] = run_mine(
        datasets=("blobs[day->night]",), requires="source_labels=True, unlabelled_target=True"
    )
    assert outcome.record.ok
    test = torch.from_numpy(np.stack(list(resources.dataset("blobs").dataset.load("night", "test").inputs)))
    test_images = {image.numpy().tobytes() for image in test}
    found = [*tensors_in(task), *tensors_in(bench)]
    images = [tensor for tensor in found if tensor.ndim == 4]
    labels = [tensor for tensor in found if tensor.ndim == 1]
    assert sorted(map(len, images)) == [8, 80, 80]  # the budget, the source, the unlabelled target
    assert sorted(map(len, labels)) == [8, 80]  # the labels of the budget and of the source
    for tensor in found:
        whole = torch.tensor([], dtype=tensor.dtype).set_(tensor.untyped_storage())
        assert whole.numel() == tensor.numel()  # no view into anything larger
    assert not {image.numpy().tobytes() for tensor in images for image in tensor} & test_images


def test_what_was_not_required_is_none(run_mine):
    outcome, [(task, _)] = run_mine(datasets=("blobs[day->night]",))
    assert (task.source, task.source_classes, task.unlabelled, task.val) == (None, None, None, None)
    assert len(task.train) == 8
    assert {key: outcome.record.ledger[key] for key in ("source_labels", "unlabelled_target", "val_labels")} == {
        "source_labels": 0, "unlabelled_target": 0, "val_labels": 0,
    }  # fmt: skip


def test_a_task_holds_neither_paths_nor_names_of_data_nor_a_test_split(run_mine):
    _, [(task, _)] = run_mine()
    assert {field.name for field in dataclasses.fields(task)} == {
        "classes", "train", "val", "unlabelled", "source", "source_classes", "queries", "further",
    }  # fmt: skip
    assert "blobs" not in repr(task)


def test_validation_is_carved_out_of_the_budget_and_is_counted(run_mine):
    from tlbench import Protocol

    outcome, [(task, _)] = run_mine(budgets=("5-shot",), protocol=Protocol(validation=0.4))
    assert (len(task.train), len(task.val)) == (12, 8)
    assert task.val.labels.bincount().tolist() == [2, 2, 2, 2]
    assert outcome.record.ledger["val_labels"] == 8


def test_the_ledger_says_that_validation_labels_were_used_only_where_they_chose_something(run_mine):
    from tlbench import Protocol

    held = {"budgets": ("5-shot",), "protocol": Protocol(validation=0.4)}
    assert run_mine(**held)[0].record.ledger["selection"] == "last"
    trained = "bench.train(bench.classifier(head), bench.cross_entropy(), task.train, recipe=bench.recipe.but(steps=2))"
    assert run_mine(trained, **held)[0].record.ledger["selection"] == "validation"
    selected = "head = bench.select([head, nn.Linear(bench.feature_dim, 4)], lambda one, x: one(bench.features(x)))"
    assert run_mine(selected, **held)[0].record.ledger["selection"] == "validation"
    assert run_mine(selected)[0].record.ledger["selection"] == "last"


def test_changing_a_tasks_tensors_changes_no_later_cell(run_mine):
    expected, [(task, _)] = run_mine()
    pixels = task.train.inputs.clone()
    _, _ = run_mine("task.train.inputs.zero_(); task.train.labels.zero_()")
    outcome, [(again, _)] = run_mine()
    assert torch.equal(again.train.inputs, pixels)
    assert np.array_equal(outcome.predictions.logits, expected.predictions.logits)


def test_a_source_with_the_targets_classes_in_another_order_is_given_in_the_targets_order(
    run_mine, toy, plugin_file, suite, resources
):
    # fit sees source labels as positions in its own classes, whatever order the source dataset names them in.
    text = (
        toy.read_text()
        .replace(
            "class Letters",
            "class Mirrored(Blobs):\n    name = 'mirrored'\n"
            "    classes = Blobs.classes[::-1]\n    domains = ('day',)\n"
            "    def load(self, domain, split):\n        data = super().load(domain, split)\n"
            "        return Labelled(data.inputs, 3 - data.labels)\n\nclass Letters",
        )
        .replace("[Blobs,", "[Mirrored, Blobs,")
    )
    path = plugin_file(text, "mirror.py")
    mirrored = Resources(
        Catalog(Host([path, plugin_file(HEADER.replace("BODY", "pass").replace("REQUIRES", "source_labels=True"))])),
        resources.cache,
    )
    (cell,) = make_plan(suite(("mine",), ("tiny",), ("blobs[mirrored->day]",), replicates=1), mirrored).cells
    assert run_cell(cell, mirrored, CPU).record.ok
    ((task, _),) = mirrored.catalog.host.manager.get_plugin(f"file:{path.with_name('local_plugin.py')}").SEEN
    assert task.source.labels.tolist() == np.repeat(np.arange(4), 20).tolist()
    assert task.source_classes == task.classes


# ---- pairing ----------------------------------------------------------------------------------------------------


def test_every_strategy_of_a_replicate_gets_the_same_labelled_examples(suite, resources):
    plan = make_plan(
        suite(("linear-probe", "scratch(steps=2)", "nearest-neighbours", "finetune(steps=2)"), replicates=3), resources
    )
    digests = {}
    for cell in plan.cells:
        digests.setdefault(cell.replicate, set()).add(run_cell(cell, resources, CPU).record.ledger["labelled_examples"])
    assert [len(each) for each in digests.values()] == [1, 1, 1]
    assert len(set.union(*digests.values())) == 3


def test_a_first_layer_starts_alike_in_two_strategies(run_mine, suite, resources):
    one, _ = run_mine("bench.note('head', head.weight.tolist())")
    other, _ = run_mine(
        "bench.features(task.train.inputs); bench.note('head', head.weight.tolist())", budgets=("5-shot",)
    )
    assert one.record.notes["head"] == other.record.notes["head"]


def test_a_cell_gives_the_same_bits_after_others_and_after_the_global_generators_moved(suite, resources):
    first, *others = make_plan(suite(("scratch(steps=3)", "linear-probe")), resources).cells
    expected = run_cell(first, resources, CPU)
    for cell in others:
        run_cell(cell, resources, CPU)
    torch.manual_seed(1)
    np.random.seed(2)
    again = run_cell(first, resources, CPU)
    assert again.predictions.logits.tobytes() == expected.predictions.logits.tobytes()
    assert again.record.scores == expected.record.scores


# ---- failures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("raise ValueError('two\\n        lines')", "ValueError", "two lines"),
        ("raise torch.OutOfMemoryError('no memory left')", "OutOfMemory", "no memory left"),
        ("raise MemoryError", "OutOfMemory", "OutOfMemory"),
        ("raise KeyError", "KeyError", "KeyError"),
        ("return None", "PluginError", "mine: fit must return a torch.nn.Module, got NoneType."),
        ("head = nn.Linear(8, 7)", "PluginError", "shape (2, 7); the task has 4 classes, so it must be (2, 4)"),
        ("return nn.Sequential(nn.Flatten(), Scale(), nn.Linear(64, 3))", "PluginError", "they must be (40, 4)"),
        ("head.weight.data.fill_(float('nan'))", "PluginError", "logits are not all finite"),
        ("bench.note('tensor', head.weight)", "PluginError", "takes plain JSON values, got Parameter."),
        ("bench.prepared()", "PluginError", "bench.prepared() is there only for strategies with a prepare method"),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_a_fit_becomes_a_record_of_its_own(body, kind, message, run_mine):
    if "Scale" in body:
        body = body.replace("Scale()", "type('Scale', (nn.Module,), {'forward': lambda self, x: x.float()})()")
    outcome, _ = run_mine(body)
    failure = outcome.record.failure
    assert (failure.kind, message in failure.message) == (kind, True), failure
    assert outcome.record.scores == {}
    assert outcome.predictions is None
    assert outcome.record.identity
    assert outcome.record.provenance


def test_a_strangers_error_keeps_its_traceback(run_mine):
    outcome, _ = run_mine("raise RuntimeError('here')")
    assert "local_plugin.py" in outcome.record.failure.traceback


# ---- the record -------------------------------------------------------------------------------------------------


def test_a_record_holds_scores_ledger_costs_provenance_and_environment(suite, resources, toy):
    (cell,) = make_plan(suite(("finetune(steps=3)",), replicates=1), resources).cells
    outcome = run_cell(cell, resources, CPU)
    record = outcome.record
    assert record.scores["accuracy"] == (outcome.predictions.logits.argmax(1) == outcome.predictions.labels).mean()
    assert {"accuracy", "balanced-accuracy", "macro-f1", "nll", "ece", "worst-class-accuracy"} <= set(record.scores)
    assert record.ledger["did_not_learn"].startswith("its loss on the labels")  # three steps are few
    assert record.ledger | {"labelled_examples": "", "did_not_learn": "", "test_labels": ""} == {
        "train_labels": 8, "val_labels": 0, "unlabelled_target": 0, "source_labels": 0, "test_items": 40,
        "further_labels": 0, "splits": "given", "episodes": None, "transductive": False, "upper_bound": False,
        "selection": "last", "pretrained_on": "corners of other images", "labelled_examples": "",
        "source_val_labels": 0, "transductive_measured": False, "test_in_train": 0, "test_in_source": None,
        "test_in_upstream": None, "did_not_learn": "", "test_labels": "", "setting_measured": "",
    }  # fmt: skip
    assert record.ledger["test_labels"] == labels_digest(resources.dataset("blobs").labels("day", "test"))
    network = sum(
        parameter.numel() for parameter in resources.backbone("tiny.corners").backbone.build(None).parameters()
    )
    assert record.costs["parameters_trained"] == record.costs["parameters_stored"] == network + 8 * 4 + 4
    assert record.costs["fit_seconds"] > 0
    assert record.costs["predict_seconds"] > 0
    assert record.costs["peak_memory_bytes"] > 10**7
    assert record.costs["flops_per_example"] > 1000
    weights = hashlib.sha256(toy.with_name("tiny.safetensors").read_bytes()).hexdigest()
    assert record.provenance["backbone"]["weights_sha256"] == weights
    assert record.provenance["backbone"]["source_sha256"] == hashlib.sha256(toy.read_bytes()).hexdigest()
    assert record.provenance["backbone"]["package_sha256"] == record.provenance["backbone"]["source_sha256"]  # one file
    assert len({record.provenance["strategy"][key] for key in ("source_sha256", "package_sha256")}) == 2
    assert record.provenance["strategy"]["distribution"] == "tlbench"
    assert record.provenance["dataset"]["fingerprint"] == resources.dataset("blobs").fingerprint
    assert record.environment["device"] == "cpu"
    assert record.environment["threads"] == "1"
    assert record.environment["torch"] == torch.__version__
    assert record.environment["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert (outcome.predictions.logits.dtype, outcome.predictions.labels.dtype) == (np.float32, np.int64)


def test_a_probe_trains_nothing_and_notes_what_it_likes(run_mine):
    outcome, _ = run_mine("bench.note('answer', {'value': [42, None]})")
    assert outcome.record.notes == {"answer": {"value": [42, None]}}
    assert outcome.record.costs["parameters_trained"] == 0


def test_a_classifier_left_in_training_mode_predicts_as_if_it_were_not(run_mine):
    body = "model = bench.classifier(head, bench.backbone()); model.train(); return model"
    left = run_mine(body)[0]
    right = run_mine(body.replace("model.train()", "model.eval()"))[0]
    assert left.record.ok
    assert np.array_equal(left.predictions.logits, right.predictions.logits)


def test_preparation_is_done_once_and_shared_by_budgets(suite, fresh_resources):
    cells = make_plan(
        suite(
            ("prototypes(meta_train=true,n_way=4,episodes=3)",),
            datasets=("blobs[letters->day]",),
            budgets=("1-shot", "5-shot"),
        ),
        fresh_resources,
    ).cells
    records = [run_cell(cell, fresh_resources, CPU).record for cell in cells]
    assert [record.failure for record in records] == [None] * 4
    assert fresh_resources.cache.sizes()["prepared"][0] == 2  # one for each replicate
    assert all(record.costs["prepare_seconds"] > 0 for record in records)
    first = {record.labels["replicate"]: record.costs["prepare_seconds"] for record in records[:2]}
    assert {record.labels["replicate"]: record.costs["prepare_seconds"] for record in records[2:]} == first


def test_a_prepared_network_from_the_cache_gives_the_bits_of_one_just_made(suite, toy, tmp_path):
    from tlbench.data import Cache

    spec = suite(("prototypes(meta_train=true,n_way=4,episodes=3)",), datasets=("blobs[letters->day]",), replicates=1)
    outcomes = []
    for folder in ("one", "one", "two"):
        resources = Resources(Catalog(Host([toy])), Cache(tmp_path / folder))
        outcomes.append(run_cell(make_plan(spec, resources).cells[0], resources, CPU))
    assert len({outcome.predictions.logits.tobytes() for outcome in outcomes}) == 1


def test_transductive_strategies_see_all_test_inputs_at_once(run_mine):
    body = (
        "return type('Counting', (nn.Module,), {'forward': lambda self, x: torch.full((len(x), 4), float(len(x)))})()"
    )
    outcome, _ = run_mine(body, requires="transductive=True", datasets=("blobs(each=2)[->day]",), budgets=("1-shot",))
    assert outcome.record.ledger["transductive"] is True
    assert set(outcome.predictions.logits.flatten().tolist()) == {40.0}


def test_a_transductive_head_sees_all_features_at_once_and_the_task_holds_the_queries(run_mine):
    body = """
        class Counting(nn.Module):
            def forward(self, features):
                return torch.full((len(features), 4), float(len(features)))
        head = Counting()"""
    for requires, seen in (("transductive=True", 200.0), ("", 128.0)):
        changes = {"datasets": ("wide[->all]",), "budgets": ("1-shot",)}
        outcome, [(task, _), *_] = run_mine(body, requires=requires, **changes)
        assert outcome.predictions.logits[0, 0] == seen
        assert (task.queries is None) == (not requires)
    run_mine("task.queries.zero_()", requires="transductive=True", **changes)
    _, [(fresh, _), *_] = run_mine(requires="transductive=True", **changes)
    assert fresh.queries.sum() > 0


@pytest.mark.parametrize(
    ("requires", "budget", "setting"),
    [
        ("", "1-shot", "inductive"),
        ("transductive=True", "1-shot", "transductive"),
        ("min_labels_per_class=0, unlabelled_target=True", "0", "unsupervised"),
        ("min_labels_per_class=0, transductive=True", "0", "unsupervised"),
        ("min_labels_per_class=0, unlabelled_target=True", "1-shot", "inductive"),
        ("min_labels_per_class=0, source_labels=True", "0", "inductive"),
        ("min_labels_per_class=0, upper_bound=True", "0", "inductive"),
    ],
)
def test_the_setting_follows_from_what_a_cell_is_given(run_mine, requires, budget, setting):
    outcome, _ = run_mine(requires=requires, budgets=(budget,), datasets=("blobs[day->night]",))
    record = outcome.record
    assert record.labels["setting"] == setting
    of_clusters = {"clustering-accuracy", "nmi", "ari"}
    assert bool(of_clusters & set(record.scores)) == (setting == "unsupervised")
    assert ("accuracy" in record.scores) == (setting != "unsupervised")


def test_an_upper_bound_gets_every_target_label_whatever_the_budget(run_mine):
    outcome, [(task, _)] = run_mine(requires="min_labels_per_class=0, upper_bound=True", budgets=("0",))
    assert len(task.train) == outcome.record.ledger["train_labels"] == 80
    assert outcome.record.ledger["upper_bound"] is True


# ---- episodes ---------------------------------------------------------------------------------------------------


def episodic(**rules):
    from tlbench import Protocol

    return {"budgets": ("3-way 2-shot",), "protocol": Protocol(**{"episodes": 5, "queries": 4} | rules)}


def test_an_episode_is_a_task_of_a_few_classes_with_support_and_queries_of_different_splits(run_mine):
    outcome, seen = run_mine("", requires="transductive=True", **episodic())
    record = outcome.record
    assert record.ok, record.failure
    assert len(seen) == 5
    for task, _ in seen:
        assert (len(task.classes), len(set(task.classes)), len(task.queries)) == (3, 3, 12)
        assert task.train.labels.bincount().tolist() == [2, 2, 2]
        assert not {bytes(x.numpy()) for x in task.train.inputs} & {bytes(x.numpy()) for x in task.queries}
    assert len({task.classes for task, _ in seen}) > 1
    assert (record.ledger["episodes"], record.ledger["train_labels"], record.ledger["test_items"]) == (5, 6, 12)
    parts = outcome.predictions.by_episode()
    assert [np.bincount(part.labels).tolist() for part in parts] == [[4, 4, 4]] * 5
    right = [(part.logits.argmax(1) == part.labels).mean() for part in parts]
    assert record.scores["accuracy"] == pytest.approx(np.mean(right))


def test_episodes_are_the_same_for_every_strategy_and_differ_between_replicates(suite, resources):
    spec = suite(("nearest-neighbours", "prototypes"), **episodic())
    digests = {}
    for cell in make_plan(spec, resources).cells:
        found = run_cell(cell, resources, CPU)
        digests.setdefault(cell.replicate, set()).add(
            (found.record.ledger["labelled_examples"], found.predictions.labels.tobytes())
        )
    assert [len(found) for found in digests.values()] == [1, 1]
    assert digests[0] != digests[1]


def test_unbalanced_queries_are_as_many_in_all_but_not_of_each_class(run_mine):
    outcome, _ = run_mine(**episodic(unbalanced=1.0))
    counts = [np.bincount(part.labels, minlength=3) for part in outcome.predictions.by_episode()]
    assert {count.sum() for count in counts} == {12}
    assert len({tuple(count) for count in counts}) > 1
    assert max(count.max() for count in counts) <= 10  # what the test split has of a class


def test_the_one_shot_support_is_part_of_the_two_shot_support(run_mine):
    supports = []
    for budget in ("3-way 1-shot", "3-way 2-shot"):
        _, seen = run_mine(**episodic() | {"budgets": (budget,)})
        supports.append([{bytes(x.numpy()) for x in task.train.inputs} for task, _ in seen])
    assert all(one < two for one, two in zip(*supports, strict=True))


def test_validation_is_carved_out_of_each_support(run_mine):
    outcome, seen = run_mine(**episodic(validation=0.5))
    assert {(len(task.train), len(task.val)) for task, _ in seen} == {(3, 3)}
    assert outcome.predictions.val_logits.shape == (15, 3)


# ---- per-task scores and ensembles ------------------------------------------------------------------------------


def test_the_source_is_scored_where_the_classifier_serves_it(suite, resources):
    (cell, _) = make_plan(suite(("multi-task(steps=3)",), datasets=("blobs[letters->day]",)), resources).cells
    record = run_cell(cell, resources, CPU).record
    assert record.ok, record.failure
    assert record.tasks["target"]["accuracy"] == record.scores["accuracy"]
    assert 0 <= record.tasks["source"]["accuracy"] <= 1
    (cell, _) = make_plan(suite(("linear-probe",)), resources).cells
    assert run_cell(cell, resources, CPU).record.tasks == {}


MEAN = """
        class Mean(nn.Module):
            def forward(self, stacked):
                assert stacked.shape[1:] == (2, 4), stacked.shape
                return stacked.mean(dim=1)
        return Mean()"""


@pytest.fixture
def ensemble(toy, plugin_file, suite, resources, tmp_path):
    """Plan a strategy that averages the logits of two others; return plan, resources and store."""

    def make(strategies=("linear-probe", "nearest-neighbours", "mine"), body=MEAN, **changes):
        text = HEADER.replace("BODY", body).replace("REQUIRES", "")
        text = text.replace(
            "    def fit(", "    members = ('linear-probe', 'nearest-neighbours( k = 5 )')\n\n    def fit("
        )
        mine = Resources(Catalog(Host([toy, plugin_file(text)])), resources.cache)
        store = Store(tmp_path / "results", create=True)
        return make_plan(suite(strategies, **({"replicates": 2} | changes)), mine), mine, store

    return make


def test_an_ensemble_combines_the_stored_predictions_of_its_members(ensemble):
    plan, resources, store = ensemble()
    for event in run_cells(pending_cells(plan, store), resources, store, Where("cpu")):
        if isinstance(event, Finished):
            assert event.record.ok, event.record.failure
    (first, *_) = [cell for cell in plan.cells if cell.members]
    mean = np.mean([store.predictions(member).logits for member in first.members], axis=0)
    assert np.allclose(store.predictions(first.id).logits, mean, atol=1e-6)
    assert first.identity["members"] == list(first.members)


def test_an_ensemble_owns_up_to_what_its_members_chose_by(ensemble):
    from tlbench import Protocol

    for validation, said in ((0.0, "last"), (0.4, "validation")):
        rules = {"budgets": ("5-shot",), "protocol": Protocol(validation=validation), "replicates": 1}
        plan, resources, store = ensemble(**rules)
        *_, last = run_cells(pending_cells(plan, store), resources, store, Where("cpu"))
        assert last.record.labels["strategy"] == "mine"
        assert last.record.ledger["selection"] == said


def test_an_ensemble_of_episodes_combines_episode_by_episode(ensemble):
    body = MEAN.replace("(2, 4)", "(2, 3)")
    plan, resources, store = ensemble(body=body, replicates=1, **episodic())
    events = run_cells(pending_cells(plan, store), resources, store, Where("cpu"))
    assert all(event.record.ok for event in events if isinstance(event, Finished))


def test_an_ensemble_without_its_members_is_skipped_with_what_to_add(ensemble):
    with pytest.raises(PlanError, match="linear-probe and nearest-neighbours are not run on the same"):
        ensemble(strategies=("mine",), datasets=("blobs[->day]",))
    plan, _, _ = ensemble(strategies=("mine", "linear-probe"))
    ((strategy, reason),) = {(skip.strategy, skip.reason) for skip in plan.skips}
    assert strategy == "mine"
    assert reason.endswith(
        "nearest-neighbours is not run on the same backbone, dataset and budget. Add -s 'nearest-neighbours'."
    )


def test_an_ensemble_that_is_its_own_member_is_refused(toy, plugin_file, suite, resources):
    text = HEADER.replace("BODY", MEAN).replace("REQUIRES", "")
    text = text.replace("    def fit(", "    members = ('mine',)\n\n    def fit(")
    mine = Resources(Catalog(Host([toy, plugin_file(text)])), resources.cache)
    with pytest.raises(PluginError, match="mine is a member of itself: mine > mine"):
        make_plan(suite(("mine",)), mine)


def test_an_ensemble_whose_member_failed_says_so(ensemble):
    plan, resources, store = ensemble(replicates=1)
    member, _, mine = pending_cells(plan, store)
    store.write(record_failure(member, resources, CPU, Failure("ValueError", "no")).record)
    record = run_cell(mine, resources, CPU, store).record
    assert "its member linear-probe failed in this cell" in record.failure.message


def test_labelled_parts_must_be_of_one_length():
    with pytest.raises(ValueError, match="3 inputs but 2 labels"):
        Labelled(torch.zeros(3), torch.zeros(2))


def test_the_workbench_shows_no_data(run_mine):
    _, [(_, bench)] = run_mine()
    assert isinstance(bench, Workbench)
    public = {name for name in dir(bench) if not name.startswith("_")}
    assert not public & {"test", "labels", "dataset", "resources", "store"}
    assert isinstance(bench.frozen_backbone(), nn.Module)


def test_what_a_strategy_imports_to_be_ready_is_no_part_of_its_fit(suite, toy, plugin_file, resources):
    ready = "    def ready(self):\n        import time\n        time.sleep(0.5)\n\n    def fit("
    text = HEADER.replace("BODY", "pass").replace("REQUIRES", "").replace("    def fit(", ready)
    mine = Resources(Catalog(Host([toy, plugin_file(text)])), resources.cache)
    (cell,) = make_plan(suite(("mine",), replicates=1), mine).cells
    with Stopwatch(CPU) as watch:
        costs = run_cell(cell, mine, CPU).record.costs
    assert watch.seconds > 0.5
    assert costs["fit_seconds"] < watch.seconds - 0.45
