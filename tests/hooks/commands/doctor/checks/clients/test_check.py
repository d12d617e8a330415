"""What the doctor says of the ACME client on this machine, from its files as they are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from client_files import CRON, DEHYDRATED, RENEWAL, Machine, all_four, with_certbot, with_dehydrated
from examined import codes

from dns01.hooks.commands.doctor.finding import Severity
from dns01.own_program import own_path


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "root")
    machine["/bin/sh"] = ""
    return machine


@pytest.fixture
def dehydrated(tmp_path: Path) -> Machine:
    return with_dehydrated(tmp_path / "root")


@pytest.fixture
def certbot(tmp_path: Path) -> Machine:
    return with_certbot(tmp_path / "root")


def test_a_machine_without_any_client(machine: Machine) -> None:
    assert machine.findings() == []


def test_a_package_that_nobody_has_set_up(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = "CONFIG_D=/etc/dehydrated/conf.d\nBASEDIR=/var/lib/dehydrated\n"
    assert machine.findings() == []


# dehydrated


def test_dehydrated_as_it_should_be(dehydrated: Machine) -> None:
    assert dehydrated.findings() == []
    assert dehydrated.findings("*.example.org") == []


def test_a_hook_that_is_not_executable(dehydrated: Machine) -> None:
    dehydrated.mode("/opt/dns01/bin/dns01", 0o644)
    finding = dehydrated.finding()
    assert (finding.code, finding.severity) == ("hook-not-executable", Severity.ERROR)
    assert finding.remedy == ("chmod +x /opt/dns01/bin/dns01",)


@pytest.mark.parametrize("hook", ["/opt/bin/gone", "~/bin/dns01", "/opt/dns01/bin/dns01 --flag"])
def test_a_hook_that_is_not_there(dehydrated: Machine, hook: str) -> None:
    dehydrated["/etc/dehydrated/config"] = f'CHALLENGETYPE=dns-01\nHOOK="{hook}"\nHOOK_CHAIN=yes\n'
    finding = dehydrated.finding()
    assert (finding.code, finding.severity) == ("hook-missing", Severity.ERROR)
    assert finding.message == (
        f"HOOK is {hook}, and there is no such file; it is one path: no arguments, no ~"
    )


def test_no_hook_at_all(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = "CHALLENGETYPE=dns-01\nHOOK_CHAIN=yes\n"
    assert dehydrated.finding().code == "hook-missing"
    assert dehydrated.finding().remedy == (f'write in /etc/dehydrated/config: HOOK="{own_path()}"',)


@pytest.mark.parametrize("hook", ["$(command -v dns01)", "dns01", "./hook.sh", "/opt/`hostname`/hook"])
def test_a_hook_that_only_a_run_can_tell(dehydrated: Machine, hook: str) -> None:
    dehydrated["/etc/dehydrated/config"] = f'CHALLENGETYPE=dns-01\nHOOK="{hook}"\nHOOK_CHAIN=yes\n'
    assert dehydrated.findings() == []


def test_a_hook_made_of_other_settings(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = DEHYDRATED.replace(
        'HOOK="/opt/', "PREFIX=/opt\nHOOK=${PREFIX}'/'\""
    )
    assert dehydrated.findings() == []


def test_a_hook_on_the_command_line(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = "HOOK_CHAIN=yes\n"
    dehydrated["/etc/cron.d/dehydrated"] = "17 4 * * * root dehydrated -c -t dns-01 -k /opt/dns01/bin/dns01\n"
    assert dehydrated.findings() == []


def test_a_challenge_that_is_not_dns01(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = DEHYDRATED.replace("CHALLENGETYPE", "# CHALLENGETYPE")
    finding = dehydrated.finding()
    assert (finding.code, finding.severity) == ("challenge-type", Severity.ERROR)
    assert "not set, which means http-01" in finding.message


def test_hook_chain_off_with_several_names(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = DEHYDRATED.replace("'yes'", "no")
    finding = dehydrated.finding()
    assert (finding.code, finding.severity) == ("hook-chain-off", Severity.NOTE)
    assert finding.message == ("HOOK_CHAIN is off, so that a certificate with 2 names is waited for 2 times")


def test_hook_chain_off_with_one_name(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = DEHYDRATED.replace("'yes'", "no")
    dehydrated["/etc/dehydrated/domains.txt"] = "example.org\nother.org www.other.org\n"
    assert dehydrated.findings() == []


def test_a_configuration_in_parts(dehydrated: Machine) -> None:
    dehydrated["/etc/dehydrated/config"] = "CONFIG_D=/etc/dehydrated/conf.d\n"
    dehydrated["/etc/dehydrated/conf.d/hook.sh"] = DEHYDRATED
    assert dehydrated.findings() == []


def test_the_configuration_that_dehydrated_itself_names(dehydrated: Machine) -> None:
    dehydrated["/srv/config"] = "CHALLENGETYPE=dns-01\nHOOK=/srv/gone\n"
    dehydrated["/srv/domains.txt"] = "example.org\n"
    finding, *_ = dehydrated.findings(CONFIG="/srv/config")
    assert (finding.code, finding.subject) == ("hook-missing", "/srv/config")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("-k /opt/other", "hook-overridden"),
        ("--hook '/opt/other'", "hook-overridden"),
        ('--hook="/opt/gone"', "hook-missing"),
        ("-k /opt/plain", "hook-not-executable"),
    ],
)
def test_an_option_that_goes_before_the_hook(dehydrated: Machine, options: str, code: str) -> None:
    dehydrated["/opt/other"] = '#!/bin/sh\nexec /opt/cloudflare "$@"\n'
    dehydrated.mode("/opt/other", 0o755)
    dehydrated["/opt/plain"] = ""
    for crontab in (
        f"17 4 * * * root /usr/bin/dehydrated --cron {options}\n",
        "17 4 * * * root /usr/local/sbin/renew\n",
    ):
        dehydrated["/usr/local/sbin/renew"] = f"#!/bin/sh\n/usr/bin/dehydrated --cron {options}\n"
        dehydrated.mode("/usr/local/sbin/renew", 0o755)
        dehydrated["/etc/cron.d/dehydrated"] = crontab
        finding = dehydrated.finding()
        assert (finding.code, finding.severity) == (code, Severity.ERROR)
    if code != "hook-not-executable":
        assert "out of /usr/local/sbin/renew" in finding.remedy[0]


def test_an_option_that_leads_to_dns01_too(dehydrated: Machine) -> None:
    dehydrated["/opt/wrapper"] = '#!/bin/sh\nexec /opt/dns01/bin/dns01 "$@"\n'
    dehydrated.mode("/opt/wrapper", 0o755)
    dehydrated["/etc/cron.d/dehydrated"] = "17 4 * * * root /usr/bin/dehydrated --cron -k /opt/wrapper\n"
    assert dehydrated.findings() == []


# by the clock


def test_nothing_runs_dehydrated(dehydrated: Machine) -> None:
    dehydrated["/etc/cron.d/dehydrated"] = f"# {CRON}"
    finding = dehydrated.finding()
    assert (finding.code, finding.severity) == ("no-timer", Severity.WARNING)
    entry = (
        "write in /etc/cron.d/dehydrated: "
        """17 4 * * * root out=$(dehydrated --cron) || { echo "$out"; false; }"""
    )
    assert finding.remedy == (entry,)
    dehydrated.mode("/usr/sbin/cron", 0o644)
    assert dehydrated.finding().remedy == ("apt-get install cron", entry)
    dehydrated.mode("/usr/sbin/cron", 0o755)
    dehydrated.remove("/usr/bin/dehydrated")
    dehydrated["/opt/acme/dehydrated"] = ""
    assert dehydrated.finding().remedy == (entry.replace("dehydrated --cron", "/opt/acme/dehydrated --cron"),)


def test_an_entry_without_a_cron_that_goes_by_it_runs_nothing(dehydrated: Machine) -> None:
    dehydrated.mode("/usr/sbin/cron", 0o644)
    finding = dehydrated.finding()
    assert (finding.code, finding.remedy) == ("no-timer", ("apt-get install cron",))
    assert "no cron is installed that would go by /etc/cron.d/dehydrated" in finding.message


@pytest.mark.parametrize(
    "program",
    [
        "usr/sbin/crond",
        "usr/bin/crond",
        "usr/sbin/anacron",
        "usr/sbin/bcron-sched",
        "usr/lib/systemd/system-generators/systemd-crontab-generator",
    ],
)
def test_other_crons_go_by_the_same_entries(program: str, dehydrated: Machine) -> None:
    (dehydrated.root / "usr/sbin/cron").unlink()
    (dehydrated.root / program).parent.mkdir(parents=True, exist_ok=True)
    (dehydrated.root / program).symlink_to("/bin/busybox-of-that-machine")
    assert dehydrated.findings() == []


@pytest.mark.parametrize(
    ("crontab", "text"),
    [
        ("/etc/crontab", CRON),
        ("/var/spool/cron/crontabs/root", CRON),
        ("/etc/cron.daily/x", "#!/bin/sh\n/usr/bin/dehydrated --cron\n"),
    ],
)
def test_cron_in_any_of_its_places(dehydrated: Machine, crontab: str, text: str) -> None:
    dehydrated["/etc/cron.d/dehydrated"] = ""
    dehydrated[crontab] = text
    dehydrated.mode(crontab, 0o755)
    assert dehydrated.findings() == []


@pytest.mark.parametrize(
    ("path", "text", "mode", "why", "remedy"),
    [
        ("/etc/cron.d/acme.cron", CRON, 0o644, "a dot", "mv /etc/cron.d/acme.cron /etc/cron.d/acme-cron"),
        ("/etc/cron.daily/acme.sh", "dehydrated -c\n", 0o755, "a dot", "/etc/cron.daily/acme"),
        ("/etc/cron.daily/acme", "dehydrated -c\n", 0o644, "executed", "chmod +x /etc/cron.daily/acme"),
        ("/etc/cron.d/acme", CRON.rstrip(), 0o644, "no line end", "echo >> /etc/cron.d/acme"),
        ("/etc/cron.d/acme", CRON, 0o664, "may write", "chmod 644 /etc/cron.d/acme"),
        ("/etc/cron.d/acme", CRON.replace("root ", ""), 0o644, "user", "17 4 * * * root /usr/bin/dehydrated"),
        ("/etc/cron.d/acme", "@daily dehydrated -c\n", 0o644, "user", "@daily root dehydrated -c"),
        ("/etc/cron.d/acme", CRON.replace("* * *", "31 2 *"), 0o644, "no year", "17 4 * * *"),
        (
            "/etc/cron.d/acme",
            CRON.replace("--cron", "-v"),
            0o644,
            "renews nothing",
            "root /usr/bin/dehydrated --cron",
        ),
        (
            "/etc/cron.d/acme",
            CRON.replace("usr", "opt"),
            0o644,
            "/opt/bin",
            "root /usr/bin/dehydrated --cron",
        ),
    ],
)
def test_an_entry_that_cron_passes_over(
    dehydrated: Machine, path: str, text: str, mode: int, why: str, remedy: str
) -> None:
    dehydrated["/usr/bin/dehydrated"] = ""
    dehydrated["/etc/cron.d/dehydrated"] = ""
    dehydrated[path] = text
    dehydrated.mode(path, mode)

    finding = dehydrated.finding()

    assert (finding.code, finding.severity, finding.subject) == ("cron-entry-ignored", Severity.ERROR, path)
    assert why in finding.message
    assert remedy in finding.remedy[0]


@pytest.mark.parametrize(
    "entry",
    [
        "17 4 * * * dehydrated test -x /usr/bin/dehydrated && /usr/bin/dehydrated -c\n",
        "MAILTO=root\n@daily root flock -n /run/lock/acme /usr/bin/dehydrated -c -g >/dev/null\n",
        "17 4 1,11,21 * * root dehydrated --cron\n",
        "17 4 29 2 sun root dehydrated --cron\n17 4 * JAN-dec mon-fri root dehydrated $OPTIONS\n",
    ],
)
def test_an_entry_that_cron_runs_often_enough(dehydrated: Machine, entry: str) -> None:
    dehydrated["/usr/bin/dehydrated"] = ""
    dehydrated["/etc/cron.d/dehydrated"] = entry
    assert dehydrated.findings() == []


@pytest.mark.parametrize(
    ("when", "days"),
    [("1 */3 *", "92"), ("1 1,7 *", "184"), ("31 * *", "61"), ("29 2 *", "1461"), ("* jan mon", "343")],
)
def test_the_longest_time_between_two_runs(dehydrated: Machine, when: str, days: str) -> None:
    dehydrated["/etc/cron.d/dehydrated"] = f"17 4 {when} root dehydrated --cron\n"
    finding = dehydrated.finding()
    assert finding.code == "timer-too-rare"
    assert f"every {days} days" in finding.message
    assert finding.remedy == ("write in /etc/cron.d/dehydrated: 17 4 * * * root dehydrated --cron",)


def test_a_timer_of_a_few_days_of_the_year(dehydrated: Machine) -> None:
    dehydrated["/etc/cron.d/dehydrated"] = ""
    dehydrated["/etc/systemd/system/acme.timer"] = "[Timer]\nOnCalendar=*-01,07-01 04:00\n"
    dehydrated["/etc/systemd/system/acme.service"] = "[Service]\nExecStart=/usr/bin/dehydrated -c\n"
    dehydrated.link("/etc/systemd/system/timers.target.wants/acme.timer")
    assert "every 184 days" in dehydrated.finding().message
    assert dehydrated.finding().remedy == (
        "systemctl edit acme.timer\n[Timer]\nOnCalendar=\nOnCalendar=daily",
    )


def test_a_timer_that_is_not_enabled(certbot: Machine) -> None:
    (certbot.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    finding = certbot.finding()
    assert (finding.code, finding.subject) == ("no-timer", "certbot")
    assert finding.remedy == ("systemctl enable --now certbot.timer",)


def test_a_timer_of_any_name_whose_service_runs_the_client(dehydrated: Machine) -> None:
    dehydrated["/etc/cron.d/dehydrated"] = ""
    dehydrated["/etc/systemd/system/certs.timer"] = "[Timer]\nOnCalendar=daily\nUnit=renew.service\n"
    dehydrated["/etc/systemd/system/renew.service"] = "[Service]\nExecStart=/usr/bin/dehydrated -c\n"
    dehydrated.link("/etc/systemd/system/timers.target.wants/certs.timer")
    assert dehydrated.findings() == []


def test_a_timer_that_is_enabled_where_no_systemd_is_at_work(certbot: Machine) -> None:
    (certbot.root / "run/systemd/system").rmdir()
    finding = certbot.finding()
    assert (finding.code, finding.subject) == ("no-timer", "certbot")
    assert finding.remedy[-1] == "write in /etc/cron.d/certbot: 17 4 * * * root certbot -q renew"


def test_debians_cron_entry_stands_back_where_systemd_runs(certbot: Machine) -> None:
    (certbot.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    certbot["/etc/cron.d/certbot"] = "0 */12 * * * root test \\! -d /run/systemd/system && certbot -q renew\n"
    (certbot.root / "run/systemd/system").rmdir()
    assert certbot.findings() == []
    (certbot.root / "run/systemd/system").mkdir(parents=True)
    assert codes(certbot.findings()) == ["no-timer"]


# certbot


def test_certbot_as_it_should_be(certbot: Machine) -> None:
    assert certbot.findings() == []
    assert certbot.findings("*.example.org") == []


@pytest.mark.parametrize(
    "text",
    [
        f"account =\n{RENEWAL}",
        RENEWAL.replace("authenticator", "account =  \nauthenticator"),
        RENEWAL.replace("authenticator", "account =\t\n\nserver = \nauthenticator"),
        RENEWAL.replace("\n", "\r\n").replace("authenticator", "account =\r\nauthenticator"),
        RENEWAL.replace("= dns01 certbot auth", '= "dns01 certbot auth"'),
        RENEWAL.replace("= dns01 certbot auth", "= 'dns01 certbot auth'  # by hand"),
        RENEWAL.replace("manual\n", "manual  # it was webroot\n"),
        RENEWAL.replace("authenticator", "  authenticator").replace("pref_challs = ", "pref_challs="),
        RENEWAL + "[[webroot_map]]\nexample.org =\naccount =",
    ],
)
def test_a_renewal_file_is_read_as_certbot_reads_it(certbot: Machine, text: str) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = text
    assert certbot.findings() == []


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("manual_auth_hook = dns01", "manual_auth_hook = /opt/dns01/bin/dns01 certbot auth"),
        ("manual_auth_hook = /opt/hook.py certbot", "manual_auth_hook = /opt/hook.py certbot auth"),
        ("manual_cleanup_hook = dns01 auth", "manual_cleanup_hook = /opt/dns01/bin/dns01 certbot cleanup"),
        ("renew_hook = env A=b dns01", f"renew_hook = {own_path()} certbot deploy"),
    ],
)
def test_a_hook_without_its_phase(certbot: Machine, line: str, remedy: str) -> None:
    key = line.partition(" ")[0]
    lines = [line if each.startswith(key) else each for each in RENEWAL.splitlines()]
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = "\n".join(lines)

    finding = certbot.finding()

    assert (finding.code, finding.severity) == ("certbot-hook-without-phase", Severity.ERROR)
    assert finding.message == (f"{line} does not say its phase, so that dns01 cannot know what is wanted")
    assert finding.remedy == (f"write in /etc/letsencrypt/renewal/example.org.conf: {remedy}",)


def test_a_hook_of_somebody_elses(certbot: Machine) -> None:
    for hook in ("renew.sh", "env A=b renew.sh", "cd /opt && ./mine", "$HOME/mine"):
        renewal = RENEWAL.replace("dns01 certbot auth", hook)
        certbot["/etc/letsencrypt/renewal/example.org.conf"] = renewal
        assert certbot.findings() == []


@pytest.mark.parametrize(
    ("hook", "mode", "code", "remedy"),
    [
        ("renew.sh", 0o644, "certbot-hook-not-executable", "chmod +x /usr/local/bin/renew.sh"),
        (
            "/usr/local/bin/renew.sh auth",
            0o600,
            "certbot-hook-not-executable",
            "chmod +x /usr/local/bin/renew",
        ),
        ("authenticator.sh", 0o755, "certbot-hook-gone", "/opt/dns01/bin/dns01 certbot auth"),
        ("./renew.sh", 0o755, "certbot-hook-gone", "/opt/dns01/bin/dns01 certbot auth"),
        ("/opt/old/dns01 certbot auth", 0o755, "certbot-hook-gone", "/opt/dns01/bin/dns01 certbot auth"),
    ],
)
def test_a_hook_that_certbot_cannot_run(
    certbot: Machine, hook: str, mode: int, code: str, remedy: str
) -> None:
    certbot.mode("/usr/local/bin/renew.sh", mode)
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL.replace("dns01 certbot auth", hook)

    finding = certbot.finding()

    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert remedy in finding.remedy[0]


def test_a_renewal_file_that_a_full_disk_has_emptied(certbot: Machine) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = ""
    finding = certbot.finding()
    assert (finding.code, finding.severity) == ("certbot-renewal-broken", Severity.ERROR)


def test_no_hook_for_certbot(certbot: Machine) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL.replace("manual_auth_hook", "another")
    assert certbot.finding().code == "certbot-hook-missing"


def test_certbot_without_dns01(certbot: Machine) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL.replace("pref_challs = dns-01,", "")
    finding = certbot.finding()
    assert (finding.code, finding.severity) == ("certbot-challenge", Severity.ERROR)
    assert "--preferred-challenges dns" in finding.remedy[0]


def test_certbot_with_another_authenticator(certbot: Machine) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = "authenticator = webroot\n"
    finding = certbot.finding()
    assert (finding.code, finding.severity) == ("certbot-other-authenticator", Severity.NOTE)


def test_certbots_certificate_of_another_domain(certbot: Machine) -> None:
    certbot["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL.replace("dns01 certbot auth", "dns01")
    assert certbot.findings("example.net") == []


def test_certbots_second_certificate_of_the_same_name(certbot: Machine) -> None:
    (certbot.root / "etc/letsencrypt/renewal/example.org.conf").unlink()
    certbot["/etc/letsencrypt/renewal/example.org-0001.conf"] = RENEWAL.replace("dns01 certbot auth", "dns01")
    assert certbot.finding().code == "certbot-hook-without-phase"


@pytest.fixture
def issued(certbot: Machine) -> Iterator[Machine]:
    """A certificate called web, for two names."""
    import trustme

    certificate = trustme.CA().issue_cert("example.org", "*.example.net")
    certbot["/etc/letsencrypt/live/web/cert.pem"] = certificate.cert_chain_pems[0].bytes().decode()
    (certbot.root / "etc/letsencrypt/renewal/example.org.conf").unlink()
    broken = RENEWAL.replace("dns01 certbot auth", "dns01")
    certbot["/etc/letsencrypt/renewal/web.conf"] = f"{all_four('/etc/letsencrypt/live/web/cert.pem')}{broken}"
    return certbot


def test_certbots_certificate_by_the_names_in_it(issued: Machine) -> None:
    assert issued.finding("*.example.net").code == "certbot-hook-without-phase"
    assert issued.findings("web") == []
