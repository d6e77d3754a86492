"""Every command has help with an example that is right, and so is every command line of the documents."""

import re
import shlex

import click
import pytest
from documents import DOCUMENTS, command_lines, fenced, simple_commands

from tlbench.cli import main
from tlbench.contract import Budget
from tlbench.host import Catalog, Host


def commands(group=main, path=()):
    """Return every command and every subcommand by its words."""
    context = click.Context(group)
    found = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        found[" ".join([*path, name])] = command
        if isinstance(command, click.Group):
            found |= commands(command, (*path, name))
    return found


def examples(command):
    """Return the lines of a help text that are commands."""
    return re.findall(r"^\s*(tlbench .*)$", command.help or "", re.MULTILINE)


def command_line_in_documents():
    """Return a parameter per `tlbench` command of a shell block: its words after `tlbench`."""
    found = {}
    for document in DOCUMENTS:
        for block in fenced(document):
            for _, line in command_lines(block) if block.language == "sh" else ():
                for command in simple_commands(line):
                    words = shlex.split(re.sub(r"^([A-Z_]+=\S* )+", "", command))
                    if words[:1] == ["tlbench"]:
                        cut = next((place for place, word in enumerate(words) if word in ("|", ">")), len(words))
                        found[command] = pytest.param(words[1:cut], id=f"{block.place.rpartition(':')[0]}: {command}")
    return list(found.values())


@pytest.fixture(scope="module")
def catalog():
    return Catalog(Host())


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A folder with what examples name, where options are checked for being there."""
    monkeypatch.chdir(tmp_path)
    for folder in ("FOLDER", "photos"):
        (tmp_path / folder).mkdir()


def parsed(words):
    """Return the parameters that words come to; they fail where a command, an option or a type is wrong."""
    command, context = main, click.Context(main)
    while isinstance(command, click.Group):
        if words[0].startswith("-"):
            assert words[0] in {option for parameter in command.get_params(context) for option in parameter.opts}
            return {}
        name, words = words[0], words[1:]
        command = command.get_command(context, name)
        assert command is not None, name
    with command.make_context(name, list(words)) as made:
        return made.params


@pytest.mark.parametrize("words", commands())
def test_every_command_and_subcommand_has_help_with_an_example_of_itself_that_parses(words, reader):
    shown = examples(commands()[words])
    assert any(f"{line} ".startswith(f"tlbench {words} ") for line in shown)
    for line in shown:
        parsed(shlex.split(line)[1:])


@pytest.mark.parametrize("words", command_line_in_documents())
def test_command_lines_in_the_documents_are_valid(words, catalog, reader):
    given = parsed(words)
    assert all(str(Budget.parse(budget)) for budget in given.get("budgets", ()))
