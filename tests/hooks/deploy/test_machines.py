"""One certificate to many machines: real servers of OpenSSH, and one that accepts and never answers."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bundles import issued
from testbed.sshd import Sshd

from dns01.hooks.clients.process import this_process
from dns01.hooks.deploy.delivery.deliverer import Deliverer
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.deploy.section import Deployment, load_deployments, targets_for

HOSTS = [f"127.0.1.{number}" for number in range(1, 11)]
RUN = this_process("dehydrated")

Configure = Callable[..., tuple[Deployment, ...]]


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Sshd(silent_port=silent.getsockname()[1]) as server,
    ):
        yield server


@pytest.fixture
def configure(sshd: Sshd, tmp_path: Path) -> Configure:
    """One section for the hosts; on each of them, ``reloads`` has a line for each reload."""

    def configured(*hosts: str, **more: str) -> tuple[Deployment, ...]:
        table = {
            "to": "ssh",
            "host": " ".join(hosts),
            "ssh_config": sshd.config,
            "directory": f"{sshd.machine}/{tmp_path.name}-{{name}}",
            "reload": f"sh -c 'echo $DNS01_DOMAIN >>{sshd.machine}/{tmp_path.name}-reloads'",
        }
        lines = [f'{key} = "{value}"' for key, value in (table | more).items()]
        path = tmp_path / "config.toml"
        path.write_text("\n".join(['[deploy."*".web]', *lines]))
        return load_deployments({"DNS01_CONFIG": str(path)})

    return configured


def reloads(sshd: Sshd, tmp_path: Path, host: str) -> list[str]:
    path = sshd.on(host) / f"{tmp_path.name}-reloads"
    return path.read_text().splitlines() if path.exists() else []


def test_a_machine_that_hangs_holds_nobody_up(
    sshd: Sshd, configure: Configure, state_dir: Path, tmp_path: Path
) -> None:
    deployments = configure("silent", *HOSTS)
    ledger = Ledger(str(state_dir))
    certificates = [issued(tmp_path / name, name).facts.certificate for name in ("a.example", "b.example")]
    deliverer = Deliverer(deployments, ledger, None)
    deliverer.deliver(certificates[0], deployments)

    assert [(each.target, each.tries) for each in deliverer.failed] == [("web@silent", 1)]
    assert "Connection timed out" in deliverer.failed[0].error
    assert {each.target for each in deliverer.arrived} == {f"web@{host}" for host in HOSTS}
    assert [reloads(sshd, tmp_path, host) for host in HOSTS] == [["a.example"]] * len(HOSTS)
    for host in HOSTS:
        there = sshd.on(host) / f"{tmp_path.name}-a.example" / "privkey.pem"
        assert there.read_bytes() == Path(certificates[0].key).read_bytes()

    # It is not asked again in this call; what is for it is pending.
    with_one = [each for each in deployments if each.machine in ("silent", HOSTS[0])]
    deliverer.deliver(certificates[1], with_one)
    assert [(each.certificate.domain, each.target) for each in ledger.pending()] == [
        ("a.example", "web@silent"),
        ("b.example", "web@silent"),
    ]
    assert reloads(sshd, tmp_path, HOSTS[0]) == ["a.example", "b.example"]


def test_the_service_of_a_machine_is_reloaded_once_for_all_certificates_of_a_run(
    sshd: Sshd, configure: Configure, state_dir: Path, tmp_path: Path
) -> None:
    deployments = configure(*HOSTS[:2])
    for name in ("a.example", "b.example", "c.example"):
        certificate = issued(tmp_path / name, name).facts.certificate
        Deliverer(deployments, Ledger(str(state_dir)), RUN).deliver(certificate, deployments, queue=True)
    assert reloads(sshd, tmp_path, HOSTS[0]) == []

    Deliverer(deployments, Ledger(str(state_dir)), RUN).end_run()

    for host in HOSTS[:2]:
        assert reloads(sshd, tmp_path, host) == ["a.example b.example c.example"]
    assert Ledger(str(state_dir)).pending() == []


@pytest.mark.parametrize(
    "command", [{"test": "false"}, {"reload": "sh -c '! grep -q END {key}'"}], ids=["test", "reload"]
)
def test_a_machine_whose_service_does_not_take_it_gets_the_old_back(
    sshd: Sshd, configure: Configure, state_dir: Path, tmp_path: Path, command: dict[str, str]
) -> None:
    files = sshd.on(HOSTS[0]) / f"{tmp_path.name}-a.example"
    key = f"{sshd.machine}/{files.name}/privkey.pem"
    first = issued(tmp_path / "1", "a.example").facts.certificate
    good = configure(HOSTS[0])
    Deliverer(good, Ledger(str(state_dir)), None).deliver(first, good)
    bad = configure(HOSTS[0], **{name: line.format(key=key) for name, line in command.items()})
    deliverer = Deliverer(bad, Ledger(str(state_dir)), None)
    deliverer.deliver(issued(tmp_path / "2", "a.example").facts.certificate, bad)

    (failed,) = deliverer.failed
    assert f"on {HOSTS[0]} ended with 1: nothing; " in failed.error
    assert (files / "privkey.pem").read_bytes() == Path(first.key).read_bytes()
    assert sorted(path.name for path in files.iterdir()) == [
        "cert.pem",
        "chain.pem",
        "fullchain.pem",
        "privkey.pem",
    ]


def test_each_machine_of_a_section_has_its_own_look_at_the_service(configure: Configure) -> None:
    each = configure("root@a.example", "b.example", verify="{host}:443", at_once="3")

    assert [(one.name, one.verify) for one in each] == [
        ("web@root@a.example", "a.example:443"),
        ("web@b.example", "b.example:443"),
    ]
    assert {one.at_once for one in each} == {3}


def test_of_two_sections_of_one_name_the_more_exact_one_s_machines_are_all(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        '[deploy."*".web]\nto = "ssh"\nhost = "a b"\ndirectory = "/etc/{name}"\n'
        '[deploy."x.example".web]\nto = "ssh"\nhost = "b c"\ndirectory = "/etc/{name}"\n'
    )
    deployments = load_deployments({"DNS01_CONFIG": str(path)})

    for domain, machines in (("x.example", ["b", "c"]), ("y.example", ["a", "b"])):
        certificate = issued(tmp_path / domain, domain).facts.certificate
        assert [each.machine for each in targets_for(deployments, certificate)] == machines
