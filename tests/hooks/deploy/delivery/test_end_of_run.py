"""The end of a client's run: each service is reloaded once for all certificates."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording import ALIVE, ALL_OF_IT, MAIL, NEXT, WEB, Call, Recording, issue, place

from dns01.errors import DeployError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.delivery.ledger import INSTALLED, UNTOUCHED, Ledger
from dns01.hooks.deploy.section import Deployment


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
