"""The host outlives broken plugins, names them, and refuses what it does not understand."""

import importlib
import re
from pathlib import Path

import pytest
from documents import ROOT

import tlbench
from tlbench import DataError, ParameterError, PluginError
from tlbench.cli.doctor import examination
from tlbench.errors import UnknownNameError
from tlbench.host import Catalog, Host, hookspecs
from tlbench.running.trackers import Tracking

STRATEGY = '''
from dataclasses import dataclass
from torch import nn
from tlbench import Family, Strategy, hookimpl


@dataclass(frozen=True)
class Mine(Strategy):
    """One line that says what it does."""

    name = "mine"
    family = Family.EXTRACT
    width: int = 3

    def fit(self, task, bench):
        return bench.classifier(nn.Linear(bench.feature_dim, len(task.classes)))


@hookimpl
def tlbench_strategies():
    return [Mine]
'''


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Install a distribution that Python finds as it finds every other: a module and its metadata on the path."""

    def install(text, name="stranger", requires=()):
        (tmp_path / f"{name}.py").write_text(text)
        metadata = tmp_path / f"{name}-1.2.dist-info"
        metadata.mkdir()
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            "Version: 1.2",
            *(f"Requires-Dist: {line}" for line in requires),
        ]
        (metadata / "METADATA").write_text("\n".join(lines) + "\n")
        (metadata / "entry_points.txt").write_text(f"[tlbench]\n{name} = {name}\n")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

    return install


def refusal(path):
    with pytest.raises(PluginError) as caught:
        Catalog(Host([path])).strategies  # noqa: B018
    return str(caught.value)


# ---- plugins that work --------------------------------------------------------------------------------------


def test_a_plugin_file_offers_what_it_defines_under_its_origin(plugin_file):
    path = plugin_file(STRATEGY)
    strategy, origin = Catalog(Host([path])).strategy("mine(width=4)")
    assert (strategy.width, strategy.variant) == (4, "mine(width=4)")
    assert str(origin) == f"file {path}"


def test_the_environment_variable_names_plugin_files_too(plugin_file, monkeypatch):
    monkeypatch.setenv("TLBENCH_PLUGINS", str(plugin_file(STRATEGY)))
    assert "mine" in Catalog(Host()).strategies


def test_a_file_given_twice_is_loaded_once(plugin_file, monkeypatch):
    path = plugin_file(STRATEGY)
    monkeypatch.setenv("TLBENCH_PLUGINS", str(path))
    assert "mine" in Catalog(Host([path, path])).strategies


def test_two_files_of_one_name_in_two_folders_are_both_loaded(plugin_file, tmp_path):
    (tmp_path / "other").mkdir()
    first = plugin_file(STRATEGY)
    second = plugin_file(STRATEGY.replace('"mine"', '"yours"'), "other/local_plugin.py")
    assert {"mine", "yours"} <= set(Catalog(Host([first, second])).strategies)


def test_an_installed_distribution_is_found_by_its_entry_point(installed):
    installed(STRATEGY, "found_by_entry_point")
    _, origin = Catalog(Host()).strategy("mine")
    assert (origin.distribution, origin.version) == ("found_by_entry_point", "1.2")


def test_strategies_come_sorted_by_name(plugin_file):
    names = list(Catalog(Host([plugin_file(STRATEGY)])).strategies)
    assert names == sorted(names)


def test_plugins_add_facts_to_the_environment(plugin_file):
    path = plugin_file(
        "from tlbench import hookimpl\n@hookimpl\ndef tlbench_environment():\n    return {'weather': 'fine'}\n"
    )
    assert Host([path]).environment()["weather"] == "fine"


# ---- plugins that are broken --------------------------------------------------------------------------------


def test_an_installed_plugin_that_fails_to_import_is_kept_with_its_cause(installed):
    installed("import a_module_that_is_not_there\n", "broken_import")
    host = Host()
    assert [str(broken.origin) for broken in host.broken] == ["broken_import 1.2 (plugin 'broken_import')"]
    assert "No module named 'a_module_that_is_not_there'" in host.broken[0].cause
    assert "scratch" in Catalog(host).strategies


def test_a_broken_plugin_does_not_stop_a_run_that_does_not_need_it(installed, cli, toy, tmp_path):
    installed("raise RuntimeError('out of\\nsorts')\n", "broken_at_run")
    result = cli(
        "plan", "-p", toy, "-s", "linear-probe", "-b", "tiny.corners", "-d", "blobs[->day]", "--out", tmp_path / "o"
    )
    assert result.exit_code == 0
    assert "note: plugin 'broken_at_run'" in result.stderr
    assert "RuntimeError: out of sorts" in result.stderr


def test_a_name_that_is_missing_reminds_of_broken_plugins(installed):
    installed("1 / 0\n", "broken_arithmetic")
    with pytest.raises(UnknownNameError, match=r"unknown strategy 'mien'.*broken_arithmetic.*division by zero"):
        Catalog(Host()).strategy("mien")


def test_a_hook_that_raises_breaks_only_its_own_plugin(installed):
    installed(STRATEGY.replace("return [Mine]", "raise KeyError('gone')"), "broken_hook")
    host = Host()
    assert "scratch" in Catalog(host).strategies
    assert [broken.cause for broken in host.unheard()] == ["KeyError: 'gone'"]
    assert host.unheard() == []


def test_a_plugin_that_exits_while_it_is_imported_is_broken_like_any_other(installed):
    installed("import sys\nsys.exit(1)\n", "broken_exit")
    assert ["SystemExit" in broken.cause for broken in Host().broken] == [True]


def test_doctor_shows_where_a_broken_plugin_broke(installed):
    installed("value = {}['key']\n", "broken_for_doctor")
    text = "\n".join(examination())
    assert "BROKEN plugin 'broken_for_doctor'" in text
    assert "value = {}['key']" in text


def test_a_name_claimed_by_two_plugins_is_refused_with_both(installed, plugin_file):
    installed(STRATEGY, "first_claim")
    path = plugin_file(STRATEGY)
    message = refusal(path)
    assert "'mine' is claimed by both first_claim 1.2" in message
    assert f"file {path}" in message


def test_a_plugin_that_needs_a_newer_tlbench_says_so(installed):
    installed(STRATEGY, "from_the_future", requires=["tlbench>=99"])
    host = Host()
    assert host.broken[0].cause == f"it needs tlbench>=99, and this is tlbench {tlbench.__version__}. Upgrade tlbench."
    assert "mine" not in Catalog(host).strategies


def test_a_plugin_that_needs_this_tlbench_is_loaded(installed):
    installed(
        STRATEGY, "of_today", requires=["tlbench>=0.1", "tlbench-friends>=3", "tlbench[test]>=0.1; extra == 'test'"]
    )
    assert "mine" in Catalog(Host()).strategies


# ---- files that the user asked for: a fault is raised, in one sentence -----------------------------------------


def test_a_file_that_needs_a_newer_tlbench_is_refused(plugin_file):
    assert "it needs tlbench>=99" in refusal(plugin_file(STRATEGY + "\ntlbench_requires = '>=99'\n"))


def test_a_missing_file_is_named_with_its_near_miss(plugin_file, tmp_path):
    plugin_file(STRATEGY)
    assert "does not exist. Did you mean 'local_plugin.py'?" in refusal(tmp_path / "lokal_plugin.py")


def test_a_file_that_fails_to_import_is_refused_with_the_cause(plugin_file):
    assert "SyntaxError" in refusal(plugin_file("def broken(:\n"))


def test_a_file_without_hooks_is_refused(plugin_file):
    assert "it implements no hook" in refusal(plugin_file("x = 1\n"))


def test_a_class_that_forgot_dataclass_is_refused_with_what_to_write(plugin_file):
    message = refusal(plugin_file(STRATEGY.replace("@dataclass(frozen=True)\n", "")))
    assert "class Mine is not a dataclass (its fields width would be ignored): write @dataclass(frozen=True)" in message


def test_a_dataclass_that_is_not_frozen_is_refused(plugin_file):
    message = refusal(plugin_file(STRATEGY.replace("@dataclass(frozen=True)", "@dataclass")))
    assert "class Mine is a dataclass but not frozen" in message


def test_an_instance_in_the_place_of_a_class_is_refused(plugin_file):
    assert "Return the class, not an instance." in refusal(plugin_file(STRATEGY.replace("[Mine]", "[Mine()]")))


def test_a_hook_that_returns_a_class_without_a_list_is_refused(plugin_file):
    assert "tlbench_strategies must return a list" in refusal(plugin_file(STRATEGY.replace("[Mine]", "Mine")))


def test_a_strategy_without_fit_name_or_family_is_refused(plugin_file):
    assert "lacks the method fit" in refusal(plugin_file(STRATEGY.replace("def fit", "def fitt")))
    assert "without 'name'" in refusal(plugin_file(STRATEGY.replace('name = "mine"', "")))
    assert "without 'family'" in refusal(plugin_file(STRATEGY.replace("family = Family.EXTRACT", "")))
    assert "write Family.X" in refusal(plugin_file(STRATEGY.replace("Family.EXTRACT", '"extract"')))


def test_a_name_that_nobody_could_type_is_refused(plugin_file):
    assert "must be letters, digits" in refusal(plugin_file(STRATEGY.replace('"mine"', '"my strategy"')))


def test_a_misspelt_hook_is_refused_with_the_one_that_was_meant(plugin_file):
    message = refusal(plugin_file(STRATEGY.replace("def tlbench_strategies", "def tlbench_strategy")))
    assert "the hook 'tlbench_strategy', which tlbench" in message
    assert "Did you mean 'tlbench_strategies'?" in message


def test_an_argument_that_no_hook_offers_is_refused(plugin_file):
    message = refusal(plugin_file(STRATEGY.replace("def tlbench_strategies()", "def tlbench_strategies(catalog)")))
    assert "asks for the argument 'catalog'" in message


def test_a_hook_may_ask_for_fewer_arguments_than_it_is_offered(plugin_file):
    text = "from tlbench import hookimpl\n@hookimpl\ndef tlbench_cell_finished(record):\n    pass\n"
    assert Host([plugin_file(text)]).broken == []


def test_a_backbone_class_in_the_place_of_an_instance_is_refused(plugin_file, toy):
    path = plugin_file(toy.read_text().replace("[Tiny(), ", "[Tiny, "), "classes.py")
    with pytest.raises(PluginError, match=r"return an instance: Tiny\(\)"):
        Catalog(Host([path])).backbone("tiny")


def test_a_dataset_without_classes_is_refused(plugin_file, toy):
    path = plugin_file(toy.read_text().replace('classes = ("many", "few")', ""), "classless.py")
    with pytest.raises(PluginError, match="class Lone is a dataset without 'classes'"):
        Catalog(Host([path])).dataset("lone")


# ---- names ---------------------------------------------------------------------------------------------------


def test_misspelt_names_come_back_with_the_nearest_one(resources):
    catalog = resources.catalog
    with pytest.raises(UnknownNameError, match=r"unknown strategy 'lienar-probe'. Did you mean 'linear-probe'?"):
        catalog.strategy("lienar-probe")
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'blosb'. Did you mean 'blobs'?"):
        catalog.dataset("blosb")
    with pytest.raises(UnknownNameError, match=r"unknown backbone 'tiny.korners'. Did you mean 'tiny.corners'?"):
        catalog.backbone("tiny.korners")
    with pytest.raises(UnknownNameError, match=r"unknown suite 'quik'. Did you mean 'quick'?"):
        catalog.suite("quik")


def test_misplaced_locations_are_refused(resources):
    with pytest.raises(ParameterError, match="a strategy takes no @FILE"):
        resources.catalog.strategy("finetune@weights.safetensors")
    with pytest.raises(ParameterError, match="a dataset takes no @FILE"):
        resources.catalog.dataset("blobs@file")
    with pytest.raises(ParameterError, match="dataset 'blobs' takes no path"):
        resources.catalog.dataset("blobs:somewhere")


def test_a_backbone_takes_weights_from_a_file_where_it_has_the_field(resources, toy):
    backbone, _ = resources.catalog.backbone(f"tiny@{toy.with_name('tiny.safetensors')}")
    assert backbone.weights == toy.with_name("tiny.safetensors")
    assert backbone.name == "tiny"


# ---- hooks ---------------------------------------------------------------------------------------------------


def test_every_hook_is_used_by_one_of_our_own_plugins_or_by_what_follows_a_run_for_trackers():
    hooks = {name for name in vars(hookspecs) if name.startswith("tlbench_")}
    host = Host()
    host.manager.register(Tracking(None, None, False, print), name="tracking")
    unused = {name for name in hooks if not getattr(host.manager.hook, name).get_hookimpls()}
    assert len(hooks) >= 12
    assert unused == set()


def test_every_hook_has_a_test():
    texts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    untested = {
        name for name in vars(hookspecs) if name.startswith("tlbench_") and not re.search(rf"\b{name}\b", texts)
    }
    assert untested == set()


def test_plugins_offer_metrics_suites_and_reporters_of_their_own(plugin_file):
    path = plugin_file(
        "from tlbench import Block, Metric, Reporter, Suite, hookimpl\n"
        "@hookimpl\ndef tlbench_metrics():\n    return [Metric('always-one', lambda logits, labels: 1.0)]\n"
        "@hookimpl\ndef tlbench_suites():\n"
        "    return [Suite('mine', (Block(('scratch',), ('a',), ('d',), ('full',)),))]\n"
        "@hookimpl\ndef tlbench_reporters():\n    return [Reporter('silence', lambda results, folder: [])]\n"
    )
    catalog = Catalog(Host([path]))
    assert "always-one" in [metric.name for metric in catalog.metric_list()]
    assert "silence" in [reporter.name for reporter in catalog.reporter_list()]
    assert catalog.suite("mine").replicates == 5


@pytest.mark.parametrize("kind", ["metrics", "suites", "reporters"])
def test_a_thing_of_another_kind_is_refused(kind, plugin_file):
    path = plugin_file(f"from tlbench import hookimpl\n@hookimpl\ndef tlbench_{kind}():\n    return [3]\n")
    with pytest.raises(PluginError, match="cannot be used: 3 is not a tlbench"):
        getattr(Catalog(Host([path])), kind)


def test_observers_are_told_of_a_run_in_order(plugin_file, suite, toy, run_suite, resources):
    from tlbench.data import Resources

    observer = plugin_file(
        "from tlbench import hookimpl\nheard = []\n"
        "@hookimpl\ndef tlbench_run_started(plan):\n    heard.append(('run', len(plan.cells)))\n"
        "@hookimpl\ndef tlbench_cell_started(cell, position, total):\n    heard.append(('started', position, total))\n"
        "@hookimpl\ndef tlbench_cell_finished(cell, record):\n    heard.append(('finished', record.cell == cell.id))\n"
        "@hookimpl\ndef tlbench_run_finished(results_dir):\n    heard.append(('over', results_dir.name))\n"
    )
    host = Host([toy, observer])
    run_suite(suite(), Resources(Catalog(host), resources.cache))
    heard = host.manager.get_plugin(f"file:{observer}").heard
    one = [("started", 1, 2), ("finished", True)]
    assert heard == [("run", 2), *one, ("started", 2, 2), ("finished", True), ("over", "out")]


def test_a_dataset_whose_labels_do_not_fit_its_classes_is_refused(plugin_file, toy, resources):
    from tlbench.data import Resources

    path = plugin_file(toy.read_text().replace("[0] * 12 + [1] * 3", "[0] * 12 + [2] * 3"), "misfit.py")
    misfit = Resources(Catalog(Host([path])), resources.cache)
    with pytest.raises(DataError, match="labels run from 0 to 2, but there are 2 classes"):
        misfit.dataset("lone").labels("all", "train")


# ---- TLBENCH_TRACE -------------------------------------------------------------------------------------------


TRACED = """
from tlbench import Metric, hookimpl

@hookimpl
def tlbench_metrics():
    return [Metric("always-one", lambda logits, labels: 1.0)]

@hookimpl
def tlbench_cell_finished(cell, record):
    pass
"""


def test_a_trace_names_hook_plugin_arguments_result_and_duration(
    plugin_file, suite, toy, run_suite, resources, monkeypatch, capsys
):
    from tlbench.data import Resources

    monkeypatch.setenv("TLBENCH_TRACE", "1")
    path = plugin_file(TRACED, "traced.py")
    host = Host([toy, path])
    run_suite(suite(replicates=1), Resources(Catalog(host), resources.cache))
    lines = capsys.readouterr().err.splitlines()
    source = re.escape(f"file:{path}")
    asked = rf"trace: tlbench_metrics\(\) of {source} -> 1: Metric always-one, [\d.]+ ms"
    assert any(re.fullmatch(asked, line) for line in lines)
    told = rf"trace: tlbench_cell_finished\(cell=Cell \w+, record=Record \w+\) of {source} -> None, [\d.]+ ms"
    assert any(re.fullmatch(told, line) for line in lines)


def test_calls_inside_a_call_are_indented_and_errors_are_told(capsys):
    from tlbench.host import hookimpl
    from tlbench.host.trace import TracedManager

    manager = TracedManager("tlbench")
    manager.add_hookspecs(hookspecs)

    class Outer:
        @hookimpl
        def tlbench_environment(self):
            manager.hook.tlbench_run_finished(results_dir=Path("out"))

    class Inner:
        @hookimpl
        def tlbench_run_finished(self, results_dir):
            raise ValueError("no room")

    manager.register(Outer(), name="outer")
    manager.register(Inner(), name="inner")
    with pytest.raises(ValueError, match="no room"):
        manager.hook.tlbench_environment()
    lines = [re.sub(r"[\d.]+ ms", "T", line) for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "trace: tlbench_environment() of outer ...",
        "trace:   tlbench_run_finished(results_dir=out) of inner -> raised ValueError: no room, T",
        "trace: ... -> raised ValueError: no room, T",
    ]


@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_being_asked_for_there_is_no_trace(value, monkeypatch):
    import pluggy

    monkeypatch.delenv("TLBENCH_TRACE", raising=False)
    if value is not None:
        monkeypatch.setenv("TLBENCH_TRACE", value)
    assert type(Host().manager) is pluggy.PluginManager
