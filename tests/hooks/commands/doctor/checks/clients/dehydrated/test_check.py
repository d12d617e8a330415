"""What ends a run of dehydrated before it calls its hook, as the doctor finds it in the files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from client_files import DEHYDRATED, LETSENCRYPT, Machine, with_dehydrated
from examined import codes

from dns01.hooks.commands.doctor.finding import Severity

CONFIG = "/etc/dehydrated/config"
CRON = "/etc/cron.d/dehydrated"
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
        ({CONFIG: f"{DEHYDRATED}CA=zerossl\n"}, "account-binding-missing", "EAB_KID=… and EAB_HMAC_KEY=…"),
        ({CONFIG: f"{DEHYDRATED}CA=google\nEAB_KID=a\n"}, "account-binding-missing", "you: EAB_HMAC_KEY=…"),
        (
            {CONFIG: f"{DEHYDRATED}CA=https://acme.ssl.com/sslcom-dv-ecc\nEAB_HMAC_KEY=a\n"},
            "account-binding-missing",
            "you: EAB_KID=…",
        ),
        (
            {"/etc/cron.d/dehydrated": "1 2 * * * root dehydrated -c --accept-terms --ca google\n"},
            "account-binding-missing",
            "dv.acme-v02.api.pki.goog",
        ),
        (
            {CONFIG: f"{DEHYDRATED}CA=zerossl\nCONTACT_EMAIL=me@example.org\n"},
            "account-missing",
            "dehydrated --register --accept-terms",
        ),
        ({CONFIG: f"{DEHYDRATED}CA=https://ca.example.net/acme\n"}, "account-missing", "--register"),
        ({CONFIG: f"{DEHYDRATED}ACCOUNTDIR=/srv/accounts\n"}, "account-missing", "--register"),
        ({CONFIG: f"{DEHYDRATED}CA=buypass\n"}, "ca-ended", f'write in {CONFIG}: CA="letsencrypt"'),
        ({CONFIG: f"{DEHYDRATED}CA=https://api.test4.buypass.no/acme/directory\n"}, "ca-ended", "2025-10"),
        (
            {CONFIG: f"{DEHYDRATED}CA=https://acme-v01.api.letsencrypt.org/directory\n"},
            "ca-ended",
            "2021-06",
        ),
        ({CONFIG: f"{DEHYDRATED}KEY_ALGO=rsa\nKEYSIZE=1024\n"}, "key-refused", 'KEYSIZE="4096"'),
        ({CONFIG: f"{DEHYDRATED}KEY_ALGO=rsa\nKEYSIZE=8192\n"}, "key-refused", "2048, 3072, 4096"),
        ({CONFIG: f"{DEHYDRATED}KEY_ALGO=secp521r1\n"}, "key-refused", 'KEY_ALGO="secp384r1"'),
        (
            {"/etc/dehydrated/certs/example.org/config": "KEY_ALGO=rsa\nKEYSIZE=1536\n"},
            "key-refused",
            "write in /etc/dehydrated/certs/example.org/config: KEYSIZE",
        ),
        (
            {CONFIG: "CONFIG_D=/etc/dehydrated/conf.d\n", "/etc/dehydrated/conf.d/hook.conf": DEHYDRATED},
            "config-d-unread",
            "mv /etc/dehydrated/conf.d/hook.conf /etc/dehydrated/conf.d/hook.sh",
        ),
        (
            {CONFIG: "CONFIG_D=/etc/dehydrated/conf.d\n", "/etc/dehydrated/conf.d/hook": DEHYDRATED},
            "config-d-unread",
            "CHALLENGETYPE, HOOK, HOOK_CHAIN",
        ),
        (
            {CONFIG: CONF_D, "/etc/dehydrated/conf.d/dns01.env": "export DNS01_PROVIDER=rfc2136\n"},
            "config-d-unread",
            "mv /etc/dehydrated/conf.d/dns01.env /etc/dehydrated/conf.d/dns01.sh",
        ),
        (
            {CONFIG: "# nothing\n", "/etc/dehydrated/conf.d/site.conf": DEHYDRATED},
            "config-d-unread",
            f"conf.d/site.sh\nwrite in {CONFIG}: CONFIG_D=/etc/dehydrated/conf.d",
        ),
        (
            {CONFIG: "# nothing\n", "/etc/dehydrated/conf.d/hook.sh": DEHYDRATED},
            "config-d-unread",
            f"write in {CONFIG}: CONFIG_D=/etc/dehydrated/conf.d",
        ),
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
        (
            {CONFIG: DEHYDRATED.replace("K=", "K = ")},
            "config-syntax",
            "sed -i '4s/[[:blank:]]*=[[:blank:]]*/=/' ",
        ),
        (
            {CONFIG: f'{DEHYDRATED}CA ="letsencrypt"\n'},
            "config-syntax",
            "line 6 has blanks around the = of CA",
        ),
        ({CONFIG: f'{DEHYDRATED}CA= "letsencrypt"\n'}, "config-syntax", "around the = of CA"),
        ({CONFIG: f"{DEHYDRATED}export DNS01_TTL = 60\n"}, "config-syntax", "line 6"),
        ({CONFIG: f"{DEHYDRATED}MY_NAME = 'me'\n"}, "config-syntax", "dehydrated ends there"),
        ({CONFIG: DEHYDRATED.replace("TYPE=", "TYPE = ")}, "config-syntax", "line 3"),
        (
            {"/etc/dehydrated/certs/example.org/config": "HOOK_CHAIN = yes\n"},
            "config-syntax",
            "HOOK_CHAIN is not set",
        ),
        ({CONFIG: f"{DEHYDRATED}HOOK=\u201c/opt/x\u201d\n"}, "typographic-quotes", 'HOOK="/opt/x"'),
        ({CONFIG: f"{DEHYDRATED}CA=\u2018zerossl\u2019\n"}, "typographic-quotes", 'CA="zerossl"'),
        ({CONFIG: f"{DEHYDRATED}EAB_KID=\u201ea\u201c\n"}, "typographic-quotes", 'EAB_KID="…"'),
        ({DOMAINS: "\ufeffexample.org *.example.org\n"}, "domains-txt-line", "sed -i"),
        ({DOMAINS: "example.org, *.example.org\n"}, "domains-txt-line", "line 1: example.org *.example.org"),
        (
            {DOMAINS: "example.org *.example.org  # all\n"},
            "domains-txt-line",
            "a comment has a line of its own",
        ),
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

    first = max(machine.findings(), key=lambda finding: finding.severity)

    assert (first.code, first.severity) == (code, Severity.ERROR)
    assert words in "\n".join((first.message, *first.remedy))


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("example.org *.example.org # all of it", "example.org *.example.org"),
        ("example.org *.example.org #all", "example.org *.example.org"),
        ("example.org, www.example.org # a, b > c", "example.org www.example.org"),
        ("example.org, *.example.org > all", "example.org *.example.org > all"),
        ("https://example.org, *.example.org>all # b", "example.org *.example.org > all"),
    ],
)
def test_the_line_of_domains_txt_that_is_meant(machine: Machine, line: str, right: str) -> None:
    machine[DOMAINS] = f"{line}\n"
    (finding,) = [each for each in machine.findings() if each.code == "domains-txt-line"]
    assert finding.remedy == (f"write in line 1: {right}",)


@pytest.mark.parametrize("name", ["google", "google-test", "letsencrypt"])
def test_a_short_name_that_the_program_does_not_know(machine: Machine, name: str) -> None:
    machine["/usr/bin/dehydrated"] = 'VERSION="0.7.0"\nCA_ZEROSSL="https://acme.zerossl.com/v2/DV90"\n'
    machine[CONFIG] = f"{DEHYDRATED}CA={name}\nEAB_KID=a\nEAB_HMAC_KEY=b\n"
    first = max(machine.findings(), key=lambda finding: finding.severity)
    assert (first.code, first.severity) == ("ca-unknown", Severity.ERROR)
    assert 'CA="https://' in first.remedy[0]
    machine["/usr/bin/dehydrated"] = f'VERSION="0.7.2"\n  CA_{name.upper().replace("-", "_")}="https://x"\n'
    assert "ca-unknown" not in codes(machine.findings())


def test_a_list_of_domains_beside_the_one_that_is_named(machine: Machine) -> None:
    machine[CONFIG] = f"{DEHYDRATED}DOMAINS_TXT=/etc/dehydrated/domain.txt\n"
    steps = machine.finding("*.example.org").remedy
    assert steps[0] == f'write in {CONFIG}: DOMAINS_TXT="{DOMAINS}", or'
    assert steps[1].endswith("domain.txt a line: example.org *.example.org")  # no line begins with a wildcard


def test_a_wildcard_is_added_to_the_line_of_its_name(machine: Machine) -> None:
    machine[DOMAINS] = "# web\nexample.org www.example.org > web\n"
    (finding,) = machine.findings("*.example.org")
    assert finding.remedy == (f"write in {DOMAINS}, line 2: example.org www.example.org *.example.org > web",)
    machine[DOMAINS] = "example.net\n"
    (finding,) = machine.findings("*.example.org")
    assert finding.remedy == (f"write in {DOMAINS} a line: example.org *.example.org",)


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
        {CONFIG: f"{DEHYDRATED}cat >/run/acme <<EOF\nHOOK=/gone\nEOF\n"},
        {CONFIG: f"{DEHYDRATED}cat <<-'A' >/x; cat << B >/y\n\tHOOK=/gone\n\tA\nCHALLENGETYPE=http-01\nB\n"},
        {CONFIG: f"# cat <<EOF\n{DEHYDRATED}"},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/README": 'see "$1"'},
        {CONFIG: f"{DEHYDRATED}CA=https://ca.example.net/acme\nBASEDIR=$HOME/acme\n"},
        {
            CONFIG: f"{DEHYDRATED}CA=zerossl\nCONTACT_EMAIL=me@example.org\n",
            CRON: "1 2 * * * root dehydrated -c --accept-terms\n",
        },
        {
            CONFIG: f"{DEHYDRATED}CA=google\nEAB_KID=a\nEAB_HMAC_KEY=b\n",
            CRON: "1 2 * * * root dehydrated -c --accept-terms\n",
        },
        {CONFIG: f"{DEHYDRATED}CA=$CA_GOOGLE\n"},
        {
            CONFIG: f"{DEHYDRATED}ACCOUNTDIR=/srv/accounts\n",
            CRON: "1 2 * * * root dehydrated -c -p /srv/key\n",
        },
        {CONFIG: f"{DEHYDRATED}ACCOUNTDIR=/srv/accounts\n", "/etc/dehydrated/private_key.pem": "key"},
        {CONFIG: f"{DEHYDRATED}KEY_ALGO=rsa\nKEYSIZE=3072\n"},
        {CONFIG: f"{DEHYDRATED}KEY_ALGO=prime256v1\nKEYSIZE=1024\n"},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/a.sh": "CONTACT_EMAIL=me@example.org\n"},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/a.sh.bak": "CHALLENGETYPE=http-01\n"},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/a.sh~": "HOOK=/gone\n"},
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/web.env": "WEB_SERVER=nginx\n"},  # of a hook's own
        {CONFIG: CONF_D, "/etc/dehydrated/conf.d/hook.conf": DEHYDRATED},  # which says what is said anyhow
        {CRON: "1 2 * * 1 root dehydrated -c -x\n"},
        {CRON: "1 2 * * * root test -x /usr/bin/dehydrated && dehydrated -c\n"},
        {CRON: "1 2 * * * root dehydrated -c -x -d example.net; dehydrated -c\n"},
        {"/opt/dns01/bin/dns01": '#!/bin/sh\nword=$1; shift\nexec dns01 "$word" "$@"\n'},
        {"/opt/dns01/bin/dns01": "#!/bin/sh\n# dns01\nexec nsupdate.sh\n"},
        {CONFIG: f'{DEHYDRATED}[ "$A" = b ] || test a = a\nLC_ALL= "/bin/true"\n'},
        {CONFIG: f"{DEHYDRATED}if [[ $A == b ]]; then A == b; fi\n"},
        {CONFIG: f"{DEHYDRATED}cat >/x <<EOF\nHOOK = /gone\nEOF\n# CA = x\nNOTE='\nCA = y'\n"},
        {CONFIG: f"{DEHYDRATED}NOTE=\u201cquoted\u201d\n"},
        {DOMAINS: "example.org a.example.org\nexample.org a.example.org\nexample.org b.example.org > b\n"},
        {DOMAINS: "a.example.net\na.example.net b.example.net\nexample.org\n"},
        {
            DOMAINS: "example.org\nexample.net\n",
            "/etc/dehydrated/certs/example.net/config": "KEY_ALGO=ecdsa\n",  # which comes after it
        },
        {DOMAINS: "\r\n# all\r\nexample.net\r\nEXAMPLE.org *.example.org > web\r\n*.example.com\r\n"},
    ],
)
def test_a_run_that_gets_to_the_hook(machine: Machine, files: dict[str, str]) -> None:
    for path, text in files.items():
        machine[path] = text
    assert machine.findings() == []


def test_no_account_at_a_ca_that_has_replaced_another(machine: Machine) -> None:
    machine["/etc/dehydrated/accounts/of-the-test-ca/account_key.pem"] = "key"
    (machine.root / f"etc/dehydrated/accounts/{LETSENCRYPT}/account_key.pem").unlink()
    (finding,) = machine.findings()
    assert (finding.code, finding.severity) == ("account-missing", Severity.ERROR)
    assert finding.remedy == ("dehydrated --register --accept-terms",)


def test_no_account_at_all_unless_the_terms_are_agreed_to(machine: Machine) -> None:
    shutil.rmtree(machine.root / "etc/dehydrated/accounts")
    assert codes(machine.findings()) == ["account-missing"]
    machine[CRON] = "1 2 * * * root dehydrated -c --accept-terms\n"
    assert machine.findings() == []


@pytest.mark.parametrize("key", [f"accounts/{LETSENCRYPT}/account_key.pem", "private_key.pem"])
def test_a_key_of_the_account_that_a_full_disk_has_emptied(machine: Machine, key: str) -> None:
    shutil.rmtree(machine.root / "etc/dehydrated/accounts")
    machine[f"/etc/dehydrated/{key}"] = ""
    (finding,) = machine.findings()
    assert (finding.code, finding.severity) == ("account-missing", Severity.ERROR)
    assert finding.remedy[0].endswith(f": rm /etc/dehydrated/{key}")


def test_what_is_wrong_besides_comes_before_the_account(machine: Machine) -> None:
    shutil.rmtree(machine.root / "etc/dehydrated/accounts")
    machine.mode("/opt/dns01/bin/dns01", 0o644)
    assert codes(machine.findings()) == ["hook-not-executable", "account-missing"]


@pytest.mark.parametrize(
    ("entry", "step"),
    [
        ("1 2 * * * root dehydrated -c -x\n", "1 2 * * * root dehydrated -c"),
        (
            "@daily root /usr/bin/dehydrated --force --cron >/dev/null\n",
            "@daily root /usr/bin/dehydrated --cron >/dev/null",
        ),
        ("1 2 * * * root dehydrated -c -x -d example.org; true\n", "dehydrated -c -d example.org; true"),
    ],
)
def test_a_daily_run_that_always_orders(machine: Machine, entry: str, step: str) -> None:
    machine[CRON] = entry
    machine["/usr/bin/dehydrated"] = ""
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("renews-every-run", Severity.WARNING)
    assert finding.remedy[0].endswith(step)


def test_a_domain_of_no_line_is_a_note(machine: Machine) -> None:
    (finding,) = machine.findings("example.com")
    assert (finding.code, finding.severity) == ("not-in-domains-txt", Severity.NOTE)


def test_an_address_of_a_ca_that_is_none(machine: Machine) -> None:
    machine[CONFIG] = f"{DEHYDRATED}CA=https://[::1/directory\n"
    assert codes(machine.findings()) == ["account-missing"]


def test_the_command_that_registers_goes_by_the_same_configuration(machine: Machine) -> None:
    machine["/srv/acme/config"] = DEHYDRATED
    machine["/srv/acme/domains.txt"] = "example.org\n"
    machine[CRON] = "1 2 * * * root dehydrated -c -f /srv/acme/config\n"
    assert machine.finding().remedy == ("dehydrated -f /srv/acme/config --register --accept-terms",)


def test_accounts_that_only_their_owner_may_list_are_not_missing(machine: Machine) -> None:
    shutil.rmtree(machine.root / "etc/dehydrated/accounts")
    (machine.root / "etc/dehydrated/accounts").write_text("")  # root may list any folder
    assert machine.findings() == []


@pytest.mark.parametrize(
    "before", ["read A <<< EOF", "cat <<EOF >/run/acme\nHOOK=/other\nEOF", "A=$((1<<3))"]
)
def test_a_setting_behind_what_is_no_setting(machine: Machine, before: str) -> None:
    machine[CONFIG] = f"{DEHYDRATED}{before}\nHOOK=/gone\n"
    assert codes(machine.findings()) == ["hook-missing"]


@pytest.mark.parametrize("option", ["-f /srv/gone", "--config /srv/gone", "--config=/srv/gone"])
def test_a_configuration_that_is_named_and_not_there(machine: Machine, option: str) -> None:
    machine[CRON] = f"1 2 * * * root dehydrated -c {option}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity, finding.subject) == ("config-missing", Severity.ERROR, CRON)
    machine[CRON] = f"1 2 * * * root docker exec acme dehydrated -c {option}\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("domains", "alias"),
    [
        ("example.org > one\nexample.org > two\n", "two"),
        ("www.example.net\nexample.org\n", "www.example.net"),
        ("*.example.net > star\nexample.org\n", "star"),
    ],
)
@pytest.mark.parametrize("line", ["KEY_ALGO=ecdsa", "CHALLENGETYPE=dns01"])
def test_a_run_ends_at_another_line(machine: Machine, domains: str, alias: str, line: str) -> None:
    machine[DOMAINS] = domains
    machine[f"/etc/dehydrated/certs/{alias}/config"] = f"{line}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("config-value", Severity.ERROR)
    assert finding.subject == f"/etc/dehydrated/certs/{alias}/config"


@pytest.mark.parametrize(
    ("domains", "step"),
    [
        ("# web\nexample.org www.example.org\nexample.org\n", "line 3: example.org > example.org-3"),
        ("a.example.org > web\nexample.org > web\n", "line 2: example.org > web-2"),
        ("EXAMPLE.org a.example.org\nexample.org b.example.org\n", "line 2: example.org b.example.org > "),
    ],
)
def test_two_lines_that_are_kept_in_one_folder(machine: Machine, domains: str, step: str) -> None:
    machine[DOMAINS] = domains
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("domains-txt-twice", Severity.WARNING)
    assert step in finding.remedy[0]
