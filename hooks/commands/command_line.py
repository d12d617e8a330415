"""The commands with their options and arguments as data, for completion and for the reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import click

Kind = Literal["flag", "words", "path", "value"]


class Parameter(NamedTuple):
    """An option or an argument. ``flags``: how an option is written; ``metavar``: what stands for its value;
    ``words``: all values there are, where they can be listed."""

    flags: tuple[str, ...]
    metavar: str
    help: str
    kind: Kind
    words: tuple[str, ...] = ()


class CommandHelp(NamedTuple):
    """A command of ``dns01`` with its help. ``path``: its words, from ``dns01`` on. ``help``: paragraphs, of
    which those that begin with a backspace are laid out by hand."""

    path: tuple[str, ...]
    usage: str
    summary: str
    help: str
    options: Sequence[Parameter]
    arguments: Sequence[Parameter]
    subcommands: Sequence[str]


def commands(
    command: click.Command, above: click.Context | None = None, name: str = "dns01"
) -> Iterator[CommandHelp]:
    """The command, and all beneath it."""
    context = click.Context(command, above, name, **command.context_settings)
    path = tuple(context.command_path.split())
    group = command if isinstance(command, click.Group) else click.Group()
    subcommands = [
        (name, each) for name in group.list_commands(context) if (each := group.get_command(context, name))
    ]
    parameters = command.get_params(context)
    yield CommandHelp(
        path,
        " ".join([*path, *command.collect_usage_pieces(context)]),
        command.get_short_help_str(limit=200),
        command.help or "",
        [_parameter(each, context) for each in parameters if isinstance(each, click.Option)],
        [_parameter(each, context) for each in parameters if isinstance(each, click.Argument)],
        [name for name, _ in subcommands],
    )
    for name, each in subcommands:
        yield from commands(each, context, name)


def _parameter(parameter: click.Parameter, context: click.Context) -> Parameter:
    flags = (*parameter.opts, *parameter.secondary_opts) if isinstance(parameter, click.Option) else ()
    metavar = parameter.make_metavar(context)
    help = (parameter.help or "") if isinstance(parameter, click.Option) else ""
    if isinstance(parameter, click.Option) and (parameter.is_flag or parameter.count):
        return Parameter(flags, "", help, "flag")
    if words := tuple(item.value for item in parameter.shell_complete(context, "") if item.type == "plain"):
        return Parameter(flags, metavar, help, "words", words)
    return Parameter(flags, metavar, help, "path" if isinstance(parameter.type, click.Path) else "value")
