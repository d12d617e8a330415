"""The second time: after an order that went well, and after one that was killed."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import dns.name
import dns.query
import dns.rcode
import dns.update
import pytest
from testbed import TIME_LIMIT, Pebble

import dns01
from dns01.hooks.clients.setup import certificate_paths
from dns01.hooks.deploy.certificate.checks import inspect

from .clients import HOOKS, ROOT, Host, acme_example, dehydrated, dehydrated_command, tool
from .conftest import newcomers
from .stage import BIND, BIND_KEY, NAMES, Stage
from .verify import verify

CHALLENGE = "_acme-challenge.example.org"


class TestRenewal:
    """At once, while the CA's resolver still has the values of the first order in its cache."""

    @pytest.fixture
    def host(self, host: Host) -> Host:
        # No other resolver is asked, whose cache might happen to hold things up for as long.
        host.configuration.update(DNS01_TTL="6", DNS01_READINESS="authoritative")
        return host

    def test_the_second_order_waits_until_the_ca_has_forgotten_the_first(
        self, stage: Stage, host: Host
    ) -> None:
        first = verify(acme_example(host), NAMES, stage.ca.roots())
        second = verify(acme_example(host), NAMES, stage.ca.roots())
        steps = [json.loads(line).get("steps", {}) for line in host.audit_trail().splitlines()]
        at_first, later = [each["settle"] for each in steps if "settle" in each]
        assert later > max(at_first, 0.1)  # seconds
        assert first.serial_number != second.serial_number
        assert (stage.texts(), host.open_entries()) == (set(), [])


class TestExample:
    """What ``examples/acme_client.py`` promises."""

    def test_the_account_is_registered_once(self, stage: Stage, host: Host) -> None:
        issued = acme_example(host)
        (account,) = issued.key.parent.parent.glob("account-*.json")
        url = json.loads(account.read_text())["url"]
        another = acme_example(host, ["*.example.org"])  # in a folder of its own
        assert another.key.parent != issued.key.parent
        assert json.loads(account.read_text())["url"] == url
        assert host.said.count("Registering") == 1

    def test_names_that_the_ca_has_not_forgotten_are_not_published_again(
        self, stage: Stage, tmp_path: Path
    ) -> None:
        with Pebble("127.0.0.54:53", environment={"PEBBLE_AUTHZREUSE": "100"}) as ca:
            host = Host(tmp_path, stage._replace(ca=ca), HOOKS["command"])
            acme_example(host)
            published = stage.zones["example.org"].log.count("adding an RR")
            verify(acme_example(host), NAMES, ca.roots())
        assert stage.zones["example.org"].log.count("adding an RR") == published == len(NAMES)

    def test_secrets_are_for_their_owner_alone(self, stage: Stage, host: Host) -> None:
        issued = acme_example(host)
        folder = issued.key.parent
        paths = (*folder.iterdir(), *folder.parent.glob("account-*"))
        modes = {path.name.split("-")[0]: path.stat().st_mode & 0o777 for path in paths}
        public = {"cert.pem": 0o644, "fullchain.pem": 0o644}
        assert modes == {"account": 0o600, "privkey.pem": 0o600, **public}

    def test_its_folder_is_one_to_deploy_from(self, stage: Stage, host: Host) -> None:
        folder = acme_example(host).key.parent
        found = certificate_paths.find_in(str(folder), "example.org")
        assert found
        assert set(inspect(found).names) == set(NAMES)

    def test_a_failure_is_told_with_its_remedy_and_leaves_no_certificate(
        self, stage: Stage, host: Host
    ) -> None:
        program = tool(ROOT / "examples" / "acme_client.py")
        command = (program, host.directory, host.folder / "acme", "example.org", "--ca-file", host.ca_file)
        process = host.start(*command, environment={"DNS01_CONFIG": ""})
        said, _ = process.communicate(timeout=TIME_LIMIT)
        assert process.returncode == 1
        assert "export DNS01_PROVIDER" in said
        assert "Traceback" not in said
        assert not [path for path in (host.folder / "acme").iterdir() if "fullchain" in path.name]


class TestKill:
    """dehydrated and its hook get SIGKILL while the hook waits for a name server that lags."""

    def test_the_next_run_takes_back_the_orphans_and_nothing_else(
        self, stage: Stage, host: Host, bystanders: set[str]
    ) -> None:
        names = ("example.org", "*.example.org")
        foreign = (CHALLENGE, "foreign")
        alive = ("_acme-challenge.alive.example.org", "A" * 43)
        _add(*foreign)
        with dns01.published([dns01.Challenge("alive.example.org", "token", alive[1])], host.configuration):
            _delegate_to_one_that_lags(stage)
            run = host.start(*dehydrated_command(host, "yes", names), environment={})
            orphans = _wait_for_two(stage, but={foreign, alive})
            os.killpg(run.pid, signal.SIGKILL)
            print(f"--- the run that was killed:\n{run.communicate()[0]}")
            assert newcomers(bystanders) == set()
            assert stage.texts() == {foreign, alive, *orphans}
            assert len(host.open_entries()) == 3
            stage.world.delegate("example.org", {"ns.example.org": BIND})
            (host.folder / "lock").unlink()  # dehydrated's own: a person has to remove it

            verify(dehydrated(host, "yes", names), names, stage.ca.roots())
            assert "taking back 2 record(s) that earlier runs left" in host.said
            assert stage.texts() == {foreign, alive}
        assert stage.texts() == {foreign}
        assert host.open_entries() == []


def _add(owner: str, value: str) -> None:
    update = dns.update.UpdateMessage("example.org", keyring=BIND_KEY.tsig)
    update.add(dns.name.from_text(owner), 60, "TXT", value)
    assert dns.query.tcp(update, BIND, timeout=TIME_LIMIT).rcode() == dns.rcode.NOERROR


def _delegate_to_one_that_lags(stage: Stage) -> None:
    """A second name server, which never hears of what BIND is told."""
    lagging = {"ns2.example.org": "127.1.0.6"}
    stage.world.zone("example.org", lagging, delegated=False)
    stage.world.delegate("example.org", {"ns.example.org": BIND, **lagging})


def _wait_for_two(stage: Stage, but: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The two values at the apex, once they are there: what remains is the wait."""
    deadline = time.monotonic() + TIME_LIMIT
    while len(found := stage.texts() - but) < 2:
        assert time.monotonic() < deadline, "nothing is published"
        time.sleep(0.1)
    assert {owner for owner, _ in found} == {CHALLENGE}
    return found
