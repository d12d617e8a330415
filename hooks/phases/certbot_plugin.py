"""certbot's authenticator ``dns01``: ``certbot certonly -a dns01 -d example.org``, in certbot's own process.

All challenges of an order are one call: one batch for each zone, one wait, and back again in one batch.
The account is that of the hook (/etc/dns01/config.toml, or variables), and so are journal, locks, audit
trail and notifications. A run that was killed is swept by the next call of any client.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from acme.challenges import DNS01
from certbot.display.util import notify
from certbot.errors import Error, PluginError
from certbot.interfaces import Authenticator as Interface
from certbot.plugins.common import Plugin

from ... import output
from ...errors import HookError, NotReady
from ...output import printable
from ...secret import redact, redact_record
from ..caa.issuers import certbot_account
from ..clients.call import Call
from ..clients.challenge import Challenge, checked
from ..clients.process import this_process
from .client_run import RunPhase
from .phase import Phase
from .session import Session

logger = logging.getLogger(__name__)


class Authenticator(Plugin, Interface):
    """What each method is for is said in certbot.interfaces.Authenticator."""

    description = "Publish TXT records through any DNS provider of dns01's, and wait until they are ready"

    @classmethod
    def add_parser_arguments(cls, add: Callable[..., None]) -> None:
        add("config", help="The configuration file in place of /etc/dns01/config.toml (chmod 600).")

    def more_info(self) -> str:
        """The sentence that `certbot plugins` shows."""
        return "One batch and one wait for all names. `dns01 doctor NAME` looks for what could go wrong."

    def prepare(self) -> None:
        """What is configured is read once there are challenges."""

    def get_chall_pref(self, identifier: str) -> Iterable[Any]:
        return [DNS01]

    def perform(self, achalls: Sequence[Any]) -> list[Any]:
        """Publish, and wait until every name server has it. Raises PluginError, which says what is wrong with
        each name; with --allow-subset-of-names the other names go on."""
        some = self.config.allow_subset_of_names
        with _in_certbots_manner():
            session, call = self._session, self._call("publish", "certbot auth", achalls)
            try:
                with RunPhase(session, call) as phase:
                    phase.publish_run() if some else phase.publish()
                    phase.sweep()
            except HookError as error:
                if not some or not phase.records.published:
                    raise PluginError(_in_words(phase.errors_by_name(error))) from None
                logger.error("%s", _in_words([error]))
        return [each.response(each.account_key) for each in achalls]

    def cleanup(self, achalls: Sequence[Any]) -> None:
        """Take back in one batch what is out; what cannot be stays in the journal, and is said."""
        with _in_certbots_manner():
            session = self._session
            if session.client and session.journal.of(session.client):
                with Phase(session, self._call("retract", "certbot cleanup", achalls)) as phase:
                    phase.retract()
                    phase.sweep()

    def auth_hint(self, failed_achalls: Sequence[Any]) -> str:
        """Say what every name server shows now: the records are still there."""
        session, call = self._session, self._call("failed", "certbot auth_hint", failed_achalls)
        problems = dict.fromkeys(str(each.error) for each in failed_achalls)
        with Phase(session, call._replace(problem="; ".join(problems))) as phase:
            phase.explain()
        names = " ".join(dict.fromkeys(challenge.domain for challenge in call.challenges))
        return printable(f"what the name servers showed is above; to look again: dns01 doctor {names}")

    @cached_property
    def _session(self) -> Session:
        _hand_output_to_certbot()
        environ = {**os.environ, "CERTBOT_DOMAIN": ""}  # as a hook has it: renewals have no other variables
        if path := self.conf("config"):
            environ["DNS01_CONFIG"] = os.path.abspath(os.path.expanduser(path))
            setattr(self.config, self.dest("config"), environ["DNS01_CONFIG"])  # renewals begin elsewhere
        return Session(this_process("certbot"), environ)

    def _call(self, phase: Any, words: str, achalls: Sequence[Any]) -> Call:
        challenges = [
            Challenge(each.identifier.value, each.chall.encode("token"), each.validation(each.account_key))
            for each in achalls
        ]
        account = certbot_account(os.path.join(self.config.accounts_dir, self.config.account or "-"))
        return Call(
            "certbot", phase, words, checked(challenges), directory=self.config.server, account=account
        )


@contextmanager
def _in_certbots_manner() -> Iterator[None]:
    """Raises PluginError, without a secret in it, in the place of what is ours."""
    try:
        yield
    except Error:  # certbot's own: a signal is one
        raise
    except HookError as error:
        raise PluginError(_in_words([error])) from None
    except Exception as error:
        if os.environ.get("DNS01_DEBUG"):
            output.trace(error)
        fault = f"a fault of dns01's own: {type(error).__name__}: {error}"
        raise PluginError(_in_words([HookError(fault, "set DNS01_DEBUG=1 and report it")])) from None


def _in_words(found: Iterable[HookError]) -> str:
    """Each error with what to do about it, and with the servers that were not ready."""
    lines: list[str] = []
    for error in found:
        lines += [str(error), *(error.report if isinstance(error, NotReady) else ())]
        lines += [f"   -> {error.hint}"] if error.hint else []
    return printable(redact("\n".join(lines)))


def _hand_output_to_certbot() -> None:
    """Progress is shown unless certbot is told to be quiet; what certbot logs has no secret of ours in it."""
    output.write_with(output.Writers(notify, lambda text: logger.warning("%s", text)))
    for handler in logging.getLogger().handlers:
        handler.addFilter(redact_record)
