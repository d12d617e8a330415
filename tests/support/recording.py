"""Targets that write down what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from bundles import issued

from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.process import this_process
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.section import Deployment
from dns01.hooks.deploy.targets.base import CertificateFiles, Target
from dns01.options import Option

ALIVE = this_process("dehydrated")
GONE = ALIVE._replace(start=ALIVE.start - 1)
NEXT = ALIVE._replace(name="certbot")  # another run, of another client


class Recording:
    """A target that keeps the last certificate, and that before it, of each place it is called by."""

    options: ClassVar[Sequence[Option]] = ()
    log: ClassVar[list[str]]
    faults: ClassVar[dict[str, BaseException]]
    brought: ClassVar[dict[str, list[str]]]
    meanwhile: ClassVar[dict[str, Callable[[], None]]]  # what another process does after a step

    def __init__(self, options: Mapping[str, str]) -> None:
        self._place = options["place"]

    def check(self, bundle: CertificateFiles) -> None:
        self._do("check")

    def changes(self, bundle: CertificateFiles) -> Sequence[str]:
        return [] if self._there()[-1:] == [bundle.facts.fingerprint] else ["another version"]

    def install(self, bundle: CertificateFiles) -> None:
        self._do("install")
        self._there().append(bundle.facts.fingerprint)
        self._fail("installed")

    def undo(self, bundle: CertificateFiles) -> None:
        self._do("undo")
        self._there().pop()
        self._fail("undone")

    def _there(self) -> list[str]:
        return self.brought.setdefault(self._place, [])

    def _do(self, what: str) -> None:
        self._fail(what)
        self.log.append(f"{what} {self._place}")
        self.meanwhile.pop(f"{what} {self._place}", lambda: None)()

    def _fail(self, what: str) -> None:
        for each in (what, f"{what} {self._place}"):
            if each in self.faults:
                raise self.faults[each]


class OneWay(Recording):
    """One that cannot go back."""

    undo = None  # type: ignore[assignment]


class RecordedDeployment(Deployment):
    """A section of the configuration for one of these."""

    @property
    def places(self) -> Sequence[str]:
        return ()

    def target(self) -> Target:
        kind = {"recording": Recording, "oneway": OneWay}[self.kind]
        return kind(self.options)


def issue(folder: Path, domain: str) -> Certificate:
    """A new certificate where the client keeps it."""
    return issued(folder / "certs" / domain, domain).facts.certificate


def place(name: str, kind: str = "recording", **more: object) -> Deployment:
    """A target with all that may be configured."""
    commands = {"test": ("nginx", "-t"), "reload": ("reload",), "verify": "server:443"}
    return RecordedDeployment("*", name, kind, {"place": name}, **{**commands, **more})  # type: ignore[arg-type]


WEB = place("web")
MAIL = place("mail", test=(), reload=("reload-mail",), verify="")

NOW = 1_800_000_000.0
Call = Callable[..., Deliverer]


ALL_OF_IT = [
    "check web",
    "install web",
    "nginx -t for example.org",
    "reload for example.org",
    "verify server:443",
]
