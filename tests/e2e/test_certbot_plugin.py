"""certbot with our authenticator in its own process: what it keeps, what it says, what it leaves."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import dns.name
import dns.query
import dns.rcode
import dns.update
import pytest
from testbed import TIME_LIMIT, Pebble

from .clients import HOOKS, NEWEST_CERTBOT, Host, certbot, certbot_command, of_certbot
from .conftest import newcomers
from .stage import BIND, BIND_KEY, NAMES, Stage
from .verify import verify

BOTH = ("example.org", "*.example.org")
NOWHERE = ("a.example.test", "b.example.test")  # nobody has that zone
OF_ORG = "127.0.0.3:53"  # a name server that refers to the zone's own: as a resolver it finds nothing


def order(host: Host, names: Iterable[str] = BOTH, *words: str, fails: bool = False) -> str:
    """What certbot says to an order through the plugin."""
    command = [*certbot_command(host, NEWEST_CERTBOT, tuple(names)), "-a", "dns01", *words]
    if not fails:
        return host.run(*command)
    with pytest.raises(AssertionError, match="ends with 1"):
        host.run(*command)
    return host.said


def again(host: Host, *words: str) -> str:
    """What certbot says to a renewal, which is told nothing but where its files are."""
    folders = [f"--{name}-dir={host.folder / name}" for name in ("config", "work", "logs")]
    state = {"DNS01_STATE_DIR": str(host.state)}
    return host.run(
        NEWEST_CERTBOT, "renew", "--no-random-sleep-on-renew", *folders, *words, environment=state
    )


def trail(host: Host) -> list[dict[str, object]]:
    return [json.loads(line) for line in host.audit_trail().splitlines()]


def begun(host: Host, stage: Stage) -> int:
    """A certbot that waits for a name server which never gets the record; its process group."""
    lagging = {"ns2.example.org": "127.1.0.6"}
    stage.world.zone("example.org", lagging, delegated=False)
    stage.world.delegate("example.org", {"ns.example.org": BIND, **lagging})
    process = host.start(*certbot_command(host, NEWEST_CERTBOT, BOTH), "-a", "dns01")
    deadline = time.monotonic() + TIME_LIMIT
    while len(stage.texts()) < 2:
        assert time.monotonic() < deadline, "nothing is published"
        time.sleep(0.1)
    return process.pid


class TestOrder:
    def test_all_names_are_one_batch_and_renewals_remember_how(self, stage: Stage, host: Host) -> None:
        _write_configuration(host, stage)
        order(host, BOTH, "--dns01-config", "dns01.toml")
        kept = (host.folder / "config" / "renewal" / "example.org.conf").read_text()
        assert "authenticator = dns01" in kept
        assert f"dns01_config = {host.folder / 'dns01.toml'}" in kept
        assert BIND_KEY.secret not in kept
        calls = [(call["phase"], call["outcome"], len(call["names"])) for call in trail(host)]  # type: ignore[arg-type]
        assert calls == [("certbot auth", "ok", 2), ("certbot cleanup", "ok", 2)]
        first = verify(of_certbot(host), BOTH, stage.ca.roots())
        assert again(host, "--force-renewal", "-q") == ""
        second = verify(of_certbot(host), BOTH, stage.ca.roots())
        assert first.serial_number != second.serial_number
        assert (stage.texts(), host.open_entries()) == (set(), [])

    def test_a_certificate_of_the_hooks_goes_over_to_the_plugin_in_certbot_s_own_way(
        self, stage: Stage, host: Host
    ) -> None:
        certbot(host, NEWEST_CERTBOT)
        _write_configuration(host, stage)
        folders = [f"--{name}-dir={host.folder / name}" for name in ("config", "work", "logs")]
        over = ("-a", "dns01", "--dns01-config", "dns01.toml")
        host.run(NEWEST_CERTBOT, "reconfigure", "-n", "--cert-name", "example.org", *over, *folders)
        again(host, "--force-renewal")
        verify(of_certbot(host), NAMES, stage.ca.roots())
        assert trail(host)[-1]["phase"] == "certbot deploy"  # its deploy hook stays
        assert (stage.texts(), host.open_entries()) == (set(), [])

    def test_no_secret_reaches_certbot_s_log(self, stage: Stage, host: Host) -> None:
        _write_configuration(host, stage)
        order(host, BOTH, "--dns01-config", str(host.folder / "dns01.toml"), "-v", "--dry-run")
        log = (host.folder / "logs" / "letsencrypt.log").read_text()
        assert " + ready after" in host.said
        assert BIND_KEY.secret not in log + host.said + host.audit_trail()


class TestFailure:
    def test_every_name_that_leads_nowhere_is_told_and_the_ca_is_not_asked(
        self, stage: Stage, host: Host
    ) -> None:
        said = order(host, [*BOTH, *NOWHERE], fails=True)
        assert all(f"_acme-challenge.{name}" in said for name in NOWHERE)
        assert "Traceback" not in said
        assert "/chalZ/" not in stage.ca.log
        assert (stage.texts(), host.open_entries()) == (set(), [])

    def test_with_allow_subset_of_names_the_others_get_their_certificate(
        self, stage: Stage, host: Host
    ) -> None:
        order(host, ["example.org", NOWHERE[0]], "--allow-subset-of-names")
        verify(of_certbot(host), ["example.org"], stage.ca.roots())
        assert (stage.texts(), host.open_entries()) == (set(), [])

    def test_caa_is_looked_at_before_anything_is_published(self, stage: Stage, host: Host) -> None:
        update = dns.update.UpdateMessage("example.org", keyring=BIND_KEY.tsig)
        update.add(dns.name.from_text("example.org"), 60, "CAA", '0 issue "other.example"')
        assert dns.query.tcp(update, BIND, timeout=TIME_LIMIT).rcode() == dns.rcode.NOERROR
        host.configuration["DNS01_CA"] = "letsencrypt"
        assert 'example.org. CAA 0 issue "letsencrypt.org"' in order(host, fails=True)
        assert "adding an RR at '_acme-challenge" not in stage.zones["example.org"].log

    def test_without_a_provider_it_says_what_to_write_into_the_file(self, stage: Stage, host: Host) -> None:
        host.configuration = {"DNS01_CONFIG": "", "DNS01_STATE_DIR": str(host.state)}
        said = order(host, fails=True)
        assert "[account.own]" in said
        assert 'provider = "rfc2136"' in said

    def test_a_secret_in_a_file_that_others_can_read_is_refused_with_the_remedy(
        self, stage: Stage, host: Host
    ) -> None:
        _write_configuration(host, stage)
        (host.folder / "dns01.toml").chmod(0o644)
        said = order(host, BOTH, "--dns01-config", "dns01.toml", fails=True)
        assert "chmod" in said
        assert BIND_KEY.secret not in said
        assert "/chalZ/" not in stage.ca.log

    def test_when_the_ca_refuses_what_the_servers_show_is_said(self, stage: Stage, tmp_path: Path) -> None:
        with Pebble(OF_ORG) as ca:
            (folder := tmp_path / "client").mkdir()
            host = Host(folder, stage._replace(ca=ca), HOOKS["command"])
            said = order(host, fails=True)
        assert "for example.org:" in said
        assert "to look again: dns01 doctor example.org" in said
        assert (stage.texts(), host.open_entries()) == (set(), [])


class TestKill:
    def test_a_signal_ends_the_wait_and_takes_everything_back(
        self, stage: Stage, host: Host, bystanders: set[str]
    ) -> None:
        os.killpg(begun(host, stage), signal.SIGTERM)
        assert newcomers(bystanders) == set()
        assert (stage.texts(), host.open_entries()) == (set(), [])

    def test_what_sigkill_leaves_is_taken_back_by_the_next_run(
        self, stage: Stage, host: Host, bystanders: set[str]
    ) -> None:
        os.killpg(begun(host, stage), signal.SIGKILL)
        assert newcomers(bystanders) == set()
        assert len(host.open_entries()) == len(stage.texts()) == 2
        stage.world.delegate("example.org", {"ns.example.org": BIND})
        order(host)
        verify(of_certbot(host), BOTH, stage.ca.roots())
        assert (stage.texts(), host.open_entries()) == (set(), [])


def _write_configuration(host: Host, stage: Stage) -> None:
    file = host.folder / "dns01.toml"
    file.touch(0o600)
    file.write_text(
        f'resolvers = ["{stage.world.resolver.address}"]\nreadiness = "authoritative"\n'
        f'[account.own]\nprovider = "rfc2136"\nnameserver = "{BIND}"\nttl = 2\n'
        f'tsig_key = "{BIND_KEY.name}"\ntsig_secret = "{BIND_KEY.secret}"\n'
    )
    host.configuration = {"DNS01_STATE_DIR": str(host.state)}
