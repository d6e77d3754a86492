"""Define the commands. Each imports what it needs when it runs: `tlbench --help` waits for nothing heavy."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from tlbench import __version__
from tlbench.cli.command_group import PluginGroup
from tlbench.cli.options import (
    STARTING,
    columns,
    open_catalog,
    plugin_option,
    resolve,
    say,
    selection_options,
    tell_broken,
)
from tlbench.cli.plan_text import long_run, once_in_words, print_plan
from tlbench.errors import TlbenchError
from tlbench.names import plural, unknown


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tlbench")
def main() -> None:
    """Compare ways of transfer learning on your own data.

    Without a GPU, a download or a choice to make, start with:  tlbench run
    """


@main.command()
@selection_options
@click.option("--retry-failed", is_flag=True, help="Run cells again whose record is a failure.")
@click.option("--track", multiple=True, metavar="NAME:PLACE", help="Tell a tracker, as tensorboard:FOLDER.")
@click.option("--verbose", is_flag=True, help="Tell of every cell, and end with all tables.")
def run(retry_failed: bool, track: tuple[str, ...], verbose: bool, **options: Any) -> None:
    """Run a suite, or what its output folder lacks of it, and report.

    \b
    tlbench run
    tlbench run -d folder:photos -b efficientnet_lite0.imagenet --budget 5-shot
    """
    from tlbench.running import hearing, showing

    with showing(STARTING, verbose=verbose) as watch, hearing() as heard:
        from tlbench.contract import SplitFinding  # what loads torch is loaded while something is shown
        from tlbench.progress import phase
        from tlbench.results import Results, Store, write_reports
        from tlbench.running import execute_plan, follow, open_trackers

        chosen = resolve(options)
        plan, catalog = chosen.plan, chosen.resources.catalog
        trackers = open_trackers(track, plan, catalog)
        for line in (*plan.findings, *plan.warnings):
            if not isinstance(line, SplitFinding):  # copies are told once they are counted, when all images are read
                watch.say(f"note: {line}")
        store = Store(chosen.folder, create=True)
        store.enter_round(chosen.round)
        follow(trackers, catalog.host.manager, store, retry_failed, watch.say)
        if said := long_run(chosen, store):
            watch.say(said)
        try:
            ran = execute_plan(
                plan, chosen.resources, store, chosen.where, retry_failed=retry_failed, say=watch.say, watch=watch
            )
        except KeyboardInterrupt:
            watch.stop()
            kept = sum(store.has(cell.id) for cell in plan.cells)
            say(f"interrupted; {kept} of {len(plan.cells)} cells are stored. The same command goes on from there.")
            os._exit(130)  # worker processes and reader threads have nothing left to say
        watch.say(f"{plural(ran, 'cell')} run, {len(plan.cells) - ran} of {len(plan.cells)} found in {store.folder}")
        with phase("writing reports"):
            results = Results(store.folder, catalog=catalog)
            lines: list[str] = []
            write_reports(results, catalog, anew=False, say=lines.append, width=0 if verbose else columns())
    store.write_warnings(heard)
    for line in lines:
        click.echo(line)
    if any(not record.ok for record in results.records):
        sys.exit(1)


@main.command()
@selection_options
@click.option("--cells", is_flag=True, help="Print every cell.")
def plan(cells: bool, **options: Any) -> None:
    """Show what a run would do, without doing it: cells, skips with reasons, an estimate of the cost.

    \b
    tlbench plan --suite my-suite.toml
    """
    from tlbench.running import seconds_in_words, showing

    with showing(STARTING):
        from tlbench.learning import resolve_device  # what loads torch is loaded while something is shown
        from tlbench.results import MARKER, Store
        from tlbench.running import estimate, with_copies_of_test_inputs

        chosen = resolve(options)
    plan, _ = with_copies_of_test_inputs(chosen.plan, chosen.resources, search=False)
    store = Store(chosen.folder) if (chosen.folder / MARKER).exists() else None
    stored = store.cells() if store else set()
    waiting = [cell for cell in chosen.plan.cells if cell.id not in stored]
    print_plan(plan, cells, len(plan.cells) - len(waiting), chosen.folder)
    if waiting:
        judged = estimate(waiting, chosen.resources, store, resolve_device(chosen.where.device))
        jobs = chosen.where.jobs
        click.echo(
            f"Estimate: about {seconds_in_words(judged.on(jobs))} on {plural(jobs, 'worker')}"
            f"{once_in_words(judged.once)} ({judged.from_records} of {plural(judged.cells, 'cell')} judged by stored "
            f"records, the rest by one timed training step)."
        )


@main.command("list")
@click.argument("kind", required=False)
@click.option("--all", "everything", is_flag=True, help="Name the members of families too (all of timm).")
@plugin_option
def list_(kind: str | None, everything: bool, plugins: tuple[str, ...]) -> None:
    """List what is installed: strategies, backbones, datasets, metrics, suites, reporters, trackers.

    \b
    tlbench list strategies
    """
    from tlbench.cli.listing import KINDS, listed

    if kind is not None and kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    host, catalog = open_catalog(plugins)
    for position, each in enumerate([kind] if kind else KINDS):
        if not kind:
            click.echo(("\n" if position else "") + each)
        for line in listed(each, catalog, everything):
            click.echo(("  " if not kind else "") + line)
    tell_broken(host)


@main.command()
@click.argument("kind")
@click.argument("name")
@plugin_option
def show(kind: str, name: str, plugins: tuple[str, ...]) -> None:
    """Show one thing: parameters, defaults, citation, origin. KIND is strategy, backbone, dataset ...

    \b
    tlbench show strategy finetune
    """
    from tlbench.cli.listing import KINDS, SINGULAR, shown

    kinds = {name: each for each in KINDS for name in (each, SINGULAR[each])}
    if kind not in kinds:
        raise unknown("kind", kind, SINGULAR.values())
    _, catalog = open_catalog(plugins)
    for line in shown(kinds[kind], name, catalog):
        click.echo(line)


@main.command()
@click.argument("backbone", required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The safetensors file to write.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:1 or mps.")
@plugin_option
def pretrain(backbone: str | None, out: Path | None, device: str, plugins: tuple[str, ...]) -> None:
    """Pretrain a backbone that ships with a recipe, and write its weights and their card.

    \b
    tlbench pretrain test_resnet.glyphs --out glyphs.safetensors
    """
    from tlbench.contract import Backbone
    from tlbench.data import Cache, Resources
    from tlbench.learning import resolve_device
    from tlbench.running import pretrain as pretrain_upstream
    from tlbench.running import read_recipe

    _, catalog = open_catalog(plugins)
    with_recipe = {
        name: offer.thing
        for name, offer in catalog.backbones.items()
        if isinstance(offer.thing, Backbone) and offer.thing.recipe is not None
    }
    if backbone is None:
        click.echo("Backbones with a recipe: " + (", ".join(with_recipe) or "none"))
        return
    if backbone not in with_recipe:
        raise unknown("backbone with a recipe", backbone, with_recipe)
    target = out or Path(f"{backbone}.safetensors")
    if not target.parent.is_dir() or target.is_dir() or not os.access(target.parent, os.W_OK):
        raise TlbenchError(f"cannot write {target}: {target.parent} must be a folder that you may write to.")
    resources = Resources(catalog, Cache())
    upstream = read_recipe(Path(str(with_recipe[backbone].recipe)))
    pretrain_upstream(
        resources.backbone(backbone), upstream, resources, resolve_device(device), target,
        f"tlbench pretrain {backbone}", say,
    )  # fmt: skip
    click.echo(str(target))


@main.command()
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
def cache(action: str) -> None:
    """Show or clear the cache of encoded data, features and prepared networks. It only ever costs time.

    \b
    tlbench cache clear
    """
    from tlbench.data import Cache

    opened = Cache()
    if action == "clear":
        opened.clear()
    for kind, (files, size) in opened.sizes().items():
        click.echo(f"{kind}: {plural(files, 'file')}, {size / 2**20:.1f} MiB")
    click.echo(str(opened.folder))


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--badge", is_flag=True, help="Print a line of Markdown for a README when every rule is kept.")
@plugin_option
def check(names: tuple[str, ...], badge: bool, plugins: tuple[str, ...]) -> None:
    """Hold plugins to the rules of the conformance kit. NAME is as -s, -b or -d takes it, or a metric's or reporter's.

    \b
    tlbench check linear-probe
    tlbench check -p my_plugin.py my-strategy --badge
    """
    import shutil

    from tlbench.cli.check import badge as badge_line
    from tlbench.cli.check import candidates, summed_up, written
    from tlbench.data import Cache, Resources

    host, catalog = open_catalog(plugins)
    resources = Resources(catalog, Cache())
    found = [candidate for name in names for candidate in candidates(name, resources)]
    tell_broken(host)
    width, kept, broken = shutil.get_terminal_size().columns, 0, 0
    for candidate in found:
        click.echo(candidate.title, err=badge)
        verdicts, told = [], set[str]()
        for verdict in candidate.verdicts():
            verdicts.append(verdict)
            click.echo(written(verdict, width, told), err=badge)
        click.echo(f"{summed_up(candidate, verdicts)}\n", err=badge)
        kept += sum(not verdict.fault for verdict in verdicts)
        broken += sum(bool(verdict.fault) for verdict in verdicts)
    if broken:
        sys.exit(1)
    if badge:
        click.echo(badge_line(kept))


@main.command()
@plugin_option
def doctor(plugins: tuple[str, ...]) -> None:
    """Show versions, devices, whether a hub can be reached, and which plugins are broken and why.

    \b
    tlbench doctor
    """
    from tlbench.cli.doctor import examination

    for line in examination(plugins):
        click.echo(line)
