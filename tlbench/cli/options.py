"""Resolve the options that choose cells into a suite, a plan and a store."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tlbench.contract import Plan, Round, Suite
    from tlbench.data import Resources
    from tlbench.host import Catalog, Host
    from tlbench.running import Where


STARTING = "starting"  # what is waited for while torch and plugins are loaded
PROTOCOL_OPTIONS = ("validation", "splits", "episodes", "queries", "unbalanced")


def plugin_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `-p FILE` to a command."""
    return click.option("-p", "--plugin", "plugins", multiple=True, metavar="FILE", help="Load a local plugin file.")(
        command
    )


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what chooses cells to a command."""
    options: list[Callable[..., Any]] = [
        click.option("-s", "--strategy", "strategies", multiple=True, metavar="NAME", help="As 'finetune(lr=1e-3)'."),
        click.option("-b", "--backbone", "backbones", multiple=True, metavar="NAME", help="As resnet18@FILE."),
        click.option(
            "-d", "--dataset", "datasets", multiple=True, metavar="NAME", help="As folder:PATH or 'digits[typed->]'."
        ),
        click.option(
            "--budget", "budgets", multiple=True, metavar="N", help="0, 5-shot, 10%, 1000, full or '5-way 1-shot'."
        ),
        click.option("--replicates", type=click.IntRange(1), metavar="N", help="Repetitions of each cell."),
        click.option("--seed", type=click.IntRange(0), metavar="N", help="The root of all seeds."),
        click.option("--validation", type=click.FloatRange(0, 1, max_open=True), metavar="SHARE",
                     help="Share of the label budget kept to select on."),
        click.option("--selection", multiple=True, metavar="RULE",
                     help="What chooses checkpoints: last, validation, source-validation, entropy ... Repeatable."),
        click.option("--tune", metavar="BUDGET", help="Add tuned rows: 20 (trials each) or 60s (seconds each)."),
        click.option("--metric", metavar="NAME",
                     help="What tables, charts and verdicts go by; runs nothing anew.  [default: accuracy]"),
        click.option("--baseline", metavar="NAME",
                     help="What rows are compared with.  [default: scratch or source-only, else linear-probe]"),
        click.option("--splits", metavar="RULE",
                     help="5-fold, or a file of `tlbench data split`.  [default: the data's own]"),
        click.option("--episodes", type=click.IntRange(2), metavar="N", help="Episodes of a budget as '5-way 1-shot'."),
        click.option("--queries", type=click.IntRange(1), metavar="N", help="Test examples per class of an episode."),
        click.option("--unbalanced", type=click.FloatRange(0), metavar="ALPHA",
                     help="Let queries fall to classes by a Dirichlet(ALPHA); 0 is as many of each."),
        click.option("--suite", default=None, metavar="NAME|FILE", help="A suite or a TOML file.  [default: quick]"),
        click.option("--round", "round_file", type=click.Path(path_type=Path), metavar="FILE",
                     help="Take the root seed that a leaderboard drew, for a suite committed before."),
        click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps."),
        click.option("--jobs", type=click.IntRange(1), metavar="N", help="Worker processes.  [default: one per core]"),
        click.option("--threads", type=click.IntRange(1), default=1, show_default=True, metavar="N",
                     help="Threads in a cell; on a CPU their number changes the last bits."),
        click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="Where results go."),
        plugin_option,
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def say(text: str) -> None:
    """Tell the user something that is no result."""
    click.echo(text, err=True)


def columns() -> int:
    """Return how wide what is printed may be: the terminal, or 80 columns in a pipe."""
    import shutil

    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else int(os.environ.get("COLUMNS") or 80)


@dataclass(frozen=True)
class Chosen:
    """Hold what the options resolve to; nothing is written or run yet."""

    plan: "Plan"
    resources: "Resources"
    folder: Path
    where: "Where"
    round: "Round | None" = None  # with our opening, where the run is for one


def resolve(options: dict[str, Any]) -> Chosen:
    """Resolve the options of a run or a plan."""
    from tlbench.data import Cache, Resources
    from tlbench.learning import configure, resolve_device
    from tlbench.planning import make_plan
    from tlbench.progress import phase, tell
    from tlbench.running import (
        Where,
        default_jobs,
        default_output,
        import_optuna,
        refuse_a_file,
        refuse_inside_data,
        refuse_uncommitted,
    )

    refuse_a_file(options["out"])
    host, catalog = open_catalog(options["plugins"])
    device, threads = resolve_device(options["device"]), options["threads"]
    configure(threads)
    resources = Resources(catalog, Cache())
    suite, choice = _suite(options, resources)
    held = _round(options)
    if held is not None:
        suite = _in_round(suite, held, options["seed"])
    if suite.tune:
        import_optuna()
    tell(STARTING, 1, 1)
    with phase("planning"):
        plan = make_plan(suite, resources)
    tell_broken(host)
    if held is not None:
        refuse_uncommitted(plan, resources, held, held.openings[0])
    where = Where(options["device"], options["jobs"] or default_jobs(device.type, threads), threads)
    folder = refuse_inside_data(options["out"] or default_output(suite, held), plan, resources)
    for sentence in choice:
        say(sentence)
    return Chosen(plan, resources, folder, where, held)


def open_catalog(plugins: tuple[str, ...] = ()) -> "tuple[Host, Catalog]":
    """Load all plugins and say which are broken."""
    from tlbench.host import Catalog, Host

    host = Host(plugins)
    tell_broken(host)
    return host, Catalog(host)


def tell_broken(host: "Host") -> None:
    """Say which plugins turned out to be broken since the last call."""
    for broken in host.unheard():
        say(f"note: {broken} (`tlbench doctor` shows more)")


def _round(options: dict[str, Any]) -> "Round | None":
    """Return the round of `--round` with the opening of the suite; None without one."""
    from dataclasses import replace

    from tlbench.contract import Round, read_kept
    from tlbench.running import DEFAULT_SUITE, read_opening

    if options["round_file"] is None:
        return None
    held = read_kept(Round, options["round_file"])
    held.check()
    return replace(held, openings=(read_opening(options["suite"] or DEFAULT_SUITE),))


def _in_round(suite: "Suite", held: "Round", asked: int | None) -> "Suite":
    """Return a suite with the root seed of a round, which wins over the suite's own."""
    from dataclasses import replace

    from tlbench.errors import ParameterError

    assert held.seed is not None
    if asked is not None and asked != held.seed:
        raise ParameterError(f"--seed {asked} is not the root seed of the round {held.name!r}, {held.seed}. Give one.")
    if suite.seed not in (0, held.seed):
        say(f"note: the round {held.name!r} sets the root seed {held.seed}; the suite's own, {suite.seed}, is not used")
    return replace(suite, seed=held.seed)


def _suited_backbones(datasets: tuple[str, ...], resources: "Resources") -> dict[str, str]:
    """Return backbones that suit the chosen data, each with a sentence that says why; none where none says so.

    Raises WeightsError where these are photographs and no backbone for them is at hand.
    """
    from tlbench.data import look_at, suited_backbone
    from tlbench.errors import WeightsError
    from tlbench.planning import TransferReader

    reader = TransferReader(resources)
    looks = [
        look_at(resources.dataset(transfer.dataset).dataset, transfer.target)
        for text in datasets
        for transfer in reader.read(text)[:1]
    ]
    found: dict[str, str] = {}
    for look in dict.fromkeys(looks):
        suited = suited_backbone(look, resources)
        if not isinstance(suited, str):
            reason = f"since images here are {look.in_words}; {suited.reason} (-b takes another)"
            found.setdefault(suited.spec, f"backbone: {suited.spec}, {reason}")
        elif look.are_photographs:
            raise WeightsError(
                f"no backbone for photographs is at hand: {suited or 'none is installed'}. Get weights of ImageNet as "
                "safetensors and give -b ARCHITECTURE@FILE; a -b that is named is taken as it is."
            )
        else:
            return {}
    return found


def _suite(options: dict[str, Any], resources: "Resources") -> "tuple[Suite, list[str]]":
    """Return the suite that the options choose, and what to say of what was chosen for the user."""
    from dataclasses import replace

    from tlbench.contract import SplitRule, replicates_by
    from tlbench.data import read_split_table
    from tlbench.running import DEFAULT_SUITE, find_suite

    suite = find_suite(options["suite"] or DEFAULT_SUITE, resources.catalog)
    suited: dict[str, str] = {}
    chosen = [tuple(options[key]) for key in ("strategies", "backbones", "datasets", "budgets")]
    shipped = options["suite"] is None or options["suite"] in resources.catalog.suites
    if options["datasets"] and not options["backbones"] and shipped:
        suited = _suited_backbones(options["datasets"], resources)  # the suite's own is for its own data
        chosen[1] = tuple(suited)
    changes: dict[str, Any] = {
        key: options[key] for key in ("replicates", "seed", "metric", "baseline") if options[key] is not None
    }
    rules = {key: options[key] for key in PROTOCOL_OPTIONS if options[key] is not None}
    if "splits" in rules:
        file = SplitRule.parse(rules["splits"]).file
        folds = read_split_table(file).folds if file else 0
        changes.setdefault("replicates", folds or replicates_by(rules["splits"], suite.replicates))
    under = suite.narrowed(*chosen).under(replace(suite.protocol, **rules))
    return replace(under.choosing(tuple(options["selection"]), options["tune"] or ""), **changes), list(suited.values())
