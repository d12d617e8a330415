"""What failed to be brought is tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from bundles import issued
from recording import ALIVE, GONE, MAIL, NEXT, NOW, WEB, Call, Recording, issue

from dns01.errors import DeployError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.clients.process import ClientProcess
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.state.liveness import ABANDONED, RETRY_INTERVAL


class TestTryingAgain:
    @pytest.fixture
    def fail(self, call: Call, certificate: Certificate) -> Callable[[ClientProcess | None], None]:
        def failed(client: ClientProcess | None) -> None:
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
        fail: Callable[[ClientProcess | None], None],
        ledger: Ledger,
        by: ClientProcess | None,
        now: ClientProcess | None,
        after: float,
        again: bool,
    ) -> None:
        fail(by)
        call(client=now, after=after).retry()
        assert bool(ledger.deployed()) == again

    def test_by_hand_is_done_at_any_time(
        self, call: Call, fail: Callable[[ClientProcess | None], None], ledger: Ledger
    ) -> None:
        fail(ALIVE)
        call().retry(everything=True)
        assert ledger.pending() == []
        assert len(ledger.deployed()) == 1

    def test_counts(self, call: Call, fail: Callable[[ClientProcess | None], None], ledger: Ledger) -> None:
        fail(None)
        Recording.faults["install"] = DeployError("refused")
        call(after=RETRY_INTERVAL).retry()
        (pending,) = ledger.pending()
        assert (pending.tries, pending.since, pending.tried) == (2, NOW, NOW + RETRY_INTERVAL)

    def test_takes_the_newest_certificate(
        self, call: Call, fail: Callable[[ClientProcess | None], None], ledger: Ledger, tmp_path: Path
    ) -> None:
        fail(None)
        newer = issued(tmp_path / "certs" / "example.org", "example.org")
        call(after=RETRY_INTERVAL).retry()
        assert [each.fingerprint for each in ledger.deployed()] == [newer.facts.fingerprint]

    def test_takes_the_paths_that_the_client_gave_last(
        self, call: Call, fail: Callable[[ClientProcess | None], None], ledger: Ledger, tmp_path: Path
    ) -> None:
        fail(None)
        moved = issue(tmp_path / "elsewhere", "example.org")
        call().deliver(moved, [WEB])
        assert [each.certificate for each in ledger.deployed()] == [moved]

    def test_of_an_older_certificate_by_another_process_does_not_pass_for_the_newer_one(
        self, call: Call, fail: Callable[[ClientProcess | None], None], ledger: Ledger, tmp_path: Path
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
        assert " ! " not in capsys.readouterr().err
        call().deliver(issue(tmp_path / "rsa", "example.org"), [WEB])
        said = capsys.readouterr().err
        assert [line for line in said.splitlines() if line.startswith(" ! ")] == [
            f" ! example.org → web: it takes the place of {certificate.cert}, which has the same first name",
            " ! if both are in use, write a section for each that is called like its folder",
        ]

    def test_is_given_up_when_the_target_is_not_configured_any_more(
        self,
        call: Call,
        fail: Callable[[ClientProcess | None], None],
        ledger: Ledger,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        fail(None)
        call(MAIL, after=RETRY_INTERVAL).retry()
        assert ledger.pending() == ledger.deployed() == []
        assert "example.org → web: given up" in capsys.readouterr().err
