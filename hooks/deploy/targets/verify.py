"""No delivery of its own: waits until a service that gets the certificate some other way serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ....errors import DeployError
from ....options import Option, seconds
from ..service.served_certificate import service, verify
from .base import CertificateFiles


class Target:
    """Asks the service which certificate it serves; nothing is installed."""

    options: ClassVar[Sequence[Option]] = (
        Option("server", (), "service to look at, as www.example.org:443", required=True),
        Option("time_limit", (), "how many seconds it is given to show the certificate", default="60"),
    )

    def __init__(self, options: Mapping[str, str]) -> None:
        self._server = options["server"]
        self._within = seconds(options["time_limit"], "time_limit")
        service(self._server)

    def check(self, bundle: CertificateFiles) -> None:
        """Nothing is brought there that could be refused."""

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        try:
            verify(self._server, bundle.facts.fingerprint, 0)
        except DeployError as error:
            return [str(error)]
        return []

    def install(self, bundle: CertificateFiles) -> None:
        verify(self._server, bundle.facts.fingerprint, self._within)
