"""Runs what a document shows, block by block in one folder, as a reader would who follows it from top to bottom.

Commands of tlbench run in this process, through the very commands of the command line. They are made cheap from
outside: training stops after two steps, a suite has one replicate and a cell three episodes at most, of a large plan a
few cells are run, a cell that one document has run is not run again for another, and the first chart and page stand for
all. Names, files, options, plans, records and tables are those of a real run.
"""

import importlib
import inspect
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from click.testing import CliRunner
from documents import ROOT, command_lines, simple_commands

from tlbench.cli import main
from tlbench.host import FILES_VARIABLE, Catalog, Host

STEPS, REPLICATES, EPISODES, CELLS = 2, 1, 2, 3
KINDS = ("strategies", "backbones", "datasets", "metrics", "suites", "reporters")
_at_length = []  # not empty while conformance is tested, which trains in earnest


def make_cheap(patch, kept=None):
    """Make runs short; outcomes of cells go into `kept` by their identity, and are taken from there."""
    import tlbench.learning.workbench
    import tlbench.planning
    import tlbench.running.workers
    import tlbench.testing.small_run  # before anything is patched: what checks plugins plans as it always does
    import tlbench_reports.charts
    import tlbench_reports.figures
    import tlbench_reports.page

    # Modules that share their name with a function which their wing shows.
    run, cell_run = (importlib.import_module(f"tlbench.running.{name}") for name in ("run", "run_cell"))
    render, pictures = tlbench_reports.charts.render, {}
    lay_out, pages = tlbench_reports.page.page, []
    train, plan, draw = tlbench.learning.workbench.train, tlbench.planning.make_plan, cell_run.draw_tasks
    run_cell, run_cells = tlbench.running.workers.run_cell, run.run_cells

    def short_train(*arguments, **options):
        given = inspect.signature(train).bind(*arguments, **options).arguments
        if not _at_length:
            given["recipe"] = given["recipe"].but(steps=min(given["recipe"].steps or STEPS, STEPS))
        return train(**given)

    def small_plan(suite, resources):
        planned = plan(replace(suite, replicates=min(suite.replicates, REPLICATES)), resources)
        if len(planned.cells) > CELLS:
            alone = [cell for cell in planned.cells if not cell.members]
            planned = replace(planned, cells=tuple(alone[:: -(-len(alone) // CELLS)]))
        return planned

    def few_episodes(*arguments):
        return islice(draw(*arguments), EPISODES)

    def run_once(cell, resources, *arguments):
        known = (cell.id, *sorted(metric.name for metric in resources.catalog.metric_list()))
        if known not in kept:
            kept[known] = run_cell(cell, resources, *arguments)
        return kept[known]

    def run_here(cells, resources, store, where):
        return run_cells(cells, resources, store, replace(where, jobs=1))

    def drawn_once(chart, *file_formats, standalone=True):
        for file_format in file_formats:
            if (file_format, standalone) not in pictures:
                [pictures[file_format, standalone]] = render(chart, file_format, standalone=standalone)
        return [pictures[file_format, standalone] for file_format in file_formats]

    def laid_out_once(results):
        if not pages:
            pages.append(lay_out(results))
        return pages[0]

    patch.setattr(tlbench_reports.page, "page", laid_out_once)
    patch.setattr(tlbench_reports.charts, "render", drawn_once)
    patch.setattr(tlbench_reports.figures, "render", drawn_once)
    patch.setattr(tlbench.learning.workbench, "train", short_train)
    patch.setattr(cell_run, "draw_tasks", few_episodes)
    patch.setattr(tlbench.planning, "make_plan", small_plan)
    patch.setattr(run, "make_plan", small_plan)
    if kept is not None:
        patch.setattr(tlbench.running.workers, "run_cell", run_once)
    patch.setattr(run, "run_cells", run_here)


class Rehearsal:
    """A reader in a folder of their own, who has done what stood above."""

    def __init__(self, folder, patch, elsewhere):
        self.folder, self.patch, self.elsewhere = folder, patch, elsewhere
        self.met = set()  # lines that run elsewhere
        self.printed = ""  # by the last block of Python
        self.plugins, self.used = {}, set()  # plugin files by where they are shown; those that a command has loaded
        patch.chdir(folder)
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setattr(main, "_asked_plugins", False)

    def follow(self, block):
        """Do what a block shows."""
        {"sh": self._shell, "python": self._python, "toml": self._toml, "ini": self._ini, "text": self._text}[
            block.language
        ](block)

    # ---- files ------------------------------------------------------------------------------------------------

    def _write(self, block, default):
        path = Path.cwd() / (block.file or default)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
        return path

    def _python(self, block):
        path = self._write(block, f"shown_{block.line}.py")
        compile(block.text, str(path), "exec")
        if "Conformance" in block.text:
            self._pytest([str(path)], block.place)
        elif "@hookimpl" in block.text:
            self._load(path)
            self.plugins[path.name] = block.place
        else:
            with redirect_stdout(StringIO()) as printed:
                runpy.run_path(str(path), run_name="__main__")
            self.printed = printed.getvalue()

    def _load(self, path):
        host = Host(files=[path])
        catalog = Catalog(host)
        for kind in KINDS:
            getattr(catalog, kind)  # asks the hook; a fault in a file is raised
        host.environment()
        assert str(path) in {origin.source for origin in host.origins.values()}

    def _toml(self, block):
        from tlbench.contract import load_suite
        from tlbench.data import Cache, Resources
        from tlbench.planning import make_plan

        path = self._write(block, f"shown_{block.line}.toml")
        keys = tomllib.loads(block.text).keys()
        if keys & {"block", "strategies", "datasets"}:
            plan = make_plan(load_suite(path), Resources(Catalog(Host()), Cache()))
            assert plan.cells, f"{block.place} plans nothing"
        else:
            assert block.file, f"{block.place}: no suite, and no file is named that it would be"

    def _ini(self, block):
        shown = tomllib.loads(block.text)
        real = tomllib.loads((ROOT / "plugins/example-plugin/pyproject.toml").read_text())
        for table, values in shown.items():
            for key, value in values.items():
                part = real[table][key]
                assert value == part or value.items() <= part.items(), f"{block.place}: {table}.{key}"

    def _text(self, block):
        """Compare what a document says that the Python before it prints; other output is of other runs."""
        if block.before.endswith("prints:"):
            assert block.text == self.printed, f"{block.place}: it prints\n{self.printed}"

    # ---- commands ---------------------------------------------------------------------------------------------

    def _shell(self, block):
        for number, line in command_lines(block):
            place = f"{block.place.rpartition(':')[0]}:{number}: {line}"
            if line in self.elsewhere:
                self.met.add(line)
                continue
            for command in simple_commands(line):
                if command in self.elsewhere:
                    self.met.add(command)
                else:
                    self._run(command, place)

    def _run(self, command, place):
        settings, words = {}, shlex.split(command)
        while words and re.fullmatch(r"[A-Z_]+=\S*", words[0]):
            name, _, value = words.pop(0).partition("=")
            settings[name] = value
        match words:
            case ["cd", folder]:
                self.patch.chdir(folder)
            case ["export", setting]:
                self.patch.setenv(*setting.split("=", 1))
            case ["pip", "install", *options, source] if (
                set(options) <= {"-e"} and (Path(source) / "pyproject.toml").is_file()
            ):
                self._install(Path(source).resolve())
            case ["pytest", *arguments] if "|" not in arguments:
                self._pytest(arguments, place)
            case ["tlbench", *arguments]:
                with pytest.MonkeyPatch.context() as own:
                    for name, value in settings.items():
                        own.setenv(name, value)
                    self._tlbench(arguments, command, place)
            case _:
                self._bash(command, "", place)

    def _tlbench(self, arguments, command, place):
        following = ""
        for sign in ("|", ">"):
            if sign in arguments:
                arguments = arguments[: arguments.index(sign)]
                following = f"cat {sign} {command.partition(f' {sign} ')[2]}"
                break
        given = zip(arguments, arguments[1:], strict=False)  # noqa: RUF007
        self.used |= {Path(value).name for flag, value in given if flag in ("-p", "--plugin")}
        self.used |= {Path(value).name for value in os.environ.get(FILES_VARIABLE, "").split(os.pathsep)}
        _at_length.extend(["check"] if arguments[0] == "check" else [])
        result = CliRunner().invoke(main, arguments)
        _at_length.clear()
        if result.exit_code:
            raise AssertionError(
                f"{place}\nended with exit code {result.exit_code}:\n{result.output}"
            ) from result.exception
        assert result.output, f"{place}\nsays nothing"
        if arguments[0] == "run":
            assert not re.search(r"^0 cells? run, 0 of 0", result.stderr, re.MULTILINE), f"{place}\nplans nothing"
        if following:
            self._bash(following, result.stdout, place)

    def _bash(self, command, text, place):
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        variables = os.environ | {"PATH": path, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], input=text, capture_output=True, text=True, env=variables,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{place}\nended with exit code {done.returncode}:\n{done.stdout}{done.stderr}"

    def _pytest(self, arguments, place):
        """Run tests of the document within this process, and forget their modules."""
        before = set(sys.modules)
        _at_length.append(place)
        code = pytest.main([*arguments, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={Path.cwd()}"])
        _at_length.clear()
        for name in set(sys.modules) - before:
            if self._is_shown(sys.modules[name]):
                del sys.modules[name]
        assert code == 0, f"{place}\npytest ends with {code!r}"

    def _is_shown(self, module):
        file = getattr(module, "__file__", None)
        return bool(file) and Path(file).resolve().is_relative_to(self.folder.resolve())

    def _install(self, source):
        """Make a local package known as `pip install` would, for this document: its metadata and its modules."""
        project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        info = self.folder / ".installed" / f"{project['name'].replace('-', '_')}-0.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        needs = "".join(f"Requires-Dist: {need}\n" for need in project.get("dependencies", ()))
        version = project.get("version", "0")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {version}\n{needs}")
        points = project["entry-points"]["tlbench"].items()
        (info / "entry_points.txt").write_text("[tlbench]\n" + "".join(f"{name} = {value}\n" for name, value in points))
        self.patch.setattr(sys, "path", [str(info.parent), str(source), str(source / "src"), *sys.path])
        importlib.invalidate_caches()

    def forget(self):
        """Forget the modules that this document brought along."""
        for name, module in list(sys.modules.items()):
            if self._is_shown(module):
                del sys.modules[name]
