"""What is known of an ACME client: one object for each, in the file that is called after it."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .call import Call


class AcmeClient(NamedTuple):
    """What is known of an ACME client. ``name``: in the audit trail and in messages. ``words``: the first
    arguments that it calls the hook with. ``read``: the call that a word, its arguments and the environment
    make; raises UsageError.

    ``programs``: what its processes are called; ``daemons``: those that live on between orders.
    ``publishes``: ``Call.client_phase`` where it publishes. ``directory_options``: those of its command line
    that name the CA; ``has_ca_in_config``: its configuration, which is read as text, says so as well.
    ``renewal``: the command that renews what is due.

    ``ignores_exit_code``: it asks the CA whatever publishing has come to, and cleans up in any case.
    ``ends_runs``: it says when a run ends, with a phase of its own. ``progress_to_stdout``: it takes
    whatever stands on stderr for an error.
    """

    name: str
    words: frozenset[str]
    read: Callable[[str, Sequence[str], Mapping[str, str]], Call]
    programs: frozenset[str]
    publishes: str
    directory_options: tuple[str, ...] = ()
    has_ca_in_config: bool = False
    renewal: str = ""
    daemons: frozenset[str] = frozenset()
    ignores_exit_code: bool = False
    ends_runs: bool = False
    progress_to_stdout: bool = False
