"""What ends a run of dehydrated before it calls its hook, as the doctor finds it in the files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from client_files import DEHYDRATED, Machine, with_dehydrated
from examined import codes

from dns01.hooks.commands.doctor.finding import Severity

LETSENCRYPT = "aHR0cHM6Ly9hY21lLXYwMi5hcGkubGV0c2VuY3J5cHQub3JnL2RpcmVjdG9yeQo"
CONFIG = "/etc/dehydrated/config"
DOMAINS = "/etc/dehydrated/domains.txt"
CONF_D = f"CONFIG_D=/etc/dehydrated/conf.d\n{DEHYDRATED}"
HOOK_SCRIPT = '#!/bin/sh\ncase "$1" in\n  deploy_challenge) dns01 "$@" ;;\nesac\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return with_dehydrated(tmp_path / "root")


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({CONFIG: f'{DEHYDRATED}CERTDIR="/srv\n'}, "config-syntax", "line 6"),
        ({CONFIG: f"{DEHYDRATED}if true; then\n"}, "config-syntax", f"bash -n {CONFIG}"),
        ({CONFIG: CONF_D, "/etc/dehydrated/conf.d/hook.sh": HOOK_SCRIPT}, "hook-in-config-d", "hook.sh"),
        ({CONFIG: CONF_D, "/etc/dehydrated/conf.d/a.sh/b": ""}, "config-d-unreadable", "rm /etc/dehydrated"),
        ({CONFIG: CONF_D}, "config-d-unreadable", "mkdir -p /etc/dehydrated/conf.d"),
        ({CONFIG: f"BASEDIR=/srv/acme\n{DEHYDRATED}DOMAINS_TXT={DOMAINS}\n"}, "basedir-missing", "/srv/acme"),
        (
            {CONFIG: "CHALLENGETYPE=dns-01\n", "/etc/dehydrated/certs/example.org/config": DEHYDRATED},
            "hook-missing",
            f'write in {CONFIG}: HOOK="/opt/dns01/bin/dns01"',
        ),
        (
            {CONFIG: "HOOK=/opt/dns01/bin/dns01\n", "/etc/dehydrated/certs/example.org/config": DEHYDRATED},
            "wellknown-missing",
            "mkdir -p /var/www/dehydrated",
        ),
        ({CONFIG: f"{DEHYDRATED}KEY_ALGO=ecdsa\n"}, "config-value", 'KEY_ALGO="secp384r1"'),
        ({CONFIG: f"{DEHYDRATED}IP_VERSION=v4\n"}, "config-value", 'IP_VERSION=""'),
        ({CONFIG: f"{DEHYDRATED}CA=letsencript\n"}, "ca-unknown", 'CA="letsencrypt"'),
        ({CONFIG: f"{DEHYDRATED}CA=zerossl\n"}, "account-missing", "EAB_KID"),
        (
            {f"/etc/dehydrated/accounts/{LETSENCRYPT}/deactivated": ""},
            "account-deactivated",
            "dehydrated --register --accept-terms",
        ),
        ({"/opt/dns01/bin/dns01": "#!/bin/sh\nexec /opt/x/dns01\n"}, "hook-without-arguments", '/dns01 "$@"'),
        (
            {"/opt/dns01/bin/dns01": "#!/bin/sh -e\npython3 /x/hook.py\n"},
            "hook-without-arguments",
            "/x/hook.py",
        ),
        ({"/etc/cron.d/dehydrated": "1 2 * * * root dehydrated -c -k /x\n"}, "hook-missing", "take -k or"),
        ({DOMAINS: "\ufeffexample.org *.example.org\n"}, "domains-txt-line", "sed -i"),
        ({DOMAINS: "example.org, *.example.org\n"}, "domains-txt-line", "line 1: example.org *.example.org"),
        ({DOMAINS: "# all\nhttps://example.org/\n"}, "domains-txt-line", "line 2: example.org"),
        ({DOMAINS: "example.org.\n"}, "domains-txt-line", "line 1: example.org"),
        ({DOMAINS: "*.example.net\nexample.org\n"}, "domains-txt-line", "*.example.net > star.example.net"),
        ({DOMAINS: "a.example.net > a > b\nexample.org\n"}, "domains-txt-line", "a.example.net > a"),
    ],
)
def test_a_run_ends_before_the_hook_is_called(
    machine: Machine, files: dict[str, str], code: str, words: str
) -> None:
    for path, text in files.items():
        machine[path] = text

    first = machine.findings()[0]

    assert (first.code, first.severity) == (code, Severity.ERROR)
    assert words in "\n".join((first.message, *first.remedy))


def test_no_list_of_domains(machine: Machine) -> None:
    (machine.root / DOMAINS.lstrip("/")).unlink()
    assert codes(machine.findings()) == ["domains-txt-missing"]
    machine["/etc/cron.d/dehydrated"] = "17 4 * * * root dehydrated -c -d example.org\n"
    assert machine.findings() == []


def test_the_lock_of_a_run_that_was_killed(machine: Machine) -> None:
    machine["/etc/dehydrated/lock"] = ""
    assert machine.findings() == []  # of a run that is at work
    os.utime(machine.root / "etc/dehydrated/lock", (1_700_000_000, 1_700_000_000))
    assert codes(machine.findings()) == ["lock-left"]


@pytest.mark.parametrize(
    "files",
    [
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/a.sh": 'reload() {\n  systemctl reload "$1"\n}\n'},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/README": 'see "$1"'},
        {CONFIG: f"{DEHYDRATED}CA=zerossl\nCONTACT_EMAIL=me@example.org\n"},
        {CONFIG: f"{DEHYDRATED}CA=https://ca.example.net/acme\nBASEDIR=$HOME/acme\n"},
        {f"/etc/dehydrated/accounts/{LETSENCRYPT}/account_key.pem": ""},
        {"/opt/dns01/bin/dns01": '#!/bin/sh\nword=$1; shift\nexec dns01 "$word" "$@"\n'},
        {"/opt/dns01/bin/dns01": "#!/bin/sh\n# dns01\nexec nsupdate.sh\n"},
        {DOMAINS: "\r\n# all\r\nexample.net\r\nEXAMPLE.org *.example.org > web\r\n*.example.com\r\n"},
    ],
)
def test_a_run_that_gets_to_the_hook(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    assert machine.findings() == []


def test_no_account_at_a_ca_that_has_replaced_another(machine: Machine) -> None:
    machine["/etc/dehydrated/accounts/of-the-test-ca/account_key.pem"] = ""
    (finding,) = machine.findings()
    assert (finding.code, finding.severity) == ("account-missing", Severity.WARNING)
    assert finding.remedy == ("dehydrated --register --accept-terms",)


def test_a_domain_of_no_line_is_a_note(machine: Machine) -> None:
    (finding,) = machine.findings("example.com")
    assert (finding.code, finding.severity) == ("not-in-domains-txt", Severity.NOTE)
