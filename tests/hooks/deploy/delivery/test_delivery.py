"""A certificate is brought to its targets: checked, installed, tested, reloaded and verified, or undone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import trustme
from bundles import issued
from recording import ALIVE, ALL_OF_IT, GONE, MAIL, NOW, WEB, Call, Recording, issue, place

from dns01.errors import DeployError, StateError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import UNTOUCHED, Delivery, Ledger
from dns01.hooks.deploy.delivery.reload import Services
from dns01.hooks.deploy.section import Deployment
from dns01.hooks.state.liveness import RETRY_INTERVAL
from dns01.secret import hide


class Killed(BaseException):
    """What SIGKILL does: nothing that follows is done."""


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
        assert call().would_change(certificate, WEB) == ["another version"]
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
        assert call().would_change(certificate, WEB) == ["another version"]
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
        assert said.count("no answer") == (2 if what == "reload" else 1)

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
        said = self.failed(call, certificate, web)
        assert said == "no answer; the new one stays: this kind of target cannot go back"
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
        self, certificate: Certificate, services: Services, log: list[str], state_dir: Path
    ) -> None:
        class FullAtTheReload(Ledger):
            def keep(self, deliveries: Iterable[Delivery]) -> None:
                if ALL_OF_IT[3] in log:
                    raise StateError("No space left on device", "")
                super().keep(deliveries)

        Recording.faults["reload"] = DeployError("no answer")
        deliverer = Deliverer((WEB,), FullAtTheReload(str(state_dir)), None, services=services)
        with pytest.raises(StateError):
            deliverer.deliver(certificate, [WEB])
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
        assert all(f"the key {certificate.key} " in each.error for each in deliverer.failed)
        assert {each.target for each in ledger.pending()} == {"web", "mail"}
        assert log == []

    @pytest.mark.parametrize("name", ["(STAGING) Let's Encrypt", "Fake LE Intermediate X1"])
    def test_is_a_staging_ca_s_unless_it_is_asked_for(
        self, call: Call, ledger: Ledger, tmp_path: Path, name: str
    ) -> None:
        authority = trustme.CA(organization_name=name, organization_unit_name=name)
        certificate = issued(tmp_path, "example.org", authority=authority).facts.certificate
        deliverer = call()
        deliverer.deliver(certificate, [WEB, MAIL._replace(staging=True)])
        (refused,) = deliverer.failed
        words = rf"the certificate is from a staging CA \(.*{re.escape(name)}.*\), which no browser trusts"
        assert re.fullmatch(words, refused.error)
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
