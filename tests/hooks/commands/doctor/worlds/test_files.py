"""Faults of the sixth kind: files that override files, schedules, and what the CA has changed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from client_files import LETSENCRYPT
from setups import BOTH, Account, Fault, Faults, Site, check_fault

from dns01.hooks.commands.doctor.finding import Severity
from dns01.hooks.commands.doctor.report import verdict

FAULTS = Faults()
MAIN = 'CHALLENGETYPE="dns-01"\nHOOK="/opt/dns01"\nHOOK_CHAIN="yes"\n'
# What ``examine`` is configured with: the hook has it too.
VARIABLES = "DNS01_PROVIDER=memory\nDNS01_MEMORY_ZONES=example.org\n"
DAILY = "17 4 * * * root /usr/bin/dehydrated --cron\n"
RENEWAL = """[renewalparams]
authenticator = manual
pref_challs = dns-01,
manual_auth_hook = /opt/dns01 certbot auth
manual_cleanup_hook = /opt/dns01 certbot cleanup
"""
SERVICE = "[Service]\nExecStart={}\nEnvironment=DNS01_PROVIDER=memory DNS01_MEMORY_ZONES=example.org\n"

Write = Callable[[Site], None]


def dehydrated(site: Site, main: str = MAIN, cron: str = DAILY, domains: str = "example.org\n") -> Account:
    site.world.zone("example.org", BOTH)
    site.write("/etc/dehydrated/config", main)
    site.write("/etc/dehydrated/domains.txt", domains)
    site.write("/bin/sh", "", 0o755)
    site.write("/usr/sbin/cron", "", 0o755)
    site.write("/opt/dns01", "#!/bin/sh\n", 0o755)
    site.write("/usr/bin/dehydrated", "", 0o755)
    site.write(f"/etc/dehydrated/accounts/{LETSENCRYPT}/account_key.pem", "key", 0o600)
    if cron:
        site.write("/etc/cron.d/dehydrated", f"{VARIABLES}{cron}")
    return {}


def certbot(site: Site, renewal: str = RENEWAL, timer: bool = True) -> Account:
    site.world.zone("example.org", BOTH)
    site.write("/bin/sh", "", 0o755)
    site.write("/usr/sbin/cron", "", 0o755)
    site.write("/opt/dns01", "#!/bin/sh\n", 0o755)
    site.write("/usr/bin/certbot", "", 0o755)
    site.write("/etc/letsencrypt/renewal/example.org.conf", renewal)
    if timer:
        site.write("/etc/cron.d/certbot", f"{VARIABLES}17 4 * * * root certbot -q renew\n")
    return {}


@FAULTS.add("challenge-type", "http-01", "/etc/dehydrated/conf.d/site.sh")
def conf_d_overrides_the_challenge_type(site: Site) -> Account:
    site.write("/etc/dehydrated/conf.d/site.sh", 'CHALLENGETYPE="http-01"\n')
    return dehydrated(site, f"CONFIG_D=/etc/dehydrated/conf.d\n{MAIN}")


@FAULTS.add("hook-missing", "/opt/gone", "/etc/dehydrated/conf.d/site.sh")
def conf_d_overrides_the_hook(site: Site) -> Account:
    site.write("/etc/dehydrated/conf.d/site.sh", 'HOOK="/opt/gone"\n')
    return dehydrated(site, f"CONFIG_D=/etc/dehydrated/conf.d\n{MAIN}")


@FAULTS.add("challenge-type", "/etc/dehydrated/certs/example.org/config")
def a_certificates_own_config_overrides_the_challenge_type(site: Site) -> Account:
    site.write("/etc/dehydrated/certs/example.org/config", "CHALLENGETYPE=http-01\n")
    return dehydrated(site)


@FAULTS.add("challenge-type", "/etc/dehydrated/certs/web/config")
def an_aliass_config_overrides_the_challenge_type(site: Site) -> Account:
    site.write("/etc/dehydrated/certs/web/config", "CHALLENGETYPE=http-01\n")
    return dehydrated(site, domains="example.org www.example.org > web\n")


@FAULTS.add("hook-missing", "/etc/dehydrated/domains.d/example.org")
def domains_d_overrides_the_hook(site: Site) -> Account:
    site.write("/etc/dehydrated/domains.d/example.org", "HOOK=/opt/gone\n")
    return dehydrated(site, f"DOMAINS_D=/etc/dehydrated/domains.d\n{MAIN}")


@FAULTS.add("challenge-type", "/etc/dehydrated/common")
def a_file_that_is_sourced_sets_the_challenge_type(site: Site) -> Account:
    site.write("/etc/dehydrated/common", "CHALLENGETYPE=http-01\n")
    return dehydrated(site, f"{MAIN}. /etc/dehydrated/common\n")


@FAULTS.add("challenge-type", "/srv/acme/config")
def another_config_is_really_run(site: Site) -> Account:
    site.write("/srv/acme/config", "HOOK=/opt/dns01\nCHALLENGETYPE=http-01\n")
    site.write("/srv/acme/domains.txt", "example.org\n")
    return dehydrated(site, cron="17 4 * * * root dehydrated -c -f /srv/acme/config | logger -t dns01\n")


@FAULTS.add("challenge-type", "take -t or --challenge http-01 out of")
def an_option_overrides_the_challenge_type(site: Site) -> Account:
    return dehydrated(site, cron="17 4 * * * root dehydrated --cron --challenge http-01\n")


@FAULTS.add("hook-not-executable", "chmod +x /opt/hook")
def the_hook_may_not_be_executed(site: Site) -> Account:
    site.write("/opt/hook", "#!/bin/sh\n", 0o644)
    return dehydrated(site, MAIN.replace("/opt/dns01", "/opt/hook"))


@FAULTS.add("carriage-returns", "/etc/dehydrated/config", "sed -i 's/\\r$//' /etc/dehydrated/config")
def the_configuration_comes_from_windows(site: Site) -> Account:
    return dehydrated(site, MAIN.replace("\n", "\r\n"))


@FAULTS.add("carriage-returns", "sed -i 's/\\r$//' /opt/hook")
def the_hook_comes_from_windows(site: Site) -> Account:
    site.write("/opt/hook", "#!/bin/sh\r\nexec dns01\r\n", 0o755)
    return dehydrated(site, MAIN.replace("/opt/dns01", "/opt/hook"))


@FAULTS.add("hook-interpreter-gone", "/opt/venv/bin/python3", "head -1 /opt/hook")
def an_upgrade_has_taken_the_hooks_python(site: Site) -> Account:
    site.write("/opt/hook", "#!/opt/venv/bin/python3\n", 0o755)
    link(site, "/opt/venv/bin/python3", "/usr/bin/python3.7")
    return dehydrated(site, MAIN.replace("/opt/dns01", "/opt/hook"))


@FAULTS.add("hook-interpreter-gone", "/opt/venv/bin/python3")
def an_upgrade_has_taken_the_python_of_certbots_hook(site: Site) -> Account:
    site.write("/opt/hook", "#!/opt/venv/bin/python3\n", 0o755)
    return certbot(site, RENEWAL.replace("/opt/dns01 certbot auth", "/opt/hook"))


@FAULTS.add("hook-missing", "it sets no HOOK")
def the_value_with_a_blank_has_no_quotes(site: Site) -> Account:
    return dehydrated(site, MAIN.replace('"/opt/dns01"', "/opt/dns01 hook"))


@FAULTS.add("certbot-challenge", "webroot", "wildcards", domain="*.example.org")
def certbot_renews_a_wildcard_over_http(site: Site) -> Account:
    return certbot(site, RENEWAL.replace("manual\n", "webroot\n", 1))


@FAULTS.add("renews-every-run", "RENEW_DAYS=", severity=Severity.WARNING)
def short_lived_certificates_are_renewed_at_every_run(site: Site) -> Account:
    return dehydrated(site, f"{MAIN}ACME_PROFILE=shortlived\n")


@FAULTS.add("renews-every-run", "RENEW_DAYS=", "/etc/dehydrated/config", severity=Severity.WARNING)
def certificates_of_45_days_are_renewed_at_every_run(site: Site) -> Account:
    return dehydrated(site, f'{MAIN}ACME_PROFILE="tlsserver"\nRENEW_DAYS="60"\n')


@FAULTS.add("renews-every-run", "RENEW_DAYS=", severity=Severity.WARNING)
def more_days_than_a_certificate_lives(site: Site) -> Account:
    return dehydrated(site, f"{MAIN}RENEW_DAYS=95\n")


@FAULTS.add("timer-too-rare", "17 4 * * * root dehydrated --cron", severity=Severity.WARNING)
def a_weekly_run_is_too_rare_for_short_lived_certificates(site: Site) -> Account:
    weekly = "17 4 * * 1 root dehydrated --cron\n"
    return dehydrated(site, f"{MAIN}ACME_PROFILE=shortlived\nRENEW_DAYS=3\n", weekly)


@FAULTS.add("timer-too-rare", "OnCalendar=daily", severity=Severity.WARNING)
def a_timer_that_runs_twice_a_year(site: Site) -> Account:
    site.write("/etc/systemd/system/dehydrated.timer", "[Timer]\nOnCalendar=semiannually\n")
    site.write("/etc/systemd/system/dehydrated.service", SERVICE.format("/usr/bin/dehydrated -c"))
    link(site, "/etc/systemd/system/timers.target.wants/dehydrated.timer", "../dehydrated.timer")
    return dehydrated(site, cron="")


@FAULTS.add("too-many-names", "25")
def more_than_25_names_of_a_profile_that_takes_no_more(site: Site) -> Account:
    names = " ".join(f"host{number}.example.org" for number in range(30))
    return dehydrated(
        site, f"{MAIN}ACME_PROFILE=tlsserver\nRENEW_DAYS=15\n", domains=f"example.org {names}\n"
    )


@FAULTS.add("ocsp-ended", 'OCSP_FETCH="no"', severity=Severity.WARNING)
def ocsp_is_fetched_from_a_ca_that_has_ended_it(site: Site) -> Account:
    return dehydrated(site, f"{MAIN}OCSP_FETCH=yes\n")


@FAULTS.add("ocsp-ended", 'OCSP_MUST_STAPLE="no"')
def must_staple_is_asked_of_a_ca_that_has_ended_ocsp(site: Site) -> Account:
    return dehydrated(site, f'{MAIN}OCSP_MUST_STAPLE="yes"\n')


@FAULTS.add("certbot-hook-gone", "/opt/old/auth.sh")
def the_file_of_certbots_hook_is_gone(site: Site) -> Account:
    return certbot(site, RENEWAL.replace("/opt/dns01 certbot auth", "/opt/old/auth.sh"))


@FAULTS.add("certbot-challenge", "dns-01")
def certbot_takes_http_first(site: Site) -> Account:
    return certbot(site, RENEWAL.replace("pref_challs = dns-01,\n", ""))


@FAULTS.add("certbot-autorenew-off", "autorenew = True", severity=Severity.WARNING)
def certbot_passes_it_over(site: Site) -> Account:
    return certbot(site, f"{RENEWAL}autorenew = False\n")


@FAULTS.add("timer-masked", "systemctl unmask certbot.timer")
def certbots_timer_is_masked(site: Site) -> Account:
    site.write("/usr/lib/systemd/system/certbot.timer", "[Timer]\nOnCalendar=daily\n")
    site.write("/usr/lib/systemd/system/certbot.service", SERVICE.format("/usr/bin/certbot -q renew"))
    link(site, "/etc/systemd/system/certbot.timer", "/dev/null")
    link(
        site, "/etc/systemd/system/timers.target.wants/certbot.timer", "/usr/lib/systemd/system/certbot.timer"
    )
    return certbot(site, timer=False)


@FAULTS.add("no-timer", "certbot", severity=Severity.WARNING)
def nothing_runs_certbot(site: Site) -> Account:
    return certbot(site, timer=False)


def link(site: Site, path: str, target: str) -> None:
    (site.folder / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    file = site.folder / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to(target)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_the_true_cause_comes_first(site: Site, fault: Fault) -> None:
    check_fault(site, fault)


# Nothing wrong


def a_log_of_the_name_of_an_option(site: Site) -> Account:
    return dehydrated(site, cron="17 4 * * * root /usr/bin/dehydrated --cron 2>&1 | logger -t dns01\n")


def persistent_records(site: Site) -> Account:
    return dehydrated(site, 'CHALLENGETYPE="dns-persist-01"\n')


def a_profile_with_days_that_fit(site: Site) -> Account:
    return dehydrated(site, f"{MAIN}ACME_PROFILE=shortlived\nRENEW_DAYS=3\n")


def another_certificates_own_config(site: Site) -> Account:
    site.write("/etc/dehydrated/certs/www.example.net/config", "CHALLENGETYPE=http-01\n")
    return dehydrated(site, domains="example.org\nwww.example.net\n")


def ocsp_of_a_ca_that_has_it(site: Site) -> Account:
    site.write("/etc/dehydrated/private_key.pem", "key", 0o600)
    return dehydrated(site, f"{MAIN}CA=https://ca.example.net/directory\nOCSP_FETCH=yes\n")


def a_script_that_runs_certbot(site: Site) -> Account:
    site.write("/usr/local/bin/renew", "#!/bin/sh\ncertbot -q renew\n", 0o755)
    site.write("/etc/cron.d/renew", f"{VARIABLES}17 4 * * * root /usr/local/bin/renew\n")
    return certbot(site, timer=False)


def a_weekly_run_of_certificates_of_90_days(site: Site) -> Account:
    return dehydrated(site, cron="17 4 * * 1 root dehydrated --cron\n")


@pytest.mark.parametrize(
    "build",
    [
        a_log_of_the_name_of_an_option,
        persistent_records,
        a_profile_with_days_that_fit,
        another_certificates_own_config,
        ocsp_of_a_ca_that_has_it,
        a_script_that_runs_certbot,
        a_weekly_run_of_certificates_of_90_days,
    ],
)
def test_nothing_is_found(site: Site, build: Callable[[Site], Account]) -> None:
    assert site.diagnose("example.org", build(site)).ordered == []


def test_what_a_condition_sets_is_a_note(site: Site) -> None:
    account = dehydrated(site, f"{MAIN}if [ -e /etc/special ]; then\n  CHALLENGETYPE=http-01\nfi\n")

    (finding,) = site.diagnose("example.org", account).ordered

    assert (finding.code, finding.severity) == ("challenge-type", Severity.NOTE)


def test_what_keeps_a_client_from_renewing_is_not_said_to_fail_an_order(site: Site) -> None:
    account = certbots_timer_is_masked(site)
    assert verdict([site.diagnose("example.org", account)]) == "nothing would renew: timer-masked"
