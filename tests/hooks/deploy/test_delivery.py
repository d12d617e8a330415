"""One certificate on its way to its targets: what is done, in which order, and what is taken back."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import trustme
from bundles import issued

from dns01.errors import DeployError, StateError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.process import Client, this_process
from dns01.hooks.deploy.delivery import Deliverer
from dns01.hooks.deploy.ledger import INSTALLED, UNTOUCHED, Delivery, Ledger
from dns01.hooks.deploy.section import Deployment
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.state.liveness import ABANDONED, RETRY_INTERVAL
from dns01.options import Option
from dns01.secret import hide

ALIVE = this_process("dehydrated")
GONE = ALIVE._replace(start=ALIVE.start - 1)
NEXT = ALIVE._replace(name="certbot")  # another run, of another client


class Killed(BaseException):
    """What SIGKILL does: nothing that follows is done."""


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
        return [] if self._there()[-1:] == [bundle.facts.fingerprint] else ["gets another content"]

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


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done, by targets, commands and verifications; ``Recording.faults`` makes it fail."""
    Recording.log, Recording.faults, Recording.brought, Recording.meanwhile = [], {}, {}, {}

    def run(argv: Sequence[str], environ: Mapping[str, str], timeout: float, what: str) -> None:
        said = " ".join(argv)
        assert environ["PATH"] == os.environ["PATH"]
        assert timeout == 60
        Recording.log.append(f"{said} for {environ['DNS01_DOMAIN']}")
        if said in Recording.faults:
            raise Recording.faults[said]

    def verify(where: str, fingerprint: str, within: float) -> None:
        assert any(fingerprint in place for place in Recording.brought.values())
        assert within == 60
        Recording.log.append(f"verify {where}")
        if where in Recording.faults:
            raise Recording.faults[where]

    monkeypatch.setattr("dns01.hooks.deploy.reload.run", run)
    monkeypatch.setattr("dns01.hooks.deploy.served_certificate.verify", verify)
    kinds = {"recording": Recording, "oneway": OneWay}
    monkeypatch.setattr("dns01.hooks.deploy.section.load", kinds.__getitem__)
    return Recording.log


@pytest.fixture
def ledger(state_dir: Path) -> Ledger:
    return Ledger(str(state_dir))


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return issue(tmp_path, "example.org")


def issue(folder: Path, domain: str) -> Certificate:
    """A new certificate where the client keeps it."""
    return issued(folder / "certs" / domain, domain).facts.certificate


def place(name: str, kind: str = "recording", **more: object) -> Deployment:
    """A target with all that may be configured."""
    commands = {"test": ("nginx", "-t"), "reload": ("reload",), "verify": "server:443"}
    return Deployment("*", name, kind, {"place": name}, **{**commands, **more})  # type: ignore[arg-type]


WEB = place("web")
MAIL = place("mail", test=(), reload=("reload-mail",), verify="")

NOW = 1_800_000_000.0
Call = Callable[..., Deliverer]


@pytest.fixture
def call(ledger: Ledger) -> Call:
    """A call of the hook: its deliverer."""

    def called(*targets: Deployment, client: Client | None = None, after: float = 0) -> Deliverer:
        return Deliverer(targets or (WEB,), ledger, client, lambda: NOW + after)

    return called


ALL_OF_IT = [
    "check web",
    "install web",
    "nginx -t for example.org",
    "reload for example.org",
    "verify server:443",
]


class TestAllIsWell:
    def test_it_is_checked_installed_tested_reloaded_and_verified(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        deliverer = call()
        deliverer.deliver(certificate, [WEB])
        assert log == ALL_OF_IT
        assert ledger.pending() == deliverer.failed == []
        (there,) = ledger.deployed()
        assert there.fingerprint == Recording.brought["web"][-1]
        assert (there.certificate, there.target, there.since) == (certificate, "web", NOW)
        assert deliverer.arrived == [there]

    def test_nothing_is_done_twice(self, call: Call, certificate: Certificate, log: list[str]) -> None:
        call().deliver(certificate, [WEB])
        log.clear()
        call().deliver(certificate, [WEB])
        assert log == []

    def test_what_is_there_for_some_other_reason_touches_no_service(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        call().deliver(certificate, [WEB])
        log.clear()
        call().deliver(certificate, [WEB._replace(options={"place": "web", "mode": "0640"})])
        assert log == ["check web"]
        assert ledger.pending() == []

    def test_by_force_it_is(self, call: Call, certificate: Certificate, log: list[str]) -> None:
        call().deliver(certificate, [WEB])
        log.clear()
        call().deliver(certificate, [WEB], force=True)
        assert log == ALL_OF_IT

    def test_what_was_forced_and_failed_is_forced_by_the_next_try_as_well(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        """Else that would find all there already, and nobody would know of the service."""
        call().deliver(certificate, [WEB])
        Recording.faults["nginx -t"] = DeployError("nginx is not content")
        call().deliver(certificate, [WEB], force=True)
        Recording.faults.clear()
        log.clear()
        call().retry(everything=True)
        assert log == ALL_OF_IT
        assert ledger.pending() == []
        assert not ledger.deployed()[0].forced

    def test_targets_that_share_a_service_have_it_reloaded_once(
        self, call: Call, certificate: Certificate, log: list[str]
    ) -> None:
        call().deliver(certificate, [WEB, place("also", test=(), verify="other:443"), MAIL])
        assert [each for each in log if "reload" in each] == [
            "reload for example.org",
            "reload-mail for example.org",
        ]
        assert log[-3:-1] == ["verify server:443", "verify other:443"]

    def test_a_dry_run_tells_what_would_change_and_changes_nothing(
        self, call: Call, certificate: Certificate, state_dir: Path, log: list[str]
    ) -> None:
        assert call().would_change(certificate, WEB) == ["gets another content"]
        assert log == ["check web"]
        assert not state_dir.exists()
        call().deliver(certificate, [WEB])
        assert call().would_change(certificate, WEB) == []

    def test_by_hand_the_target_is_looked_at_where_a_client_s_call_believes_the_ledger(
        self, call: Call, certificate: Certificate, log: list[str]
    ) -> None:
        call().deliver(certificate, [WEB])
        Recording.brought.clear()
        log.clear()
        call().deliver(certificate, [WEB])
        assert log == []
        assert call().would_change(certificate, WEB) == ["gets another content"]
        call().deliver(certificate, [WEB], look=True)
        assert "install web" in log


class TestAFailure:
    def failed(self, call: Call, certificate: Certificate, *targets: Deployment) -> str:
        """What is said of a delivery that does not arrive."""
        deliverer = call()
        deliverer.deliver(certificate, targets or [WEB])
        (failed,) = deliverer.failed
        return failed.error

    def test_of_the_check_touches_nothing(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        Recording.faults["check"] = DeployError("no P-384 here")
        assert self.failed(call, certificate) == "no P-384 here"
        assert log == []
        (pending,) = ledger.pending()
        assert (pending.step, pending.tries, pending.since) == (UNTOUCHED, 1, NOW)

    def test_of_the_test_brings_the_old_back_and_does_not_touch_the_service(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        Recording.faults["nginx -t"] = DeployError("line 3")
        assert self.failed(call, certificate) == "line 3; what was there before is back"
        assert log == [*ALL_OF_IT[:3], "undo web"]
        assert Recording.brought["web"] == []
        assert ledger.deployed() == []

    @pytest.mark.parametrize(("what", "done"), [("reload", 4), ("server:443", 5)])
    def test_of_the_service_brings_the_old_back_and_reloads_again(
        self, call: Call, certificate: Certificate, log: list[str], what: str, done: int
    ) -> None:
        Recording.faults[what] = DeployError("no answer")
        said = self.failed(call, certificate)
        assert log == [*ALL_OF_IT[:done], "undo web", "reload for example.org"]
        again = "; no answer" if what == "reload" else ""
        assert said == f"no answer; what was there before is back{again}"

    def test_is_tried_again_and_then_all_is_well(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        Recording.faults["nginx -t"] = DeployError("line 3")
        self.failed(call, certificate)
        Recording.faults.clear()
        log.clear()
        call(after=RETRY_INTERVAL).retry()
        assert log == ALL_OF_IT
        assert ledger.pending() == []
        (there,) = ledger.deployed()
        assert (there.error, there.tries) == ("", 0)

    def test_that_cannot_be_undone_is_said(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        Recording.faults["undo"] = OSError("disk full")
        Recording.faults["nginx -t"] = DeployError("line 3")
        said = self.failed(call, certificate)
        assert said == "line 3; and what was there before could not be brought back: OSError: disk full"

    def test_of_a_target_that_cannot_go_back_is_said_and_ends_with_the_service(
        self, call: Call, certificate: Certificate, log: list[str]
    ) -> None:
        web = place("web", "oneway")
        Recording.faults["server:443"] = DeployError("no answer")
        assert "the new one stays: this kind of target cannot go back" in self.failed(call, certificate, web)
        Recording.faults.clear()
        log.clear()
        call(web, after=RETRY_INTERVAL).retry()
        assert log == ALL_OF_IT[3:]

    @pytest.mark.parametrize("fault", [DeployError("refused"), KeyError("of the target's own")])
    def test_does_not_stop_the_others(
        self, call: Call, certificate: Certificate, ledger: Ledger, fault: Exception
    ) -> None:
        Recording.faults["install web"] = fault
        self.failed(call, certificate, WEB, MAIL)
        assert [each.target for each in ledger.deployed()] == ["mail"]
        assert [each.target for each in ledger.pending()] == ["web"]

    @pytest.mark.parametrize("aborts", [True, False])
    def test_that_is_to_abort_the_run_is_told_from_the_others(
        self, call: Call, certificate: Certificate, aborts: bool
    ) -> None:
        Recording.faults["install web"] = DeployError("refused")
        targets = [WEB._replace(aborts=aborts), MAIL]
        deliverer = call(*targets)
        deliverer.deliver(certificate, targets)
        assert deliverer.aborting() == (deliverer.failed if aborts else [])

    def test_goes_back_also_where_the_ledger_cannot_be_written(
        self, call: Call, certificate: Certificate, log: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep = Ledger.keep

        def keep_until_the_reload(ledger: Ledger, deliveries: Iterable[Delivery]) -> None:
            if ALL_OF_IT[3] in log:
                raise StateError("No space left on device", "")
            keep(ledger, deliveries)

        monkeypatch.setattr(Ledger, "keep", keep_until_the_reload)
        Recording.faults["reload"] = DeployError("no answer")
        with pytest.raises(StateError):
            call().deliver(certificate, [WEB])
        assert Recording.brought["web"] == []
        assert log[-1] == ALL_OF_IT[3]  # again, with what was there before

    def test_tells_no_secret(
        self, call: Call, certificate: Certificate, ledger: Ledger, capsys: pytest.CaptureFixture[str]
    ) -> None:
        hide("hush-hush")
        Recording.faults["install"] = DeployError("token hush-hush refused")
        assert self.failed(call, certificate) == "token [secret] refused"
        assert "hush" not in capsys.readouterr().err


class TestWhatIsNotFit:
    def test_touches_no_target_and_stays_pending(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str], tmp_path: Path
    ) -> None:
        Path(certificate.key).write_bytes(Path(issue(tmp_path, "example.net").key).read_bytes())
        deliverer = call()
        deliverer.deliver(certificate, [WEB, MAIL])
        assert all("is not that of the certificate" in each.error for each in deliverer.failed)
        assert {each.target for each in ledger.pending()} == {"web", "mail"}
        assert log == []

    @pytest.mark.parametrize("name", ["(STAGING) Let's Encrypt", "Fake LE Intermediate X1"])
    def test_is_a_staging_ca_s_unless_it_is_asked_for(
        self, call: Call, ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setattr(
            "bundles.AUTHORITY", trustme.CA(organization_name=name, organization_unit_name=name)
        )
        certificate = issue(tmp_path, "example.org")
        deliverer = call()
        deliverer.deliver(certificate, [WEB, MAIL._replace(staging=True)])
        (refused,) = deliverer.failed
        assert "is from a staging CA" in refused.error
        assert [each.target for each in ledger.deployed()] == ["mail"]


class TestAKill:
    def run(self, deliverer: Deliverer, certificate: Certificate, queue: bool) -> None:
        deliverer.deliver(certificate, [WEB], queue=queue)
        deliverer.end_run()

    @pytest.mark.parametrize("instant", ["check", "install", "installed", "nginx -t", "reload", "server:443"])
    @pytest.mark.parametrize("queue", [False, True], ids=["at once", "at the end"])
    def test_at_any_instant_leaves_it_to_the_next_run(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str], instant: str, queue: bool
    ) -> None:
        Recording.faults[instant] = Killed()
        with pytest.raises(Killed):
            self.run(call(client=GONE), certificate, queue)
        Recording.faults.clear()
        log.clear()

        call(client=ALIVE).retry()

        assert log[-2:] == ALL_OF_IT[-2:]
        assert len(Recording.brought["web"]) == 1
        assert ledger.pending() == []

    def test_is_mended_too_if_the_certificate_is_the_former_again(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str], tmp_path: Path
    ) -> None:
        former = {Path(path): Path(path).read_bytes() for path in certificate[1:5]}
        call().deliver(certificate, [WEB])
        Recording.faults["installed"] = Killed()
        with pytest.raises(Killed):
            call(client=GONE).deliver(issue(tmp_path, "example.org"), [WEB])
        Recording.faults.clear()
        log.clear()
        for path, content in former.items():
            path.write_bytes(content)

        call(client=ALIVE).retry()

        assert log == ALL_OF_IT
        assert ledger.pending() == []

    @pytest.mark.parametrize("refused", ["nginx -t", "reload", "server:443"])
    def test_on_the_way_back_leaves_it_to_the_next_run_to_install_it_anew(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str], refused: str
    ) -> None:
        Recording.faults.update({refused: DeployError("no"), "undone": Killed()})
        with pytest.raises(Killed):
            call(client=GONE).deliver(certificate, [WEB])
        Recording.faults.clear()
        log.clear()

        call(client=ALIVE).retry()

        assert log == ALL_OF_IT
        assert [each.fingerprint for each in ledger.deployed()] == Recording.brought["web"]

    def test_between_two_targets_leaves_the_second_to_the_next_run(
        self, call: Call, certificate: Certificate, ledger: Ledger
    ) -> None:
        Recording.faults["check web"] = Killed()
        with pytest.raises(Killed):
            call(client=GONE).deliver(certificate, [WEB, MAIL])
        Recording.faults.clear()
        call(WEB, MAIL, client=ALIVE).retry()
        assert {each.target for each in ledger.deployed()} == {"web", "mail"}


class TestTheEndOfTheRun:
    @pytest.fixture
    def two(self, tmp_path: Path) -> list[Certificate]:
        return [issue(tmp_path, domain) for domain in ("example.org", "example.net")]

    def deliver(self, call: Call, certificates: list[Certificate], *targets: Deployment) -> None:
        for certificate in certificates:
            call(client=ALIVE).deliver(certificate, targets or [WEB], queue=True)

    def web(self, domain: str) -> Deployment:
        """A target for this certificate alone, whose service others share."""
        return place(domain, verify=f"{domain}:443", test=())._replace(pattern=domain)

    def test_reloads_a_service_once_for_all_certificates(
        self, call: Call, two: list[Certificate], ledger: Ledger, log: list[str]
    ) -> None:
        self.deliver(call, two)
        assert not [each for each in log if "reload" in each]
        assert {each.step for each in ledger.pending()} == {INSTALLED}
        log.clear()
        call(client=ALIVE).end_run()
        assert log[0] in ("reload for example.org example.net", "reload for example.net example.org")
        assert log[1:] == ["verify server:443"] * 2
        assert ledger.pending() == []

    def test_takes_back_only_what_the_service_does_not_show(
        self, call: Call, two: list[Certificate], ledger: Ledger, log: list[str]
    ) -> None:
        targets = [self.web("example.org"), self.web("example.net")]
        for certificate, target in zip(two, targets, strict=True):
            self.deliver(call, [certificate], target)
        log.clear()
        Recording.faults["example.org:443"] = DeployError("the old one")
        call(*targets, client=ALIVE).end_run()
        assert log[-2:] == ["undo example.org", "reload for example.org"]
        assert [each.target for each in ledger.pending()] == ["example.org"]
        assert [each.target for each in ledger.deployed()] == ["example.net"]

    def test_takes_all_of_it_back_if_the_service_takes_none(
        self, call: Call, two: list[Certificate], ledger: Ledger
    ) -> None:
        targets = [self.web("example.org"), self.web("example.net")]
        for certificate, target in zip(two, targets, strict=True):
            self.deliver(call, [certificate], target)
        Recording.faults["reload"] = DeployError("failed")
        call(*targets, client=ALIVE).end_run()
        assert Recording.brought == {"example.org": [], "example.net": []}
        assert {each.step for each in ledger.pending()} == {UNTOUCHED}

    def test_is_not_waited_for_by_what_is_to_abort_the_run(
        self, call: Call, certificate: Certificate, log: list[str]
    ) -> None:
        call(client=ALIVE).deliver(certificate, [WEB._replace(aborts=True)], queue=True)
        assert log == ALL_OF_IT

    def test_is_not_waited_for_where_nothing_is_reloaded(
        self, call: Call, certificate: Certificate, ledger: Ledger
    ) -> None:
        call(client=ALIVE).deliver(certificate, [WEB._replace(reload=())], queue=True)
        assert len(ledger.deployed()) == 1

    def test_is_not_waited_for_where_the_run_cannot_be_told(
        self, call: Call, certificate: Certificate, log: list[str]
    ) -> None:
        call(client=None).deliver(certificate, [WEB], queue=True)
        assert log == ALL_OF_IT

    def test_leaves_alone_what_another_living_run_has_queued(
        self, call: Call, certificate: Certificate, ledger: Ledger
    ) -> None:
        self.deliver(call, [certificate])
        call(client=NEXT).end_run()
        assert [each.step for each in ledger.pending()] == [INSTALLED]

    @pytest.mark.parametrize("targets", [(WEB, MAIL), (MAIL, WEB)], ids=["just before", "just after"])
    def test_of_a_call_does_not_do_again_what_another_process_does_meanwhile(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str], targets: list[Deployment]
    ) -> None:
        Recording.meanwhile["install mail"] = lambda: call().deliver(certificate, [WEB])
        call().deliver(certificate, targets)
        assert log.count("install web") == log.count("reload for example.org") == 1
        assert ledger.pending() == []
        assert len(ledger.deployed()) == 2

    def test_has_nothing_to_do_for_what_another_process_has_done_meanwhile(
        self, call: Call, certificate: Certificate, ledger: Ledger, log: list[str]
    ) -> None:
        self.deliver(call, [certificate])
        call(client=NEXT).deliver(certificate, [WEB])
        call(client=ALIVE).end_run()
        assert log == ALL_OF_IT
        assert ledger.pending() == []

    def test_reloads_for_the_newest_if_a_certificate_was_brought_twice(
        self, call: Call, certificate: Certificate, ledger: Ledger, tmp_path: Path, log: list[str]
    ) -> None:
        self.deliver(call, [certificate])
        newer = issue(tmp_path, "example.org")
        self.deliver(call, [newer])
        call(client=ALIVE).end_run()
        assert log.count("reload for example.org") == 1
        assert log.count("install web") == 2
        assert [each.fingerprint for each in ledger.deployed()] == Recording.brought["web"][-1:]


class TestTryingAgain:
    @pytest.fixture
    def fail(self, call: Call, certificate: Certificate) -> Callable[[Client | None], None]:
        def failed(client: Client | None) -> None:
            Recording.faults["install"] = DeployError("refused")
            call(client=client).deliver(certificate, [WEB])
            Recording.faults.clear()

        return failed

    @pytest.mark.parametrize(
        ("by", "now", "after", "again"),
        [
            (ALIVE, ALIVE, RETRY_INTERVAL, False),  # a target that hangs must not do so at each certificate
            (ALIVE, NEXT, RETRY_INTERVAL, False),
            (ALIVE, NEXT, ABANDONED, False),
            (GONE, ALIVE, 0, True),
            (None, ALIVE, RETRY_INTERVAL - 1, False),
            (None, ALIVE, RETRY_INTERVAL, True),
        ],
        ids=[
            "the same run: no",
            "while the other run goes on: no",
            "after hours: no, while it goes on",
            "the other run is over: yes",
            "soon after a run that is not known: no",
            "later: yes",
        ],
    )
    def test_is_done_once_in_each_run(
        self,
        call: Call,
        fail: Callable[[Client | None], None],
        ledger: Ledger,
        by: Client | None,
        now: Client | None,
        after: float,
        again: bool,
    ) -> None:
        fail(by)
        call(client=now, after=after).retry()
        assert bool(ledger.deployed()) == again

    def test_by_hand_is_done_at_any_time(
        self, call: Call, fail: Callable[[Client | None], None], ledger: Ledger
    ) -> None:
        fail(ALIVE)
        call().retry(everything=True)
        assert ledger.pending() == []
        assert len(ledger.deployed()) == 1

    def test_counts(self, call: Call, fail: Callable[[Client | None], None], ledger: Ledger) -> None:
        fail(None)
        Recording.faults["install"] = DeployError("refused")
        call(after=RETRY_INTERVAL).retry()
        (pending,) = ledger.pending()
        assert (pending.tries, pending.since, pending.tried) == (2, NOW, NOW + RETRY_INTERVAL)

    def test_takes_the_newest_certificate(
        self, call: Call, fail: Callable[[Client | None], None], ledger: Ledger, tmp_path: Path
    ) -> None:
        fail(None)
        newer = issued(tmp_path / "certs" / "example.org", "example.org")
        call(after=RETRY_INTERVAL).retry()
        assert [each.fingerprint for each in ledger.deployed()] == [newer.facts.fingerprint]

    def test_takes_the_paths_that_the_client_gave_last(
        self, call: Call, fail: Callable[[Client | None], None], ledger: Ledger, tmp_path: Path
    ) -> None:
        fail(None)
        moved = issue(tmp_path / "elsewhere", "example.org")
        call().deliver(moved, [WEB])
        assert [each.certificate for each in ledger.deployed()] == [moved]

    def test_of_an_older_certificate_by_another_process_does_not_pass_for_the_newer_one(
        self, call: Call, fail: Callable[[Client | None], None], ledger: Ledger, tmp_path: Path
    ) -> None:
        fail(None)
        newer = issue(tmp_path / "elsewhere", "example.org")
        Recording.meanwhile["install mail"] = lambda: call(WEB, after=RETRY_INTERVAL).retry()
        call().deliver(newer, [MAIL, WEB])
        assert {each.certificate for each in ledger.deployed()} == {newer}
        assert ledger.pending() == []

    def test_of_another_certificate_with_the_same_first_name_is_warned_of(
        self, call: Call, certificate: Certificate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        call().deliver(certificate, [WEB])
        call().deliver(issue(tmp_path, "example.org"), [WEB])
        assert "takes the place" not in capsys.readouterr().err
        call().deliver(issue(tmp_path / "rsa", "example.org"), [WEB])
        said = capsys.readouterr().err
        assert f"example.org → web: it takes the place of {certificate.cert}" in said
        assert "a section for each that is called like its folder" in said

    def test_is_given_up_when_the_target_is_not_configured_any_more(
        self,
        call: Call,
        fail: Callable[[Client | None], None],
        ledger: Ledger,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fail(None)
        call(MAIL, after=RETRY_INTERVAL).retry()
        assert ledger.pending() == ledger.deployed() == []
        assert "example.org → web: given up" in capsys.readouterr().err


class TestTheLedger:
    def test_is_the_owner_s_alone_and_has_no_key_in_it(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        Recording.faults["install web"] = DeployError("refused")
        call().deliver(certificate, [WEB, MAIL])
        files = [*state_dir.glob("pending/*.json"), *state_dir.glob("deployed/*.json")]
        assert len(files) == 2
        key = Path(certificate.key).read_text().splitlines()[1]
        for file in files:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            assert key not in file.read_text()
        assert not list(state_dir.rglob("*.tmp"))

    def test_files_are_called_so_that_a_person_finds_them(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        assert [file.name.rpartition("-")[0] for file in state_dir.glob("deployed/*")] == ["example.org_web"]

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', "null"])
    def test_a_corrupt_file_is_moved_aside_and_said(
        self,
        call: Call,
        certificate: Certificate,
        ledger: Ledger,
        state_dir: Path,
        capsys: pytest.CaptureFixture[str],
        content: str,
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        file.write_text(content)
        assert ledger.deployed() == []
        assert str(state_dir / "corrupt" / "deployed" / file.name) in capsys.readouterr().err
        assert (state_dir / "corrupt" / "deployed" / file.name).read_text() == content

    def test_a_file_of_a_newer_version_is_left_to_it(
        self, call: Call, certificate: Certificate, ledger: Ledger, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        file.write_text(json.dumps({**json.loads(file.read_text()), "version": 99}))
        assert ledger.deployed() == []
        assert file.exists()

    def test_a_file_of_an_older_version_which_knew_no_traits_is_read_as_it_was(
        self, call: Call, certificate: Certificate, ledger: Ledger, state_dir: Path
    ) -> None:
        call().deliver(certificate, [WEB])
        (file,) = state_dir.glob("deployed/*.json")
        record = json.loads(file.read_text())
        assert record.pop("traits")["names"] == ["example.org"]
        file.write_text(json.dumps(record))
        (delivery,) = ledger.deployed()
        assert (delivery.traits, delivery.differences) == ({}, ())

    def test_a_target_is_held_against_other_processes(
        self, call: Call, certificate: Certificate, state_dir: Path
    ) -> None:
        other = Ledger(str(state_dir), sleep=lambda seconds: None)
        with other.lock([WEB]):
            deliverer = Deliverer([WEB], other, None)
            deliverer.deliver(certificate, [WEB])
        (failed,) = deliverer.failed
        assert f"the target web has been locked by process {os.getpid()}" in failed.error
