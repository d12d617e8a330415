"""What a person runs: ``dns01 COMMAND``. What an ACME client calls never comes this way."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module

import click

from ... import __version__, output
from ...errors import UsageError

COMMANDS = {  # where each stands: a start loads the one that is called
    "audit": ".audit.command",
    "completion": ".completion",
    "config": ".config",
    "deploy": ".deploy",
    "doctor": ".doctor.command",
    "init": ".init.command",
    "issue": ".issue",
    "providers": ".providers",
    "register": ".register",
    "status": ".status.command",
    "sweep": ".sweep",
}
UNWRITABLE = (errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.ENOMEM)
UNKNOWN = 3  # to a monitoring system
GUESS = re.compile(r"[.\s]*\(?(Did you mean .*\?)\)?$")  # at the end of click's messages


class Commands(click.Group):
    """The commands, of which each is imported when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """The names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if not (module := COMMANDS.get(name)):
            return None
        command: click.Command = getattr(import_module(module, __name__), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dns01")
def dns01() -> None:
    """The hook that makes the ACME dns-01 challenge simply work. `dns01 init` sets it up.

    ACME clients call it with their own phases: dehydrated as HOOK, lego by EXEC_PATH, uacme by -h,
    and certbot with these three:

    \b
      --manual-auth-hook    'dns01 certbot auth'
      --manual-cleanup-hook 'dns01 certbot cleanup'
      --deploy-hook         'dns01 certbot deploy'
    """


def main(words: Sequence[str]) -> int:
    """Run a command; gives the exit code. Raises HookError."""
    if sys.stdout is None:  # closed by whoever called: there is nobody to show anything to
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    match list(words):
        case ["help", *rest]:
            words = [*rest, "--help"]
        case ["version"]:
            words = ["--version"]
    try:
        code = dns01.main([*words], "dns01", standalone_mode=False)
    except click.UsageError as error:
        raise _in_our_manner(error) from None
    except click.ClickException as error:
        output.failure(error.format_message())
        return error.exit_code
    except click.Abort:
        return 130
    except BrokenPipeError:  # `dns01 audit | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        if error.errno not in UNWRITABLE or error.filename:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        output.failure(f"standard output cannot be written: {error.strerror}", "see where it leads to")
        return UNKNOWN if words[0] == "status" else 1
    return code if isinstance(code, int) else 0


def _in_our_manner(error: click.UsageError) -> UsageError:
    """A slip after the command's name, told like any other."""
    message = error.format_message()
    problem = GUESS.sub("", message).rstrip(".")
    guess = f"{_uncapitalised(found[1])} " if (found := GUESS.search(message)) else ""
    command = error.ctx.command_path if error.ctx else "dns01"
    where = f"{command.removeprefix('dns01 ')}: " if command != "dns01" else ""
    ours = UsageError(f"{where}{_uncapitalised(problem)}", f"{guess}`{command} --help` says what it takes")
    ours.exit_code = error.exit_code
    return ours


def _uncapitalised(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
