"""``dns01 completion``: has a shell complete our commands and options, as they are in this version."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence

import click

from .command_line import CommandHelp, Parameter, commands

BASH = """\
_dns01() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} path=dns01 word
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        case "$path $word" in
        {paths}) path="$path $word" ;;
        esac
    done
    case "$path $prev" in
{values}
    esac
    case $path in
{words}
    esac
}}
complete -F _dns01 dns01
"""


FILES = "{ COMPREPLY=(); compopt -o default; }"


@click.command(short_help="Print a shell's completion of dns01.")
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what has the SHELL complete dns01's commands and options.

    \b
      dns01 completion bash > /etc/bash_completion.d/dns01
      dns01 completion zsh > /usr/local/share/zsh/site-functions/_dns01
      dns01 completion fish > /etc/fish/completions/dns01.fish
    """
    click.echo(script(shell, list(commands(context.find_root().command))), nl=False)


def script(shell: str, tree: Sequence[CommandHelp]) -> str:
    """The completion script for that shell."""
    return SCRIPTS[shell](tree)


def _bash(tree: Sequence[CommandHelp]) -> str:
    paths = "|".join(shlex.quote(" ".join(command.path)) for command in tree[1:])
    return BASH.format(
        paths=paths,
        values="\n".join(line for command in tree for line in _bash_values(command)),
        words="\n".join(map(_bash_words, tree)),
    )


def _bash_values(command: CommandHelp) -> Iterator[str]:
    """What may follow each option that takes a value; nothing, where only the user knows."""
    for option in command.options:
        if option.kind != "flag":
            pattern = "|".join(shlex.quote(" ".join((*command.path, flag))) for flag in option.flags)
            yield f"    {pattern}) {_compgen(option)}; return ;;"


def _bash_words(command: CommandHelp) -> str:
    words = [*command.subcommands, *(flag for option in command.options for flag in option.flags)]
    words += [word for argument in command.arguments for word in argument.words]
    more = '; COMPREPLY+=($(compgen -f -- "$cur"))' if _takes_path(command) else ""
    pattern = shlex.quote(" ".join(command.path))
    return f'    {pattern}) COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$cur")){more} ;;'


def _compgen(option: Parameter) -> str:
    if option.kind == "words":
        return f'COMPREPLY=($(compgen -W {shlex.quote(" ".join(option.words))} -- "$cur"))'
    return FILES if option.kind == "path" else "COMPREPLY=()"


def _takes_path(command: CommandHelp) -> bool:
    return any(argument.kind == "path" for argument in command.arguments)


def _zsh(tree: Sequence[CommandHelp]) -> str:
    functions = "\n".join(map(_zsh_function, tree))
    return f'#compdef dns01\n\n{functions}\n_dns01 "$@"\n'


def _zsh_function(command: CommandHelp) -> str:
    specs = [spec for option in command.options for spec in _zsh_option(option)]
    specs += [shlex.quote(f"*:{_zsh_text(each.metavar)}:{_zsh_action(each)}") for each in command.arguments]
    if not command.subcommands:
        return _zsh_body(command, "_arguments -s", specs)
    described = " ".join(map(shlex.quote, command.subcommands))
    cases = "\n".join(
        f"        {name}) _{'_'.join((*command.path, name))} ;;" for name in command.subcommands
    )
    specs += [shlex.quote(f"1:command:({described})"), "'*::argument:->rest'"]
    return _zsh_body(command, "local state line\n    _arguments -C", specs).removesuffix("}\n") + (
        f"    case $state in\n    rest)\n        case $line[1] in\n{cases}\n        esac ;;\n    esac\n}}\n"
    )


def _zsh_body(command: CommandHelp, call: str, specs: Sequence[str]) -> str:
    lines = " \\\n        ".join([call, *specs])
    return f"_{'_'.join(command.path)}() {{\n    {lines}\n}}\n"


def _zsh_option(option: Parameter) -> Iterator[str]:
    excluded = f"({' '.join(option.flags)})" if len(option.flags) > 1 else ""
    for flag in option.flags:
        value = "" if option.kind == "flag" else f":{_zsh_text(option.metavar)}:{_zsh_action(option)}"
        yield shlex.quote(f"{excluded}{flag}[{_zsh_text(option.help)}]{value}")


def _zsh_action(parameter: Parameter) -> str:
    return {"words": f"({' '.join(parameter.words)})", "path": "_files"}.get(parameter.kind, "")


def _zsh_text(text: str) -> str:
    """As _arguments wants its descriptions."""
    for special in "\\[]:":
        text = text.replace(special, f"\\{special}")
    return text


def _fish(tree: Sequence[CommandHelp]) -> str:
    return "".join(f"complete -c dns01 {line}\n" for command in tree for line in _fish_lines(command, tree))


def _fish_lines(command: CommandHelp, tree: Sequence[CommandHelp]) -> Iterator[str]:
    seen = "; and ".join(f"__fish_seen_subcommand_from {word}" for word in command.path[1:])
    unseen = "; and ".join([*([seen] if seen else []), *_fish_not_yet(command)])
    condition = f"-n {_fish_quote(unseen)}"
    if not _takes_path(command):
        yield f"{condition} -f"
    summaries = {each.path: each.summary for each in tree}
    for name in command.subcommands:
        summary = summaries[(*command.path, name)]
        yield f"{condition} -a {name} -d {_fish_quote(summary)}"
    for option in command.options:
        yield f"{condition} {_fish_flags(option)} -d {_fish_quote(option.help)}{_fish_value(option)}"
    for argument in command.arguments:
        if argument.words:
            yield f"{condition} -a {_fish_quote(' '.join(argument.words))}"


def _fish_not_yet(command: CommandHelp) -> list[str]:
    words = " ".join(command.subcommands)
    return [f"not __fish_seen_subcommand_from {words}"] if words else []


def _fish_flags(option: Parameter) -> str:
    return " ".join(f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags)


def _fish_value(option: Parameter) -> str:
    return {"flag": "", "path": " -r -F", "words": f" -x -a {_fish_quote(' '.join(option.words))}"}.get(
        option.kind, " -x"
    )


def _fish_quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


SCRIPTS: Mapping[str, Callable[[Sequence[CommandHelp]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
