"""The command line. Commands import what they need when they run: `tlbench --help` waits for nothing heavy."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tlbench import __version__
from tlbench.errors import TlbenchError
from tlbench.names import plural, unknown

if TYPE_CHECKING:
    from tlbench.host import Catalog, Host
    from tlbench.plan import Plan
    from tlbench.suite import Suite


class PluginGroup(click.Group):
    """A group that lets plugins add commands, and turns a user's slip into one line and exit code 2."""

    _asked_plugins = False

    def _ask_plugins(self) -> None:
        if not self._asked_plugins:
            self._asked_plugins = True
            from tlbench.host import Host

            Host().manager.hook.tlbench_add_commands(cli=self)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of all commands, those of plugins among them."""
        self._ask_plugins()
        return super().list_commands(context)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command; plugins are asked only for what the core does not have."""
        if name not in self.commands:
            self._ask_plugins()
        return super().get_command(context, name)

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one was probably meant."""
        if self.get_command(context, args[0]) is None and not args[0].startswith("-"):
            raise unknown("command", args[0], self.list_commands(context))
        return super().resolve_command(context, args)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command; what a user can mend costs one line and exit code 2, Ctrl-C one line and 130."""
        try:
            code = super().main(*args, standalone_mode=False, **extra)  # type: ignore[call-overload]
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message())
            sys.exit(2)
        except click.ClickException as error:
            _fail(error.format_message(), error.exit_code)
        except TlbenchError as error:
            _fail(str(error), 2)
        except (KeyboardInterrupt, click.Abort):
            _fail("interrupted.", 130)
        except BrokenPipeError:  # the reader of our output has left: so do we
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


def _fail(text: str, code: int) -> NoReturn:
    click.echo(f"tlbench: {' '.join(text.split())}", err=True)
    sys.exit(code)


@click.group(cls=PluginGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tlbench")
def main() -> None:
    """Compare ways of transfer learning on your own data.

    Without a GPU, a download or a choice to make, start with:  tlbench run
    """


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
        click.option("--budget", "budgets", multiple=True, metavar="N", help="0, 5-shot, 10%, 1000 or full."),
        click.option("--replicates", type=click.IntRange(1), metavar="N", help="Repetitions of each cell."),
        click.option("--seed", type=click.IntRange(0), metavar="N", help="The root of all seeds."),
        click.option("--validation", type=click.FloatRange(0, 1, max_open=True), metavar="SHARE",
                     help="Share of the label budget kept to select on."),
        click.option("--suite", default=None, metavar="NAME|FILE", help="A suite or a TOML file.  [default: quick]"),
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


@main.command()
@selection_options
@click.option("--retry-failed", is_flag=True, help="Run cells again whose record is a failure.")
def run(retry_failed: bool, **options: Any) -> None:
    """Run a suite, or what its output folder lacks of it, and report.

    \b
    tlbench run
    tlbench run -d folder:photos -b mobilenetv3_small_100.lamb_in1k --budget 5-shot
    """
    from rich.console import Console

    from tlbench.api import execute_plan
    from tlbench.progress import ProgressObserver
    from tlbench.reporting import write_reports
    from tlbench.results import Results

    _, plan, resources, store, where = _prepare(options)
    log = Console(stderr=True)
    observer = ProgressObserver(log)
    resources.catalog.host.manager.register(observer, name="progress")
    try:
        ran = execute_plan(plan, resources, store, where, retry_failed=retry_failed, say=_say)
    except KeyboardInterrupt:
        observer.stop()
        kept = sum(store.has(cell.id) for cell in plan.cells)
        _say(f"interrupted; {kept} of {len(plan.cells)} cells are stored. The same command goes on from there.")
        os._exit(130)  # worker processes and reader threads have nothing left to say
    _say(f"{plural(ran, 'cell')} run, {len(plan.cells) - ran} of {len(plan.cells)} found in {store.folder}")
    results = Results(store.folder)
    write_reports(results, resources.catalog, anew=False)
    if any(not record.ok for record in results.records):
        sys.exit(1)


def _say(text: str) -> None:
    click.echo(text, err=True)


def _prepare(options: dict[str, Any]) -> Any:
    """Resolve everything that a run or a plan needs, before anything is written or run."""
    from tlbench.api import default_jobs, default_output
    from tlbench.cache import Cache
    from tlbench.determinism import configure, resolve_device
    from tlbench.executor import Where
    from tlbench.plan import make_plan
    from tlbench.resources import Resources
    from tlbench.store import Store

    host, catalog = open_catalog(options["plugins"])
    device = resolve_device(options["device"])
    suite = _chosen_suite(options, catalog)
    threads = options["threads"]
    jobs = options["jobs"] or default_jobs(device.type, threads)
    configure(threads)
    resources = Resources(catalog, Cache())
    plan = make_plan(suite, resources)
    tell_broken(host)
    for line in (*plan.findings, *plan.warnings):
        _say(f"note: {line}")
    store = Store(options["out"] or default_output(suite), create=True)
    return suite, plan, resources, store, Where(options["device"], jobs, threads)


def open_catalog(plugins: tuple[str, ...] = ()) -> "tuple[Host, Catalog]":
    """Load all plugins and say which are broken."""
    from tlbench.host import Catalog, Host

    host = Host(plugins)
    tell_broken(host)
    return host, Catalog(host)


def tell_broken(host: "Host") -> None:
    """Say which plugins turned out to be broken since the last call."""
    for broken in host.unheard():
        _say(f"note: {broken} (`tlbench doctor` shows more)")


def _chosen_suite(options: dict[str, Any], catalog: "Catalog") -> "Suite":
    from dataclasses import replace

    from tlbench.api import DEFAULT_SUITE, find_suite
    from tlbench.cell import Protocol

    suite = find_suite(options["suite"] or DEFAULT_SUITE, catalog)
    suite = suite.narrowed(
        tuple(options["strategies"]), tuple(options["backbones"]), tuple(options["datasets"]), tuple(options["budgets"])
    )
    changes: dict[str, Any] = {key: options[key] for key in ("replicates", "seed") if options[key] is not None}
    if options["validation"] is not None:
        changes["protocol"] = Protocol(validation=options["validation"])
    return replace(suite, **changes) if changes else suite


@main.command()
@selection_options
@click.option("--cells", is_flag=True, help="Print every cell.")
def plan(cells: bool, **options: Any) -> None:
    """Show what a run would do, without doing it: cells, skips with reasons, an estimate of the cost.

    \b
    tlbench plan --suite my-suite.toml
    """
    from tlbench.api import default_jobs, default_output
    from tlbench.determinism import configure, resolve_device
    from tlbench.estimate import estimate
    from tlbench.plan import make_plan
    from tlbench.resources import Resources
    from tlbench.store import MARKER, Store

    from tlbench.cache import Cache  # isort: skip

    host, catalog = open_catalog(options["plugins"])
    device = resolve_device(options["device"])
    configure(options["threads"])
    suite = _chosen_suite(options, catalog)
    resources = Resources(catalog, Cache())
    made = make_plan(suite, resources)
    tell_broken(host)
    folder = options["out"] or default_output(suite)
    store = Store(folder) if (folder / MARKER).exists() else None
    stored = store.cells() if store else set()
    waiting = [cell for cell in made.cells if cell.id not in stored]
    jobs = options["jobs"] or default_jobs(device.type, options["threads"])
    _print_plan(made, cells, len(made.cells) - len(waiting), folder)
    if waiting:
        from tlbench.progress import seconds_in_words

        judged = estimate(waiting, resources, store, device)
        click.echo(
            f"Estimate: about {seconds_in_words(judged.seconds / jobs)} on {plural(jobs, 'worker')} "
            f"({judged.from_records} of {plural(judged.cells, 'cell')} judged by stored records, the rest by one "
            f"timed training step)."
        )


def _print_plan(plan: "Plan", cells: bool, stored: int, folder: Path) -> None:
    click.echo(f"Suite {plan.suite.name}: {plural(len(plan.cells), 'cell')}, {stored} of them stored in {folder}.")
    counts: dict[tuple[str, str, str], int] = {}
    for cell in plan.cells:
        labels = cell.labels
        from_source = f" from {labels['source']}" if labels["source"] else ""
        key = (f"{labels['transfer']}{from_source}", str(labels["backbone"]), str(labels["strategy"]))
        counts[key] = counts.get(key, 0) + 1
        if cells:
            click.echo(f"  {cell.id}  {' | '.join(key)} | {cell.budget} | replicate {cell.replicate}")
    if not cells:
        for key, count in counts.items():
            click.echo(f"  {' | '.join(key)}: {count}")
    if plan.skips:
        click.echo(f"Skipped: {plural(sum(skip.cells for skip in plan.skips), 'cell')}.")
    for skip in plan.skips:
        click.echo(f"  {skip.transfer} | {skip.backbone} | {skip.strategy} | {skip.budget}: {skip.reason}")
    for line in (*plan.findings, *plan.warnings):
        click.echo(f"Note: {line}")


@main.command("list")
@click.argument("kind", required=False)
@click.option("--all", "everything", is_flag=True, help="Name the members of families too (all of timm).")
@plugin_option
def list_(kind: str | None, everything: bool, plugins: tuple[str, ...]) -> None:
    """List what is installed: strategies, backbones, datasets, metrics, suites, reporters.

    \b
    tlbench list strategies
    """
    from tlbench.listing import KINDS, listed

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
    from tlbench.listing import KINDS, SINGULAR, shown

    kinds = {name: each for each in KINDS for name in (each, SINGULAR[each])}
    if kind not in kinds:
        raise unknown("kind", kind, SINGULAR.values())
    _, catalog = open_catalog(plugins)
    for line in shown(kinds[kind], name, catalog):
        click.echo(line)


@main.command()
@click.argument("backbone", required=False)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="The safetensors file to write.")
@click.option("--device", default="cpu", show_default=True, metavar="NAME")
@plugin_option
def pretrain(backbone: str | None, out: Path | None, device: str, plugins: tuple[str, ...]) -> None:
    """Pretrain a backbone that ships with a recipe, and write its weights and their card.

    \b
    tlbench pretrain test_resnet.glyphs --out glyphs.safetensors
    """
    from tlbench.backbone import Backbone
    from tlbench.cache import Cache
    from tlbench.determinism import resolve_device
    from tlbench.resources import Resources
    from tlbench.upstream import pretrain as pretrain_upstream
    from tlbench.upstream import read_recipe

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
        f"tlbench pretrain {backbone}", _say,
    )  # fmt: skip
    click.echo(str(target))


@main.command()
@click.argument("action", type=click.Choice(["show", "clear"]), default="show")
def cache(action: str) -> None:
    """Show or clear the cache of encoded data, features and prepared networks. It only ever costs time.

    \b
    tlbench cache clear
    """
    from tlbench.cache import Cache

    opened = Cache()
    if action == "clear":
        opened.clear()
    for kind, (files, size) in opened.sizes().items():
        click.echo(f"{kind}: {plural(files, 'file')}, {size / 2**20:.1f} MiB")
    click.echo(str(opened.folder))


@main.command()
@plugin_option
def doctor(plugins: tuple[str, ...]) -> None:
    """Show versions, devices, whether a hub can be reached, and which plugins are broken and why.

    \b
    tlbench doctor
    """
    from tlbench.doctor import examination

    for line in examination(plugins):
        click.echo(line)
