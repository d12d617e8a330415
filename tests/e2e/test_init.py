"""From ``dns01 init`` to a certificate, with what it wrote and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rdatatype
import pytest
from fakes.digitalocean import DigitalOcean
from fresh import HOME, FreshMachine
from testbed import Bind, NameServer, Pebble, World, Zone
from testbed.sockets import Transport

from .clients import Issued
from .stage import BIND, BIND_KEY, SOA, world_and_ca
from .verify import verify

NAMES = ("example.org", "*.example.org")
MINE = ("/etc/dns01", "/etc/dehydrated", "/etc/letsencrypt")


class Published(NameServer):
    """Serves what the API of a provider has been told."""

    def __init__(self, address: str, api: DigitalOcean, zone: Zone) -> None:
        super().__init__(address, zones=[zone])
        self._api, self._zone = api, zone

    def answer(self, query: dns.message.Message, over: Transport) -> dns.message.Message | None:
        if query.question[0].rdtype == dns.rdatatype.TXT:
            name = query.question[0].name.to_text(omit_final_dot=True).lower()
            self._zone.set(name, "TXT", *self._api.values(name))
        return super().answer(query, over)


@pytest.fixture
def net() -> Iterator[tuple[World, Pebble]]:
    with world_and_ca() as net:
        yield net


@pytest.fixture
def machine(net: tuple[World, Pebble]) -> Iterator[FreshMachine]:
    """It has the resolver of the world, and trusts the CA's HTTPS certificate."""
    world, ca = net
    trust = "/etc/ssl/certs/ca-certificates.crt"
    environ = {"DNS01_RESOLVERS": world.resolver.address, "DNS01_DOH": "", "REQUESTS_CA_BUNDLE": trust}
    with FreshMachine(environ, forked=False) as machine:
        machine.write("/etc/resolv.conf", f"nameserver {world.resolver.address}\n", 0o644)
        machine.write(trust, ca.ca_file.read_text(), 0o644)
        yield machine


@pytest.fixture
def bind(net: tuple[World, Pebble], machine: FreshMachine) -> Iterator[Bind]:
    """The BIND of the machine: its key and its address are in /etc/bind."""
    world, _ = net
    with Bind(BIND, {"example.org": SOA}, keys=[BIND_KEY]) as server:
        world.delegate("example.org", {"ns.example.org": BIND})
        machine.write("/etc/bind/dns01.key", BIND_KEY.bind(), 0o640)
        machine.write("/etc/bind/named.conf.options", f"options {{ listen-on {{ {BIND}; }}; }};\n", 0o644)
        yield server


def order(machine: FreshMachine, ca: Pebble, client: str, *more: str) -> None:
    """All in one command; the same once more, without an order, changes nothing."""
    command = ["dns01", "init", "--client", client, "--ca", ca.directory, *more, "--yes"]
    said = machine.run(*command, "--order", *NAMES)
    print(said.stdout, said.stderr)
    assert said.code == 0
    before = machine.files(*MINE)
    if (crontab := machine.path(f"/etc/cron.d/{client}")).exists() and client != "certbot":
        line = crontab.read_text().splitlines()[-1].partition(" root ")[2]
        nightly = machine.run("sh", "-c", line.replace("\\%", "%"))
        assert nightly.stdout + nightly.stderr == ""  # which cron would mail
    again = machine.run(*command, *NAMES)
    assert again.code == 0, again.stderr
    assert machine.files(*MINE) == before


@pytest.mark.parametrize("client", ["dehydrated", "lego"])
def test_an_order_that_is_stopped_leaves_no_record_and_the_next_run_goes_on(
    client: str, net: tuple[World, Pebble], machine: FreshMachine
) -> None:
    world, ca = net
    with DigitalOcean(["example.org"]) as api:
        api.name_servers = ["ns1.example.org"]
        zone = Zone("example.org", "", {"ns1.example.org": BIND})
        given = ["--client", client, "--ca", ca.directory, "--email", "ops@example.edu", "--provider", "do"]
        given += ["--set", f"base_url={api.url}", "--secret", f"token={HOME}/token", "example.org"]
        machine.write(f"{HOME}/token", api.token)
        world.delegate("example.org", {"ns1.example.org": BIND})
        with NameServer(BIND, zones=[zone]) as server:  # to which no record comes
            world.servers[BIND] = server
            said = machine.at_terminal(
                *["dns01", "init", *given, "--order", "--renewal"],
                answers=[("Write this", "yes\n")],
                stopped_at="waiting for" if client == "dehydrated" else r"EXEC_PATH=[^\n]*\n[\s\S]*acme: ",
            )
        assert said.code == 130, said.stdout
        assert "dns01 sweep" in said.stdout
        assert machine.run("dns01", "sweep").code == 0
        assert api.values("_acme-challenge.example.org") == set()
        with Published(BIND, api, zone) as server:
            world.servers[BIND] = server
            order = machine.run("dns01", "init", *given, "--order", "--renewal", "--yes")
        assert order.code == 0, order.stderr
        assert "nothing has to be changed" in order.stdout


def issued(folder: Path, key: str, fullchain: str) -> Issued:
    return Issued(folder / key, folder / fullchain)


def test_dehydrated_and_the_bind_of_this_machine(
    net: tuple[World, Pebble], machine: FreshMachine, bind: Bind
) -> None:
    _, ca = net
    order(machine, ca, "dehydrated")
    certificate = issued(
        machine.path("/var/lib/dehydrated/certs/example.org"), "privkey.pem", "fullchain.pem"
    )
    verify(certificate, NAMES, ca.roots())
    assert bind.txt("_acme-challenge.example.org") == set()


def test_lego_and_the_bind_of_this_machine(
    net: tuple[World, Pebble], machine: FreshMachine, bind: Bind
) -> None:
    _, ca = net
    order(machine, ca, "lego", "--email", "hostmaster@example.org")
    folder = machine.path("/var/lib/lego/certificates")
    verify(issued(folder, "example.org.key", "example.org.crt"), NAMES, ca.roots())
    section = '[deploy."example.org".tls]\nto = "files"\ndirectory = "/opt/tls"\n'
    with machine.path("/etc/dns01/config.toml").open("a") as config:
        config.write(section)
    said = machine.run("dns01", "deploy", "example.org")
    assert said.code == 0, said.stderr
    assert machine.path("/opt/tls/fullchain.pem").read_text().count("BEGIN CERTIFICATE") > 1
    assert bind.txt("_acme-challenge.example.org") == set()


def test_certbot_and_the_api_of_a_provider(net: tuple[World, Pebble], machine: FreshMachine) -> None:
    world, ca = net
    with DigitalOcean(["example.org"]) as api:
        api.name_servers = ["ns1.example.org"]
        zone = Zone("example.org", "", {"ns1.example.org": BIND})
        with Published(BIND, api, zone) as server:
            world.servers[BIND] = server
            world.delegate("example.org", {"ns1.example.org": BIND})
            machine.write(f"{HOME}/.secrets/certbot/do.ini", f"dns_digitalocean_token = {api.token}\n")
            order(machine, ca, "certbot", "--set", f"base_url={api.url}")
            live = machine.path("/etc/letsencrypt/archive/example.org")
            verify(issued(live, "privkey1.pem", "fullchain1.pem"), NAMES, ca.roots())
            assert api.values("_acme-challenge.example.org") == set()
