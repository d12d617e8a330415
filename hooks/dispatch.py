"""Which phase or command the words of the command line ask for: the only place where errors are caught.

dehydrated calls it for every certificate even when nothing is due: words that are nobody's
business end here, before anything but ``sys`` and ``os`` is imported.
"""

from __future__ import annotations

import io
import os
import sys

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

PHASES = {  # of all clients; "certbot" and "lego" are followed by their own
    "startup_hook", "deploy_challenge", "clean_challenge", "sync_cert", "deploy_cert", "deploy_ocsp",
    "unchanged_cert", "invalid_challenge", "request_failure", "exit_hook",
    "present", "cleanup", "begin", "done", "failed", "certbot", "lego",
}  # fmt: skip
COMMANDS = (
    "audit", "completion", "config", "deploy", "doctor", "help", "init", "issue", "providers", "register",
    "status", "sweep", "version",
)  # fmt: skip
PACKAGES = {"dns": "dnspython"}  # which PyPI knows by another name than Python
# A clean-up that fails would cost dehydrated a certificate that has already been validated, and an
# unchanged_cert all those after it; what could not be done stays in the journal.
NEVER_FAIL = {
    "startup_hook", "clean_challenge", "unchanged_cert", "exit_hook", "cleanup", "done", "failed",
}  # fmt: skip


class Stopped(BaseException):
    """A signal asks us to end: what was published is taken back as this passes through."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(name)
        self.exit_code = 128 + number


def main() -> int:
    """Do what the words of the command line ask for; gives the exit code."""
    open_what_the_caller_has_closed()
    leave_callers_modules_aside()
    escape_what_stdout_cannot_encode()
    argv = sys.argv[1:] or words_of_caller()
    word = argv[0]
    if word in PHASES:
        if nothing_to_do(argv):
            end_at_once(0)
        code = guarded(phase, argv)
        end_at_once(0 if word in NEVER_FAIL else code)
    if word in COMMANDS or word.startswith("-"):
        return guarded(command, argv)
    if not word or ("_" in word and not resembles_phase(word.lower())):
        end_at_once(0)  # a phase of dehydrated's that is not ours, its probe among them
    return guarded(suggest, argv)


def words_of_caller() -> list[str]:
    """What a call without words is meant for: ``help``, but a hook that a client has been given by its path
    alone. certbot runs what is in its folder for deploy hooks so; which of its hooks others are is not told
    (its variables stay from one to the next), and the phase of that name says which words there are."""
    environ = os.environ
    if os.path.dirname(sys.argv[0]).endswith("/renewal-hooks/deploy"):
        return ["certbot", "deploy"]
    if "LEGO_HOOK_CERT_PATH" in environ or "LEGO_CERT_PATH" in environ:
        return ["lego", "deploy"]
    return ["certbot"] if "CERTBOT_DOMAIN" in environ or "RENEWED_LINEAGE" in environ else ["help"]


def resembles_phase(word: str) -> bool:
    """Whether it begins or ends like a phase of ours: what is closer than that costs an import to find."""
    return any(word[:5] == phase[:5] or word[-5:] == phase[-5:] for phase in PHASES if "_" in phase)


def open_what_the_caller_has_closed() -> None:
    """A file opened later would take the number of a standard stream that is closed, and get what programs
    that are run write to that."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(null, True)
            setattr(sys, name, os.fdopen(null, mode, closefd=False))


def leave_callers_modules_aside() -> None:
    """Find no module by the PYTHONPATH of whoever called: a snap's certbot hands on one with a dnspython of
    its own."""
    if theirs := os.environ.get("PYTHONPATH"):
        ours = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        folders = {os.path.abspath(folder) for folder in theirs.split(os.pathsep)} - {ours}
        sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) not in folders]


def escape_what_stdout_cannot_encode() -> None:
    """Have stdout escape characters that its encoding has not (an arrow, in a locale of Latin-1), as stderr
    does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def nothing_to_do(argv: list[str]) -> bool:
    """Whether it is a phase for what was left to do, and nothing was; or one that a later call does, and
    nothing more is to be done than to note it."""
    try:
        return is_idle(argv)
    except Exception:  # which the full way says in words
        return False


def is_idle(argv: list[str]) -> bool:
    """Whether the call has nothing to do, as ``nothing_to_do``; but raises what it meets. It notes a call
    that a later one does."""
    if argv[0] == "certbot":
        from .state.certbot_batch import add_call

        return add_call(argv, os.environ)
    from .state import pending_work

    if argv[0] == "unchanged_cert":
        certificate = argv[1:4:2]  # its domain and its file
        if pending_work.is_undelivered(os.environ, *certificate) or pending_work.is_uncompared(
            os.environ, *certificate
        ):
            return False
        return not (pending_work.anything_pending(os.environ) and pending_work.anything_due(os.environ))
    if argv[0] not in ("startup_hook", "exit_hook") or any(argv[1:]):
        return False
    if not (pending_work.anything_open(os.environ) or pending_work.anything_pending(os.environ)):
        return True
    return not pending_work.anything_of_this_call(os.environ, at_exit=argv[0] == "exit_hook")


def phase(argv: list[str]) -> int:
    """Run the phase that the ACME client has called; gives the exit code. Raises HookError."""
    import gc

    gc.set_threshold(100_000)  # objects: what is imported stays, and looking through it finds nothing to free
    from .. import package_metadata
    from .clients.detection import read

    package_metadata.load_later()
    call = read(argv, os.environ)
    from .phases.run import run

    return run(call, os.environ)


def command(argv: list[str]) -> int:
    """Run the command that a person has called; gives the exit code. Raises HookError."""
    from .commands import main

    return main(argv)


def suggest(argv: list[str]) -> int:
    """A word that is close to a command of ours was a slip. Any other may be somebody's new phase, which
    must not fail; one that is close to a phase of ours is said."""
    word = argv[0]
    from difflib import get_close_matches

    if near := get_close_matches(word.lower(), PHASES, n=1, cutoff=0.85):
        from .. import output

        output.warning(f"{word!r} is no phase, and nothing was done: did you mean `dns01 {near[0]}`?")
    elif "_" in word:
        pass  # a phase of dehydrated's that is not ours
    elif word == "hook":
        from .. import output

        output.warning("'hook' is no phase, and nothing was done: write the phase right behind dns01")
    elif near := get_close_matches(word.lower(), COMMANDS, n=1):
        from ..errors import UsageError

        raise UsageError(f"there is no command {word!r}", f"did you mean `dns01 {near[0]}`?")
    elif any(is_of_a_challenge(each) for each in argv):
        from .. import output

        output.warning(
            f"{word!r} is no phase, and nothing was done: `dns01 --help` shows what ACME clients call;"
            " a script of your own calls dns01 deploy_challenge DOMAIN TOKEN VALUE, and clean_challenge"
        )
    return 0


def is_of_a_challenge(word: str) -> bool:
    """Whether it is a value of dns-01 (43 base64url characters), or the name of one."""
    is_value = len(word) == 43 and word.isascii() and word.replace("-", "").replace("_", "").isalnum()
    return is_value or word.startswith("_acme-challenge.")


def guarded(work: Callable[[list[str]], int], argv: list[str]) -> int:
    """Run the function; an error becomes a line that says what is wrong, and one that says what to do."""
    try:
        return attempted(work, argv)
    finally:
        give_up_what_cannot_be_written()


def give_up_what_cannot_be_written() -> None:
    """Drop what stdout and stderr still hold, where it cannot be written (a full disk): Python would end with
    120 for that, whatever has come of the call."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def end_at_once(code: int) -> NoReturn:
    """End without taking apart all that was imported, which takes a fifth of the time that the start took.
    What was written is out, and threads that are still at work are not to be waited for."""
    os._exit(code)


def attempted(work: Callable[[list[str]], int], argv: list[str]) -> int:
    """Run the function with signals that end it in good order; gives the exit code."""
    import signal

    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN  # as nohup has it
    ]
    try:
        try:
            for number in numbers:
                signal.signal(number, stop)
            code = explained(work, argv)
        except Stopped as stopped:
            from .. import output

            output.failure(f"stopped by {stopped}")
            code = stopped.exit_code
        for number in numbers:  # there is nothing more to take back: whatever comes now ends us at once
            signal.signal(number, signal.SIG_DFL)
    except Stopped as another:
        end_at_once(another.exit_code)
    return code


def explained(work: Callable[[list[str]], int], argv: list[str]) -> int:
    """Run the function; what it raises is explained. Gives the exit code."""
    try:
        return work(argv)
    except Exception as error:
        return explain(error)


def heard_already(number: int, frame: FrameType | None) -> None:
    """The handler of a signal that has come before. Does nothing."""


def stop(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT, SIGTERM and SIGHUP. Raises Stopped. A second SIGTERM or SIGHUP is the first one
    over again: systemd, `timeout` or a closed terminal sends it to every process, and some pass it on."""
    import signal

    if number != signal.SIGINT:
        signal.signal(
            number, heard_already
        )  # not SIG_IGN, which programs inherit that are started from now on
    raise Stopped(signal.Signals(number).name, number)


def explain(error: Exception) -> int:
    """Print what went wrong, and what to do; gives the exit code."""
    if isinstance(error, ModuleNotFoundError) and error.name in sys.stdlib_module_names:
        sys.stderr.write(  # output would lack it, too
            f"dns01: {sys.executable} lacks {error.name}, which is Python's own\n"
            "   -> install all of it; in Debian, python3 beside python3-minimal\n"
        )
        return 1
    from .. import output
    from ..errors import HookError, NotReady

    if os.environ.get("DNS01_DEBUG"):
        output.trace(error)
    if isinstance(error, NotReady):
        output.table(error.report)
    if isinstance(error, HookError):
        output.failure(str(error), error.hint)
        return error.exit_code
    if isinstance(error, ModuleNotFoundError):
        output.failure(*lacking(error.name or ""))
        return 1
    if isinstance(error, ImportError) and error.path and error.path.endswith(".so"):
        output.failure(
            f"{sys.executable} cannot load {error}",
            "it has to be built for this machine and its libc, on a file system that is not mounted noexec",
        )
        return 1
    output.failure(
        f"a fault of dns01's own: {type(error).__name__}: {error}",
        "run again with DNS01_DEBUG=1 and report it",
    )
    return 70


def lacking(module: str) -> tuple[str, str]:
    """What to say of a module that is not there, and what to do about it."""
    package = module.partition(".")[0]
    if package == "dns01":
        return (
            f"this installation of dns01 is incomplete: it lacks {module}",
            f"install it anew, from its checkout: {sys.executable} -m pip install --force-reinstall .",
        )
    return (
        f"{sys.executable} lacks the package {PACKAGES.get(package, package)}",
        "`pip install dns01-hook` in a virtual environment, and let HOOK be the dns01 of that: "
        "HOOK=/opt/dns01/bin/dns01",
    )
