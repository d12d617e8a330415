"""Certificates reach real services, set up as docs/deploy.rst says, or the old ones stay.

Every service begins with an old certificate in its files. A run of dehydrated that fails at a
target still has to end with 0.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import until
from cryptography import x509

from .clients import HOOKS, Host, certbot, dehydrated_command, tool
from .conftest import newcomers, processes
from .services import SERVICES, SYSTEMCTL, HAProxy, Nginx, Service
from .stage import Stage


@pytest.fixture
def host(host: Host) -> Host:
    """It knows the names of its services, and how they are reloaded."""
    for path, content in (
        ("/etc/hosts", "127.0.0.1 localhost www.example.org mail.example.org\n"),
        ("/usr/bin/systemctl", SYSTEMCTL),
    ):
        own = host.folder / Path(path).name
        own.write_text(content)
        own.chmod(0o755)
        host.mounts[path] = own
    host.configuration["DNS01_CONFIG"] = str(host.folder / "config.toml")
    return host


@pytest.fixture
def service(request: pytest.FixtureRequest, host: Host, bystanders: set[str]) -> Iterator[Service]:
    """One that runs, and the recipe for it; which one is the parameter. What it leaves running ends with
    the test: it would hold the next one's port."""
    with SERVICES[getattr(request, "param", Nginx.title)](host) as service:
        configure(host, service.recipe.section)
        service.shown()  # it is all there then
        yield service


each_service = pytest.mark.parametrize("service", SERVICES, indirect=True)


def configure(host: Host, *sections: str) -> None:
    (host.folder / "config.toml").write_text("\n".join(sections))


def run(host: Host, *domains: str, force: bool = False) -> str:
    """One run of dehydrated, with a certificate for each domain."""
    command = dehydrated_command(host, "yes", [])
    (host.folder / "domains.txt").write_text("\n".join(domains))
    return host.run(*command, *(["-x"] if force else []), environment={})


def deploy_by_hand(host: Host) -> str:
    return host.run(tool(HOOKS["command"]), "deploy")


def issued(host: Host, domain: str) -> x509.Certificate:
    """The certificate that dehydrated has."""
    return x509.load_pem_x509_certificate((host.folder / "certs" / domain / "cert.pem").read_bytes())


def wait_until_shown(
    service: Service, certificate: x509.Certificate, name: str = "", root: Path | None = None
) -> None:
    """Its old processes may take a connection or two after its reload has ended."""
    until(lambda: service.shown(name, root) == certificate)


def wait_until_reloaded(service: Service, times: int) -> None:
    """That often in all."""
    until(lambda: service.reloads() == times)


def pending(host: Host) -> list[str]:
    """Why something has not arrived yet."""
    return [json.loads(file.read_text())["error"] for file in (host.state / "pending").glob("*.json")]


# When all is well


@each_service
def test_each_new_certificate_costs_one_reload_and_a_run_without_one_costs_none(
    stage: Stage, host: Host, service: Service, tmp_path: Path
) -> None:
    root = tmp_path / "root.pem"
    root.write_text(stage.ca.roots())

    run(host, service.domain)
    wait_until_shown(service, first := issued(host, service.domain))
    run(host, service.domain, force=True)
    wait_until_shown(service, second := issued(host, service.domain), root=root)
    wait_until_reloaded(service, 2)
    assert first != second

    stamps, trail = service.stamps(), host.audit_trail()
    run(host, service.domain)
    assert (service.stamps(), host.audit_trail()) == (stamps, trail)
    assert service.reloads() == 2
    assert pending(host) == []


def test_certbot_brings_its_certificate_when_it_has_it(host: Host, service: Service) -> None:
    live = certbot(host, "/usr/bin/certbot").fullchain
    wait_until_shown(service, x509.load_pem_x509_certificate(live.read_bytes()))
    wait_until_reloaded(service, 1)


@pytest.mark.parametrize("service", [HAProxy.title], indirect=True)
def test_all_certificates_of_a_run_cost_one_reload(host: Host, service: Service) -> None:
    domains = ("example.org", "shop.example.org")
    said = run(host, *domains)
    for domain in domains:
        wait_until_shown(service, issued(host, domain), domain)
    wait_until_reloaded(service, 1)
    assert said.count("installed; its service is reloaded at the end of the run") == 2


def test_a_service_that_could_not_start_without_a_certificate_starts_with_its_first(
    host: Host, bystanders: set[str], service: Service
) -> None:
    os.kill(service.pid, signal.SIGTERM)
    until(lambda: not service.is_ready())
    shutil.rmtree(service.tls)
    configure(host, service.recipe.section.replace("reload nginx", "reload-or-restart nginx"))
    run(host, service.domain)
    wait_until_shown(service, issued(host, service.domain))


# When it is not


@each_service
def test_a_configuration_that_fails_its_test_costs_no_reload_until_somebody_repairs_it(
    host: Host, service: Service
) -> None:
    old, files = service.shown(), service.files()
    service.configure("nonsense")
    said = run(host, service.domain)
    assert f"the test: {service.target['test']} ended with " in said
    assert (service.shown(), service.files(), service.reloads()) == (old, files, 0)
    assert len(pending(host)) == 1

    service.configure()
    deploy_by_hand(host)
    wait_until_shown(service, issued(host, service.domain))
    wait_until_reloaded(service, 1)
    assert pending(host) == []


def test_a_reload_that_fails_brings_the_old_files_back_until_the_next_run(
    host: Host, service: Service
) -> None:
    old, files = service.shown(), service.files()
    pid = service.folder / "pid"
    aside = pid.rename(service.folder / "aside")
    said = run(host, service.domain)
    assert "the reload: systemctl reload nginx ended with 1" in said
    assert "the reload after that: systemctl reload nginx ended with 1" in said
    assert (service.shown(), service.files()) == (old, files)

    aside.rename(pid)
    run(host, service.domain)
    wait_until_shown(service, issued(host, service.domain))
    wait_until_reloaded(service, 1)
    assert pending(host) == []


def test_a_service_that_shows_another_certificate_gets_its_old_files_back(
    host: Host, service: Service
) -> None:
    old, files = service.shown(), service.files()
    for name, content in files.items():
        (service.folder / name).write_bytes(content)
    service.configure(lines=service.recipe.lines.replace("/tls/", "/"))
    configure(host, service.recipe.section, "time_limit = 1")
    said = run(host, service.domain)
    assert "www.example.org:443 " in said
    wait_until_reloaded(service, 2)
    assert (service.shown(), service.files()) == (old, files)
    assert '"outcome": "failed", "error": "nginx: www.example.org:443 ' in host.audit_trail()

    service.configure()
    deploy_by_hand(host)
    wait_until_shown(service, issued(host, service.domain))
    wait_until_reloaded(service, 3)
    assert pending(host) == []


def test_a_reload_that_hangs_is_ended_and_holds_up_no_other_target(host: Host, service: Service) -> None:
    old, other, bystanders = service.shown(), host.folder / f"{service.domain}.pem", processes()
    hangs = service.recipe.section.replace("systemctl reload nginx", "sleep 600")
    configure(host, hangs, "time_limit = 1", f'[deploy."*".files]\ncombined = "{host.folder}/{{name}}.pem"')
    said = run(host, service.domain)
    assert "sleep 600 " in said
    assert newcomers(bystanders) == set()
    assert service.shown() == old
    assert x509.load_pem_x509_certificate(other.read_bytes()) == issued(host, service.domain)
    assert len(pending(host)) == 1
