"""What a CA has against orders of lego's, uacme's and Traefik's."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine

from dns01.hooks.commands.doctor.finding import Severity

CRONTAB = "/etc/cron.d/acme"
LEGO = (
    "EXEC_PATH=/opt/dns01/bin/dns01\n"
    "1 2 * * * root lego --path /var/lib/lego {} -d example.org --dns exec {}\n"
)
UACME = "1 2 * * * root uacme {} -h /opt/dns01/bin/dns01 issue example.org\n"
TRAEFIK = "acme:\n  storage: /srv/acme.json\n  caServer: {}\n  dnsChallenge:\n    provider: exec\n"
ZEROSSL = "https://acme.zerossl.com/v2/DV90"
GOOGLE = "https://dv.acme-v02.api.pki.goog/directory"
SSLCOM = "https://acme.ssl.com/sslcom-dv-rsa"
BUYPASS = "https://api.buypass.com/acme/directory"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "root")
    for program in ("/bin/sh", "/opt/dns01/bin/dns01", "/usr/bin/lego", "/usr/bin/uacme"):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o755)
    machine["/srv/acme.json"] = "{}"
    machine.mode("/srv/acme.json", 0o600)
    return machine


def lego(options: str, command: str = "renew") -> dict[str, str]:
    return {CRONTAB: LEGO.format(options, command)}


def uacme(options: str) -> dict[str, str]:
    return {CRONTAB: UACME.format(options)}


def traefik(server: str, more: str = "") -> dict[str, str]:
    return {"/etc/traefik/traefik.yml": TRAEFIK.format(server) + more}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (lego(f"--server {ZEROSSL}"), "without --kid and --hmac"),
        (lego(f"-s {GOOGLE} --kid a"), "without --hmac"),
        (lego(f"--server={SSLCOM} --kid a --hmac b"), "without --eab"),
        (lego("--server zerossl --email me@example.org"), "--eab --kid KID --hmac HMAC"),
        ({CRONTAB: f"LEGO_SERVER={GOOGLE}\n{LEGO.format('', 'renew')}"}, "pki.goog"),
        (
            {
                **lego(f"--server {ZEROSSL}"),
                "/var/lib/lego/accounts/acme-v02.api.letsencrypt.org/a/account.json": "",
            },
            "zerossl",
        ),
        (uacme(f"-a {ZEROSSL}"), f"uacme -c /etc/ssl/uacme -a {ZEROSSL} -e KEYID:KEY new"),
        (uacme(f"--acme-url={GOOGLE} -c /srv/uacme"), f"uacme -c /srv/uacme -a {GOOGLE}"),
        (traefik(ZEROSSL), "hmacEncoded"),
        (traefik(SSLCOM), "below acme: eab:"),
    ],
)
def test_an_account_that_the_ca_will_not_make(machine: Machine, files: dict[str, str], words: str) -> None:
    for path, text in files.items():
        machine[path] = text

    finding = machine.finding()

    assert (finding.code, finding.severity) == ("account-binding-missing", Severity.ERROR)
    assert words in "\n".join((finding.message, *finding.remedy))


@pytest.mark.parametrize(
    "files",
    [
        lego("--server https://ca.example.net/acme"),
        lego(f"--server {ZEROSSL} --eab --kid a --hmac b"),
        lego(f"--server {ZEROSSL} --eab.kid a --eab.hmac b"),  # lego 5
        {CRONTAB: f"LEGO_EAB=true\nLEGO_EAB_KID=a\nLEGO_EAB_HMAC=b\n{LEGO.format(f'-s {GOOGLE}', 'renew')}"},
        {
            **lego(f"--server {ZEROSSL}"),
            "/var/lib/lego/accounts/acme.zerossl.com/a@b.example/account.json": "",
        },
        {**lego(f"--server {GOOGLE}"), "/root/.lego/accounts/dv.acme-v02.api.pki.goog/a/account.json": ""},
        {CRONTAB: f"1 2 * * * root . /etc/lego.env; lego -s {ZEROSSL} -d example.org --dns exec renew\n"},
        {CRONTAB: LEGO.format(f"--server {ZEROSSL}", "renew").replace("example.org", "example.net")},
        {**uacme(f"-a {ZEROSSL}"), "/etc/ssl/uacme/private/key.pem": "key"},
        {**uacme(f"-a {GOOGLE} -c /srv/uacme"), "/srv/uacme/private/key.pem": "key"},
        {**uacme("-a https://ca.example.net/acme"), "/etc/ssl/uacme/private/key.pem": "key"},
        uacme("-c $CONF"),
        uacme("-c /srv/uacme new && uacme -c /srv/uacme"),
        traefik(ZEROSSL, "  eab:\n    kid: a\n    hmacEncoded: b\n"),
        {**traefik(ZEROSSL), "/srv/acme.json": '{"own": {"Account": {"Registration": {"uri": "a"}}}}'},
        {CRONTAB: LEGO.format("", "renew --days 45")},
        {CRONTAB: LEGO.format("", "run") + LEGO.format("", "renew").partition("\n")[2]},
        {CRONTAB: LEGO.format("", "run").replace("root ", "root test -d /var/lib/lego || ")},
        {
            CRONTAB: UACME.format("-f").replace("* * *", "* * 1"),
            "/etc/ssl/uacme/private/key.pem": "key",
        },
        {
            CRONTAB: "EXEC_PATH=/opt/dns01/bin/dns01\n1 2 * * * root lego run -d example.org --dns exec\n"
        },  # lego 5
    ],
)
def test_an_order_that_the_ca_takes(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    machine.mode("/srv/acme.json", 0o600)
    assert machine.findings() == []


@pytest.mark.parametrize(
    "files",
    [
        lego(f"--server {BUYPASS}"),
        {**uacme(f"-a {BUYPASS}"), "/etc/ssl/uacme/private/key.pem": "key"},
        traefik(BUYPASS),
    ],
    ids=["lego", "uacme", "traefik"],
)
def test_a_ca_that_has_ended(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    assert (machine.finding().code, machine.finding().severity) == ("ca-ended", Severity.ERROR)
    assert "out" in machine.finding().remedy[0]


@pytest.mark.parametrize(
    ("crontab", "option"),
    [
        (LEGO.format("", "renew --days 90"), "--days 90"),
        (LEGO.format("", "renew --days=365"), "--days 365"),
        (UACME.format("-f"), "-f"),
        (UACME.format("--force"), "--force"),
        (UACME.format("-d 100"), "-d 100"),
    ],
)
def test_a_daily_run_that_always_orders(machine: Machine, crontab: str, option: str) -> None:
    machine[CRONTAB] = crontab
    machine["/etc/ssl/uacme/private/key.pem"] = "key"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("renews-every-run", Severity.WARNING)
    assert finding.remedy == (f"take {option} out of {CRONTAB}",)


@pytest.mark.parametrize("options", ["", "-c /srv/uacme ", "-vc/srv/uacme ", "-s "])
def test_uacme_without_an_account(machine: Machine, options: str) -> None:
    machine[CRONTAB] = UACME.format(options)
    finding = max(machine.findings(), key=lambda each: each.severity)
    folder = "/srv/uacme" if "srv" in options else "/etc/ssl/uacme"
    assert (finding.code, finding.severity) == ("account-missing", Severity.ERROR)
    assert finding.remedy == (f"uacme -c {folder} -y new",)


@pytest.mark.parametrize("rest", ["run", "run --run-hook /opt/deploy", "run >/dev/null 2>&1"])
def test_a_nightly_command_of_lego_4_that_orders_anew(machine: Machine, rest: str) -> None:
    machine[CRONTAB] = LEGO.format("", rest)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("renews-every-run", Severity.WARNING)
    assert f"exec {rest.replace('run', 'renew')}" in finding.remedy[0]


@pytest.mark.parametrize("folder", ["/etc/ssl/uacme", "/srv/uacme"])
def test_uacme_with_a_key_that_a_full_disk_has_emptied(machine: Machine, folder: str) -> None:
    machine[CRONTAB] = UACME.format(f"-c {folder}")
    machine[f"{folder}/private/key.pem"] = ""
    (finding,) = [each for each in machine.findings() if each.code == "account-missing"]
    assert finding.remedy[1] == f"uacme -c {folder} -y new"
