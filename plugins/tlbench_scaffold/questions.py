"""Ask the few questions of `tlbench init`: on a terminal; elsewhere their defaults answer."""

import sys
from collections.abc import Sequence

import click

from tlbench import ParameterError


class Questions:
    """Ask where somebody can answer; say what was taken where nobody can."""

    def __init__(self, silent: bool) -> None:
        self.asks = not silent and sys.stdin.isatty() and sys.stderr.isatty()

    def data(self) -> str:
        """Return where the data lies; raise ParameterError where nobody can say."""
        if not self.asks:
            raise ParameterError("say where your data lies: tlbench init FOLDER.")
        answer: str = click.prompt("Where are your images (a folder, zip, npz, csv ...)", err=True)
        return answer.strip().strip("'\"")

    def one_of(self, question: str, choices: Sequence[str], default: str, flag: str) -> str:
        """Return one of several choices."""
        if self.asks and len(choices) > 1:
            answer: str = click.prompt(question, type=click.Choice(list(choices)), default=default, err=True)
            return answer
        self.took(default, flag)
        return default

    def text(self, question: str, default: str, flag: str) -> str:
        """Return a line of text."""
        if self.asks:
            answer: str = click.prompt(question, default=default, err=True)
            return answer.strip()
        self.took(default, flag)
        return default

    def took(self, value: str, flag: str) -> None:
        """Say a default that nobody was asked about."""
        click.echo(f"Taken, since nobody was asked: {flag} {value}", err=True)
