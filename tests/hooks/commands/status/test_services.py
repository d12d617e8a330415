"""dns01 status: the certificates that services show."""

from __future__ import annotations

import socket
import threading
from contextlib import closing

from bundles import issued
from machine import Machine
from statuses import codes, deployed, document, status
from testbed import TIME_LIMIT
from tls_server import at_once, served

from dns01.hooks.commands.status.services import Wanted, served_certificates

# What is live


def verified(machine: Machine, where: str) -> None:
    """The machine's only target has this service looked at."""
    machine.config.write_text(
        f'[deploy."*".web]\nto = "files"\ndirectory = "{machine.folder}/tls/{{name}}"\nverify = "{where}"\n'
        '[deploy."other.example".cdn]\nto = "fastly"\ntoken = { file = "/nowhere" }\n'  # is not asked for
    )


def test_the_service_of_a_target_is_looked_at(machine: Machine) -> None:
    folder = deployed(machine)
    new = issued(folder, "a.example")
    old = issued(machine.folder / "old", "a.example", days=60)
    for bundle, verdict, found in ((new, "matches", ["outdated"]), (old, "other", ["outdated"])):
        with served(at_once, bundle) as server:
            verified(machine, f"localhost:{server.port}")
            written = document(status(machine, "--json"))
            live = written["certificates"][0]["deployments"][0]["live"]
            assert (live["verdict"], live["leaf"]["fingerprint"]) == (verdict, bundle.facts.fingerprint)
            assert codes(written) == found


def test_a_service_that_was_not_reloaded_is_a_warning(machine: Machine) -> None:
    old = issued(machine.folder / "old", "a.example")
    deployed(machine)
    with served(at_once, old) as server:
        verified(machine, f"localhost:{server.port}")
        said = status(machine)
    assert said.code == 1
    assert f"localhost:{server.port} another certificate" in said.stdout
    assert "see that the service was reloaded" in said.stdout


def test_what_a_service_shows_and_is_about_to_expire_is_critical(machine: Machine) -> None:
    old = issued(machine.folder / "old", "a.example", days=2)
    deployed(machine)
    with served(at_once, old) as server:
        verified(machine, f"localhost:{server.port}")
        said = status(machine)
    assert said.code == 2
    assert f"the certificate that localhost:{server.port} shows expires in " in said.stdout


def test_a_service_that_does_not_answer_is_a_warning(machine: Machine) -> None:
    deployed(machine)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    verified(machine, f"127.0.0.1:{port}")
    said = status(machine)
    assert said.code == 1
    assert f"127.0.0.1:{port} unreachable" in said.stdout
    for words in ((), ("--probe", f"127.0.0.1:{port}")):
        assert "unreachable" in codes(document(status(machine, "--json", *words)))


def test_a_service_can_be_probed_by_hand(machine: Machine) -> None:
    known = issued(machine.folder / "certs" / "a.example", "a.example")
    other = issued(machine.folder / "other", "b.example")
    with served(at_once, known) as good, served(at_once, other) as bad:
        both = [f"localhost:{good.port}", f"localhost:{bad.port}"]
        said = status(machine, "--json", "--probe", both[0], "--probe", both[1])
    written = document(said)
    assert said.code == 1
    assert [probe["leaf"]["names"] for probe in written["probes"]] == [["a.example"], ["b.example"]]
    assert codes(written) == ["other-certificate"]


def three_services(server: socket.socket) -> list[Wanted]:
    return [Wanted(f"{dialect}127.0.0.1:{server.getsockname()[1]}") for dialect in ("", "smtp://", "imap://")]


def test_services_that_hang_are_left_to_hang() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shown = served_certificates(three_services(silent), within=1)
    assert [each.error for each in shown.values()] == [f"{each.service} took more than 1 s" for each in shown]


def test_services_are_looked_at_in_parallel() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up_on_all_at_once() -> None:
            for connection in [server.accept()[0] for _ in range(3)]:
                connection.close()

        threading.Thread(target=hang_up_on_all_at_once, daemon=True).start()
        shown = served_certificates(three_services(server), within=TIME_LIMIT)
    assert not [each.error for each in shown.values() if "took more than" in each.error]
