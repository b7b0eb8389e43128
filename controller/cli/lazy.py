"""A group of commands of which each is imported when it is asked for, so that a command line answers at once."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """``elsewhere`` says where each command is that is not added: by its name, its module in ``controller.cli``.

    In the module it has its own name.
    """

    def __init__(self, *, elsewhere: Mapping[str, str], **attributes: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(**attributes)
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *self._elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        if cmd_name in self._elsewhere and cmd_name not in self.commands:
            module = import_module(f"controller.cli.{self._elsewhere[cmd_name]}")
            self.add_command(getattr(module, cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)
