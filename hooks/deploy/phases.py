"""The phases that are about a certificate, each as one method: it is delivered to its targets.

No phase fails for a target, unless that target is to abort the client's run: dehydrated would drop
all later certificates. What did not arrive is pending, and any later run tries it again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING

from ... import output
from ...errors import ConfigError, DeployError, HookError
from ...regular_file import open_regular
from ..clients.call import Call, Certificate
from ..clients.detection import client_named
from ..clients.process import ClientProcess
from ..clients.setup import certificate_paths
from ..state.atomic import stage, sync_folder, usable
from ..state.folder import private_folder
from ..state.pending_work import (
    anything_pending,
    compared_file,
    configuration_version,
    is_uncompared,
    is_undelivered,
)

if TYPE_CHECKING:  # with it comes cryptography, which most calls can do without
    from .delivery.deliverer import Deliverer


class DeployPhases:
    """The phases deploy, unchanged, sync and ocsp of one call, and the end of its run."""

    def __init__(self, client: ClientProcess | None, environ: Mapping[str, str], state: str) -> None:
        self._client = client
        self._environ = environ
        self._state = state

    @cached_property
    def deliverer(self) -> Deliverer:
        """What delivers to the targets of the configuration. Raises ConfigError."""
        from .delivery.deliverer import Deliverer
        from .delivery.ledger import Ledger
        from .section import load_deployments

        return Deliverer(load_deployments(self._environ), Ledger(self._state), self._client)

    def take(self, call: Call) -> None:
        """Do what the phase asks for; what it raises is its own."""
        assert call.certificate is not None
        match call.phase:
            case "deploy":
                self.deploy(call.certificate)
            case "unchanged":
                self.unchanged(call.certificate)
            case "sync":
                self.sync(call.certificate)
            case "ocsp":
                self.ocsp(call.certificate)

    def deploy(self, certificate: Certificate) -> None:
        """Bring it to its targets; where none are configured, say what has arrived.

        Raises DeployError if it is not fit for anything or a target is to abort the run, ConfigError,
        StateError.
        """
        version = configuration_version(self._environ)  # before it is read: it may change meanwhile
        try:
            targets = self.deliverer.targets(certificate)
        except ConfigError as error:
            self._remember(certificate, error)
            raise
        if not targets:
            self._show(certificate)
            return
        self.deliverer.deliver(certificate, targets, queue=self._has_exit_hook)
        self._without_failing(lambda: self._compared(certificate, version))
        for failed in self.deliverer.aborting():
            raise DeployError(f"{failed.title}: {failed.error}", 'on_failure = "abort" is in its section')
        self.retry()

    def unchanged(self, certificate: Certificate) -> None:
        """Try again what earlier runs have left, and bring it to where it has not come at all, or not since
        it was renewed; never fails."""
        self.retry()
        if is_undelivered(self._environ, certificate.domain, certificate.cert):
            self._without_failing(lambda: self._recover(certificate))
        elif is_uncompared(self._environ, certificate.domain, certificate.cert):
            self._without_failing(lambda: self._compare(certificate))

    def _recover(self, certificate: Certificate) -> None:
        from .delivery.ledger import Ledger

        output.step(f"{certificate.domain}: renewed, and never brought anywhere since")
        targets = self.deliverer.targets(certificate)
        self.deliverer.deliver(certificate, targets, queue=self._has_exit_hook)
        Ledger(self._state).seen(certificate)

    def _compare(self, certificate: Certificate) -> None:
        """A target without an entry in the ledger wants a delivery: the first one may have been killed
        before it was written down. Done once for each version of the configuration."""
        version = configuration_version(self._environ)  # before it is read: it may change meanwhile
        if targets := self.deliverer.undelivered(certificate):
            output.step(
                f"{certificate.domain}: not yet brought to {', '.join(each.name for each in targets)}"
            )
            self.deliverer.deliver(certificate, targets, queue=self._has_exit_hook)
        self._compared(certificate, version)

    def _compared(self, certificate: Certificate, version: str) -> None:
        """Remember that each of the certificate's targets has its entry in the ledger."""
        path = compared_file(self._environ, certificate.domain)
        with usable(self._state):
            private_folder(os.path.dirname(path))
            os.rename(stage(path, version, sync=False), path)

    def ocsp(self, response: Certificate) -> None:
        """Bring an OCSP response to the targets of its certificate, which lies beside it. Never fails:
        dehydrated would drop all later certificates, and fetches another response before this one is old."""
        if found := certificate_paths.find_in(os.path.dirname(response.ocsp), response.domain):
            certificate = found._replace(ocsp=response.ocsp)
            self._without_failing(
                lambda: self.deliverer.deliver(
                    certificate, self.deliverer.targets(certificate), queue=self._has_exit_hook
                )
            )

    def sync(self, certificate: Certificate) -> None:
        """Sync the files that are there, and their names, to the disk.

        A client may name one that it does not make (dehydrated with PRIVATE_KEY_RENEW="no" names a new
        key). Raises DeployError.
        """
        named = (certificate.key, certificate.cert, certificate.fullchain, certificate.chain, certificate.csr)
        paths = [path for path in named if path]
        try:
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError, ValueError), open_regular(path) as file:
                    os.fsync(file.fileno())
            for folder in {os.path.dirname(path) or "." for path in paths}:
                with suppress(FileNotFoundError, NotADirectoryError):
                    sync_folder(folder)
        except OSError as error:
            raise DeployError(
                f"{error.filename or certificate.cert} is not safe on the disk: {error.strerror}",
                "see what is wrong with the disk (dmesg) before the certificate is needed",
            ) from error

    def retry(self) -> None:
        """Try again what earlier runs have left; never fails."""
        if anything_pending(self._environ):
            self._without_failing(lambda: self.deliverer.retry())

    def end_run(self) -> None:
        """Reload what this run's calls have left to its end; never fails."""
        if anything_pending(self._environ):
            self._without_failing(lambda: self.deliverer.end_run())

    def outcomes(self) -> list[dict[str, str]]:
        """What has come of each delivery, as rows for the audit trail."""
        if "deliverer" not in self.__dict__:
            return []
        return [
            {
                "name": delivery.certificate.domain,
                "target": delivery.target,
                "section": delivery.pattern,
                "error": delivery.error,
            }
            for delivery in (*self.deliverer.arrived, *self.deliverer.failed)
        ]

    def _without_failing(self, work: Callable[[], None]) -> None:
        try:
            work()
        except HookError as error:
            output.warning(str(error))
            output.warning(error.hint)

    def _remember(self, certificate: Certificate, error: ConfigError) -> None:
        """Have a later call bring it wherever the configuration says then."""
        from .delivery.ledger import Delivery, Ledger

        now = time.time()
        pending = Delivery(certificate, "", "", since=now, tried=now, error=str(error), client=self._client)
        Ledger(self._state).keep([pending])

    @property
    def _has_exit_hook(self) -> bool:
        """Whether the client says when its run ends: dehydrated does, letsencrypt.sh did not."""
        client = client_named(self._client.name) if self._client else None
        return client is not None and client.ends_runs

    def _show(self, certificate: Certificate) -> None:
        """Check that key and certificate belong together, and say what has arrived."""
        from .certificate.checks import inspect, lines

        for line in lines(inspect(certificate)):
            output.step(line)
