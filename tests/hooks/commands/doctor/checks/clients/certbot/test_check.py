"""What goes before certbot's renewal files, and the steps that mend them, with certbot 2.1, too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme
from client_files import RENEWAL, Machine, with_certbot

from dns01.hooks.commands.doctor.finding import Severity

CLI_INI = "/etc/letsencrypt/cli.ini"
CONF = "/etc/letsencrypt/renewal/example.org.conf"
CRON = "/etc/cron.d/renew"
OURS = """authenticator = manual
preferred-challenges = dns
manual-auth-hook = /opt/dns01/bin/dns01 certbot auth
manual-cleanup-hook = /opt/dns01/bin/dns01 certbot cleanup
deploy-hook = /opt/dns01/bin/dns01 certbot deploy
email = hostmaster@example.org
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return with_certbot(tmp_path / "root")


def issue(machine: Machine, *names: str) -> None:
    """A certificate for the names, where certbot has that of example.org."""
    certificate = trustme.CA().issue_cert(*names)
    machine["/etc/letsencrypt/live/example.org/cert.pem"] = certificate.cert_chain_pems[0].bytes().decode()


@pytest.mark.parametrize(
    ("files", "code", "subject", "step"),
    [
        (
            {CLI_INI: "preferred-challenges = http\n"},
            "certbot-challenge",
            CLI_INI,
            f"write in {CLI_INI}: preferred-challenges = dns",
        ),
        ({CLI_INI: "preferred-challenges http-01,dns  # x\n"}, "certbot-challenge", CLI_INI, "= dns"),
        (
            {"/root/.config/letsencrypt/cli.ini": 'preferred-challenges: "http"\n'},
            "certbot-challenge",
            "/root/.config/letsencrypt/cli.ini",
            "= dns",
        ),
        (
            {CLI_INI: "authenticator = webroot\n"},
            "certbot-challenge",
            CLI_INI,
            f"take authenticator = webroot out of {CLI_INI}",
        ),
        ({CLI_INI: "standalone = True\n"}, "certbot-challenge", CLI_INI, "take standalone = True out of"),
        ({CLI_INI: "nginx\n"}, "certbot-challenge", CLI_INI, f"take nginx out of {CLI_INI}"),
        (
            {CRON: "1 2 * * * root certbot -q renew --preferred-challenges http\n"},
            "certbot-challenge",
            CRON,
            f"write in {CRON}, in the place of --preferred-challenges http: --preferred-challenges dns",
        ),
        (
            {CRON: "1 2 * * * root certbot renew --apache\n"},
            "certbot-challenge",
            CRON,
            f"take --apache out of {CRON}",
        ),
        (
            {CRON: "1 2 * * * root certbot renew -c /etc/le.ini\n", "/etc/le.ini": "a = standalone\n"},
            "certbot-challenge",
            "/etc/le.ini",
            "take a = standalone out of /etc/le.ini",
        ),
        (
            {CLI_INI: "manual-auth-hook = dns01\n"},
            "certbot-hook-without-phase",
            CLI_INI,
            f"write in {CLI_INI}: manual-auth-hook = /opt/dns01/bin/dns01 certbot auth",
        ),
        (
            {CLI_INI: "server = https://api.buypass.com/acme/directory\n"},
            "ca-ended",
            CLI_INI,
            f"take server = https://api.buypass.com/acme/directory out of {CLI_INI}",
        ),
        ({CLI_INI: "rsa-key-size = 1024\nkey-type = rsa\n"}, "key-refused", CLI_INI, "rsa-key-size = 1024"),
        (
            {CONF: f"{RENEWAL}key_type = rsa\nrsa_key_size = 8192\n"},
            "key-refused",
            CONF,
            "--rsa-key-size 2048",
        ),
        ({CONF: f"{RENEWAL}elliptic_curve = secp521r1\n"}, "key-refused", CONF, "--elliptic-curve secp384r1"),
        (
            {CONF: f"{RENEWAL}server = https://acme-v01.api.letsencrypt.org/directory\n"},
            "ca-ended",
            CONF,
            "--server https://acme-v02.api.letsencrypt.org/directory",
        ),
        (
            {CONF: RENEWAL.replace("= dns-01,", '= "http-01, dns-01"')},
            "certbot-challenge",
            CONF,
            "certbot renew",
        ),
        ({CONF: RENEWAL.replace("= manual", "= standalone")}, "certbot-challenge", CONF, "certbot renew"),
    ],
)
def test_what_makes_the_next_renewal_fail(
    machine: Machine, files: dict[str, str], code: str, subject: str, step: str
) -> None:
    for path, text in files.items():
        machine[path] = text

    finding = machine.finding()

    assert (finding.code, finding.severity, finding.subject) == (code, Severity.ERROR, subject)
    assert step in finding.remedy[0]


@pytest.mark.parametrize(
    "files",
    [
        {CLI_INI: OURS},
        {CLI_INI: OURS, CONF: RENEWAL.replace("= manual", "= webroot")},
        {CLI_INI: "# preferred-challenges = http\nstandalone = false\nrsa-key-size = 4096\n"},
        {CLI_INI: "preferred-challenges = dns-01,http-01\nmax-log-backups = 0\n"},
        {CLI_INI: "elliptic-curve = secp521r1\nserver = https://ca.example.net/acme\n"},
        {CRON: "1 2 * * * root certbot renew --cert-name example.net --apache\n"},
        {CRON: "1 2 * * * root certbot certonly --webroot -d example.net\n"},
        {CRON: "1 2 * * * root certbot renew --cert-name=example.net --preferred-challenges=http\n"},
        {CRON: "1 2 * * * root certbot renew --deploy-hook 'systemctl reload nginx'\n"},
        {CONF: "authenticator = dns01\n"},
        {CONF: f"{RENEWAL}key_type = ecdsa\nrsa_key_size = 1024\nelliptic_curve = secp256r1\n"},
    ],
)
def test_a_renewal_that_nothing_speaks_against(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("names", "pref_challs", "healthy"),
    [
        (("*.example.org",), "http-01, dns-01", True),  # of which the CA offers no other
        (("example.org", "*.example.org"), "http-01, dns-01", False),
        (("*.example.org",), "http-01", False),
    ],
)
def test_http_is_passed_over_for_wildcards_alone(
    machine: Machine, names: Sequence[str], pref_challs: str, healthy: bool
) -> None:
    issue(machine, *names)
    machine[CONF] = RENEWAL.replace("= dns-01,", f'= "{pref_challs}"')
    assert (machine.findings("*.example.org") == []) == healthy


def test_a_wildcard_beside_the_name_wants_dns01_for_the_whole_certificate(machine: Machine) -> None:
    machine[CONF] = "authenticator = webroot\n"
    issue(machine, "example.org", "www.example.org")
    assert machine.finding().severity == Severity.NOTE
    issue(machine, "example.org", "*.example.org")
    assert (machine.finding().code, machine.finding().severity) == ("certbot-challenge", Severity.ERROR)


def test_the_command_that_orders_it_again_can_be_pasted(machine: Machine) -> None:
    machine[CONF] = RENEWAL.replace("pref_challs = dns-01,\n", "")
    hooks = " ".join(
        f"--{option} '/opt/dns01/bin/dns01 certbot {phase}'"
        for option, phase in (
            ("manual-auth-hook", "auth"),
            ("manual-cleanup-hook", "cleanup"),
            ("deploy-hook", "deploy"),
        )
    )
    how = f"--cert-name example.org --force-renewal --manual --preferred-challenges dns {hooks}"
    assert machine.finding().remedy == (f"certbot renew {how}",)  # which leaves the names as they are

    issue(machine, "example.org", "*.example.org")
    assert machine.finding().remedy == (f"certbot certonly {how} -d example.org -d '*.example.org'",)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (CLI_INI, "force-renewal = true\n"),
        (CLI_INI, "renew-by-default\n"),
        (CRON, "1 2 * * * root certbot renew --force-renewal\n"),
    ],
)
def test_a_run_that_always_orders(machine: Machine, path: str, text: str) -> None:
    machine[path] = text
    finding = machine.finding()
    assert (finding.code, finding.severity, finding.subject) == ("renews-every-run", Severity.WARNING, path)


def test_autorenew_that_is_off_is_mended_in_its_file(machine: Machine) -> None:
    machine[CONF] = f"{RENEWAL}autorenew = False\n"
    assert machine.finding().remedy == (f"write in {CONF}: autorenew = True",)


@pytest.mark.parametrize(
    ("text", "code", "step"),
    [
        (
            OURS.replace("= dns", "= http"),
            "certbot-challenge",
            f"write in {CLI_INI}: preferred-challenges = dns",
        ),
        (
            OURS.replace("= manual", "= standalone"),
            "certbot-challenge",
            "take authenticator = standalone out of",
        ),
        (
            OURS.replace("dns01 certbot auth", "dns01"),
            "certbot-hook-without-phase",
            "manual-auth-hook = /opt/",
        ),
        (OURS.replace("/opt/dns01", "/opt/old"), "certbot-hook-gone", "manual-auth-hook = "),
        (f"{OURS}server = https://api.buypass.com/acme/directory\n", "ca-ended", f"out of {CLI_INI}"),
    ],
)
def test_the_first_order_by_cli_ini(machine: Machine, text: str, code: str, step: str) -> None:
    (machine.root / CONF.lstrip("/")).unlink()
    machine[CLI_INI] = OURS
    assert machine.findings() == []

    machine[CLI_INI] = text

    finding = machine.findings()[0]
    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert step in finding.remedy[0]


def test_a_cli_ini_without_hooks_of_ours_is_somebody_elses(machine: Machine) -> None:
    (machine.root / CONF.lstrip("/")).unlink()
    machine[CLI_INI] = "authenticator = webroot\npreferred-challenges = http\n"
    assert machine.findings() == []


def test_a_hook_s_bare_name_that_is_in_no_folder_where_certbot_is_run(machine: Machine) -> None:
    assert machine.findings() == []
    (machine.root / "usr/local/bin/dns01").unlink()
    findings = machine.findings()
    assert {each.code for each in findings} == {"certbot-hook-gone"}
    assert "manual_auth_hook = " in findings[0].remedy[0]


@pytest.mark.parametrize(
    "settings",
    [
        "Environment=PATH=/opt/dns01/bin:/usr/bin:/bin",
        "PassEnvironment=PATH",
        "ExecStart=\nExecStart=/bin/bash -lc 'certbot -q renew'",
    ],
)
def test_a_hook_s_bare_name_that_may_be_found_there(machine: Machine, settings: str) -> None:
    (machine.root / "usr/local/bin/dns01").unlink()
    machine["/etc/systemd/system/certbot.service.d/path.conf"] = f"[Service]\n{settings}\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    "said",
    ["\u201c/opt/dns01/bin/dns01 certbot auth\u201d", "\u201c/opt/dns01/bin/dns01\u201d certbot auth"],
)
def test_typographic_quotes_around_a_hook(machine: Machine, said: str) -> None:
    machine[CONF] = RENEWAL.replace("= dns01 certbot auth", f"= {said}")
    finding = max(machine.findings(), key=lambda each: each.severity)
    assert (finding.code, finding.severity) == ("certbot-hook-gone", Severity.ERROR)
    assert finding.remedy == (f"write in {CONF}: manual_auth_hook = /opt/dns01/bin/dns01 certbot auth",)


def test_a_renewal_file_without_a_hook_for_deployment(machine: Machine) -> None:
    machine[CONF] = RENEWAL.replace("renew_hook", "another")
    assert machine.findings() == []


PRODUCTION = "https://acme-v02.api.letsencrypt.org/directory"
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


@pytest.mark.parametrize(
    ("server", "default", "severity"),
    [
        (PRODUCTION, "staging = true", Severity.ERROR),
        (PRODUCTION, "test-cert", Severity.ERROR),
        (PRODUCTION, f"server = {STAGING}", Severity.ERROR),
        (PRODUCTION, "staging = true\nbreak-my-certs = true", Severity.WARNING),
        (STAGING, "staging = true", Severity.WARNING),
    ],
)
def test_a_test_ca_for_a_certificate_that_is_for_keeping(
    machine: Machine, server: str, default: str, severity: Severity
) -> None:
    machine[CONF] = f"{RENEWAL}server = {server}\n"
    machine[CLI_INI] = f"{default}\n"
    (finding,) = [each for each in machine.findings() if each.subject == CLI_INI]
    assert (finding.code, finding.severity) == ("staging-ca", severity)
    assert finding.remedy == (f"take {default.partition(chr(10))[0]} out of {CLI_INI}",)


@pytest.mark.parametrize("option", ["--staging", "--test-cert", f"--server {STAGING}"])
def test_a_test_ca_by_the_command_that_renews(machine: Machine, option: str) -> None:
    machine[CONF] = f"{RENEWAL}server = {PRODUCTION}\n"
    machine["/etc/systemd/system/certbot.service.d/a.conf"] = (
        f"[Service]\nExecStart=\nExecStart=/usr/bin/certbot -q renew {option}\n"
    )
    (finding,) = [each for each in machine.findings() if each.code == "staging-ca"]
    assert finding.severity == Severity.ERROR
