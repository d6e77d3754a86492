"""Let plugins add commands to `tlbench`, and answer a user's slip in one line."""

import os
import sys
from typing import Any, NoReturn

import click

from tlbench.errors import TlbenchError
from tlbench.names import unknown


class PluginGroup(click.Group):
    """Let plugins add commands, and turn a user's slip into one line and exit code 2."""

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
