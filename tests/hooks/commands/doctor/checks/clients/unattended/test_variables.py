"""What the doctor says of an account that the shell has in which it is asked, and the hook has not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from client_files import CRON, DEHYDRATED, RENEWAL, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.finding import Finding, Severity

SHELL = {"DNS01_PROVIDER": "desec", "DESEC_TOKEN": "the-secret-of-desec-4711"}
LEGO = "lego --path /var/lib/lego -d example.net --dns exec renew"
UACME = "uacme -h /opt/dns01/bin/dns01 issue example.net"
HOOK = "EXEC_PATH=/opt/dns01/bin/dns01"
CRONTAB = "/etc/cron.d/acme"
FILE = "/etc/dns01/environment"

Make = Callable[[Machine], str]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """example.org is dehydrated's, whose configuration has the account; example.net is whose a test says."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}export DNS01_PROVIDER=desec DESEC_TOKEN=x\n"
    machine["/etc/ssl/uacme/private/key.pem"] = "key"
    machine["/usr/local/bin/dns01"] = "#!/bin/sh\n"
    machine.mode("/usr/local/bin/dns01", 0o755)
    return machine


def found(machine: Machine, domain: str = "example.net", **environ: str) -> list[Finding]:
    every = machine.findings(domain, **(environ or SHELL))
    return [finding for finding in every if finding.severity == Severity.ERROR]


def certbot_by_timer(machine: Machine, *settings: str, hook: str = "dns01 certbot auth") -> str:
    machine["/etc/letsencrypt/renewal/example.net.conf"] = RENEWAL.replace("dns01 certbot auth", hook, 1)
    by_timer(machine, "certbot", "/usr/bin/certbot -q renew", *settings)
    return "certbot.service"


def certbot_by_cron(machine: Machine) -> str:
    certbot_by_timer(machine)
    (machine.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    machine[CRONTAB] = "1 2 * * * root certbot -q renew\n"
    return CRONTAB


def certbot_of_a_snap(machine: Machine) -> str:
    certbot_by_cron(machine)
    machine[CRONTAB] = ""
    by_timer(machine, "snap.certbot.renew", '/usr/bin/snap run --timer="00:00~24:00/2" certbot.renew')
    return "snap.certbot.renew.service"


def lego_by_cron(machine: Machine) -> str:
    machine[CRONTAB] = f"{HOOK}\n1 2 * * * root {LEGO}\n"
    return CRONTAB


def lego_by_timer(machine: Machine) -> str:
    by_timer(machine, "lego", f"/usr/bin/{LEGO}", f"Environment={HOOK}")
    return "lego.service"


def lego_by_a_script(machine: Machine) -> str:
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\nexport {HOOK}\n{LEGO}\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    machine[CRONTAB] = "1 2 * * * root /usr/local/sbin/renew\n"
    return CRONTAB


def uacme_by_a_table_of_ones_own(machine: Machine) -> str:
    machine["/var/spool/cron/crontabs/root"] = f"1 2 * * * {UACME}\n"
    return "/var/spool/cron/crontabs/root"


def uacme_by_cron_daily(machine: Machine) -> str:
    machine["/etc/cron.daily/uacme"] = f"#!/bin/sh\n{UACME}\n"
    machine.mode("/etc/cron.daily/uacme", 0o755)
    return "/etc/cron.daily/uacme"


def traefik(machine: Machine) -> str:
    machine["/etc/traefik/traefik.yml"] = "acme:\n  dnsChallenge:\n    provider: exec\n"
    machine["/etc/systemd/system/traefik.service"] = f"[Service]\nExecStart=/x/traefik\nEnvironment={HOOK}\n"
    return "traefik.service"


def variables_taken_back(machine: Machine) -> str:
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x")
    machine["/etc/systemd/system/certbot.service.d/a.conf"] = "[Service]\nEnvironment=\n"
    return "certbot.service"


def variables_in_another_section(machine: Machine) -> str:
    certbot_by_timer(machine)
    machine["/etc/systemd/system/certbot.service.d/a.conf"] = (
        "[Unit]\nEnvironment=DNS01_PROVIDER=desec DESEC_TOKEN=x\n"
    )
    return "certbot.service"


def the_token_alone_is_lacking(machine: Machine) -> str:
    return certbot_by_timer(machine, "Environment=DNS01_PROVIDER=desec")


BROKEN = (
    certbot_by_timer, certbot_by_cron, certbot_of_a_snap, lego_by_cron, lego_by_timer, lego_by_a_script,
    uacme_by_a_table_of_ones_own, uacme_by_cron_daily, traefik, variables_taken_back,
    variables_in_another_section, the_token_alone_is_lacking,
)  # fmt: skip


@pytest.mark.parametrize("make", BROKEN)
def test_an_account_of_this_shell_only(machine: Machine, make: Make) -> None:
    source = make(machine)

    (finding,) = found(machine)

    assert (finding.code, finding.subject) == ("set-in-shell-only", source)
    assert "DESEC_TOKEN" in finding.message
    assert finding.remedy[0].startswith("write into /etc/dns01/config.toml (chmod 600)")
    assert SHELL["DESEC_TOKEN"] not in repr(finding)


def a_file_with_export(machine: Machine) -> str:
    machine[FILE] = "export DNS01_PROVIDER=desec\nexport DESEC_TOKEN=x\n"
    certbot_by_timer(machine, f"EnvironmentFile={FILE}")
    return FILE


def a_file_that_cron_has_read(machine: Machine) -> str:
    machine[FILE] = "export DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n"
    machine[CRONTAB] = f"1 2 * * * root . {FILE} && {HOOK} {LEGO}\n"
    return FILE


def a_script_without_export(machine: Machine) -> str:
    lego_by_a_script(machine)
    machine["/usr/local/sbin/renew"] = (
        f"#!/bin/sh\nexport {HOOK}\nDNS01_PROVIDER=desec\nDESEC_TOKEN=x\n{LEGO}\n"
    )
    return "/usr/local/sbin/renew"


def a_script_of_cron_daily_without_export(machine: Machine) -> str:
    uacme_by_cron_daily(machine)
    machine["/etc/cron.daily/uacme"] = f"#!/bin/sh\nDNS01_PROVIDER=desec\nDESEC_TOKEN=x\n{UACME}\n"
    return "/etc/cron.daily/uacme"


def a_hook_without_export(machine: Machine) -> str:
    a_hook_with_variables_of_its_own(machine)
    machine["/opt/auth"] = '#!/bin/sh\nDNS01_PROVIDER=desec; DESEC_TOKEN=x\nexec dns01 certbot auth "$@"\n'
    return "/opt/auth"


def a_command_for_a_shell(machine: Machine) -> str:
    machine[FILE] = "DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n"
    certbot_by_timer(machine)
    by_timer(machine, "certbot", f"/bin/sh -c '. {FILE}; certbot -q renew'")
    return FILE


@pytest.mark.parametrize(
    "make",
    [
        a_file_with_export,
        a_file_that_cron_has_read,
        a_script_without_export,
        a_script_of_cron_daily_without_export,
        a_hook_without_export,
        a_command_for_a_shell,
    ],
)
def test_an_account_that_is_set_on_the_way_and_does_not_get_there(machine: Machine, make: Make) -> None:
    path = make(machine)
    (finding,) = found(machine)
    assert (finding.code, finding.subject) == ("not-exported", path)
    assert "export" in finding.remedy[0]
    assert path in finding.remedy[0]


def test_dehydrateds_own_configuration_has_no_account(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED
    (finding,) = found(machine, "example.org")
    assert (finding.code, finding.subject) == ("set-in-shell-only", "/etc/cron.d/dehydrated")
    assert finding.remedy == (
        "write into /etc/dns01/config.toml (chmod 600), which every run reads:\n"
        '[account.desec]\nprovider = "desec"\ntoken = { file = "/etc/dns01/token" }',
        "or write export DNS01_PROVIDER=…, export DESEC_TOKEN=… into dehydrated's configuration",
    )


def test_the_steps_for_a_unit(machine: Machine) -> None:
    certbot_by_timer(machine)
    (finding,) = found(machine)
    assert finding.remedy[1:] == (
        f"or write DNS01_PROVIDER, DESEC_TOKEN into {FILE} (chmod 600), and have the unit read that:",
        f"systemctl edit certbot.service\n[Service]\nEnvironmentFile={FILE}",
    )


def dehydrated_as_it_should_be(machine: Machine) -> None:
    machine["/etc/dehydrated/domains.txt"] = "example.org\nexample.net\n"


def a_file_of_variables(machine: Machine) -> None:
    machine[FILE] = "DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n"
    certbot_by_timer(machine, f"EnvironmentFile={FILE}")


def a_file_for_the_token(machine: Machine) -> None:
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=desec DESEC_TOKEN_FILE=%d/token")


def a_configuration_that_the_unit_names(machine: Machine) -> None:
    machine["/etc/other.toml"] = ""
    certbot_by_timer(machine, "Environment=DNS01_CONFIG=/etc/other.toml")


def variables_of_the_manager(machine: Machine) -> None:
    machine["/etc/systemd/system.conf"] = "[Manager]\nDefaultEnvironment=DNS01_PROVIDER=desec DESEC_TOKEN=x\n"
    certbot_by_timer(machine)


def variables_that_are_passed(machine: Machine) -> None:
    certbot_by_timer(machine, "PassEnvironment=DNS01_PROVIDER DESEC_TOKEN")


def variables_of_cron(machine: Machine) -> None:
    lego_by_cron(machine)
    machine[CRONTAB] = f"{HOOK}\nDNS01_PROVIDER = desec\nDESEC_TOKEN='x'\n1 2 * * * root {LEGO}\n"


def variables_in_front_of_the_command(machine: Machine) -> None:
    machine[CRONTAB] = f"1 2 * * * root env DNS01_PROVIDER=desec DESEC_TOKEN=x {HOOK} {LEGO}\n"


def variables_of_a_script(machine: Machine) -> None:
    lego_by_a_script(machine)
    machine["/usr/local/sbin/renew"] = (
        f"#!/bin/sh\nexport {HOOK} DNS01_PROVIDER=desec\nexport DESEC_TOKEN=x\n{LEGO}\n"
    )


def a_script_that_reads_a_file(machine: Machine) -> None:
    lego_by_a_script(machine)
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\nset -a; . /etc/acme.env; set +a\nexport {HOOK}\n{LEGO}\n"


def a_script_of_cron_daily(machine: Machine) -> None:
    uacme_by_cron_daily(machine)
    machine["/etc/cron.daily/uacme"] = f"#!/bin/sh\nexport DNS01_PROVIDER=desec DESEC_TOKEN=x\n{UACME}\n"


def a_file_that_cron_has_read_and_exported(machine: Machine) -> None:
    machine[FILE] = "DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n"
    machine[CRONTAB] = f"1 2 * * * root set -a; . {FILE}; {HOOK} {LEGO}\n"


def variables_of_all(machine: Machine) -> None:
    machine["/etc/environment"] = "DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n"
    lego_by_cron(machine)


def a_hook_with_variables_of_its_own(machine: Machine) -> None:
    machine["/opt/auth"] = (
        '#!/bin/sh\nexport DNS01_PROVIDER=desec DESEC_TOKEN=x\nexec dns01 certbot auth "$@"\n'
    )
    machine.mode("/opt/auth", 0o755)
    certbot_by_timer(machine, hook="/opt/auth")


def a_hook_behind_its_variables(machine: Machine) -> None:
    certbot_by_timer(machine, hook="DNS01_PROVIDER=desec DESEC_TOKEN=x dns01 certbot auth")


def a_client_in_a_container(machine: Machine) -> None:
    certbot_by_cron(machine)
    machine[CRONTAB] = "1 2 * * * root docker exec certbot certbot -q renew\n"


def somebody_elses_hook(machine: Machine) -> None:
    certbot_by_timer(machine, hook="/opt/other auth")
    machine["/opt/other"] = "#!/bin/sh\nexec cloudflare\n"
    machine.mode("/opt/other", 0o755)


HEALTHY = (
    dehydrated_as_it_should_be, a_file_of_variables, a_file_for_the_token, variables_of_the_manager,
    a_configuration_that_the_unit_names, variables_that_are_passed, variables_of_cron, variables_of_all,
    variables_in_front_of_the_command, variables_of_a_script, a_script_that_reads_a_file, somebody_elses_hook,
    a_script_of_cron_daily, a_file_that_cron_has_read_and_exported,
    a_hook_with_variables_of_its_own, a_hook_behind_its_variables, a_client_in_a_container,
)  # fmt: skip


@pytest.mark.parametrize("make", HEALTHY)
def test_an_account_that_the_hook_has_too(machine: Machine, make: Callable[[Machine], None]) -> None:
    make(machine)
    assert found(machine) == []


@pytest.mark.parametrize(
    "more",
    ["set -a; . /etc/dns01.env\n", ". /etc/gone\n", "export $(cat /etc/dns01.env)\n", 'eval "$(cat /x)"\n'],
)
def test_a_configuration_of_dehydrated_that_reads_what_nobody_knows(machine: Machine, more: str) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED + more
    assert found(machine, "example.org") == []


def test_an_account_that_the_machine_itself_may_have(machine: Machine) -> None:
    shell = {
        "DNS01_PROVIDER": "httpreq",
        "HTTPREQ_ENDPOINT": "http://localhost",
        "HTTPREQ_PASSWORD": "secret",
    }
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=httpreq HTTPREQ_ENDPOINT=http://localhost")
    assert found(machine, **shell) == []
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=httpreq")
    assert [finding.code for finding in found(machine, **shell)] == ["set-in-shell-only"]


def configuration(tmp_path: Path) -> str:
    file = tmp_path / "config.toml"
    file.write_text('[account.a]\nprovider = "memory"\nzones = "example.org"\n')
    file.chmod(0o600)
    return str(file)


def test_a_file_that_this_shell_alone_names(machine: Machine, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    certbot_by_timer(machine)
    (finding,) = found(machine, DNS01_CONFIG=file)
    assert finding.code == "set-in-shell-only"
    assert finding.remedy[0] == f"mv {file} /etc/dns01/config.toml"
    assert finding.remedy[2] == f"systemctl edit certbot.service\n[Service]\nEnvironment=DNS01_CONFIG={file}"
    machine[file] = ""
    certbot_by_timer(machine, f"Environment=DNS01_CONFIG={file}")
    assert found(machine, DNS01_CONFIG=file) == []


@pytest.mark.parametrize("provider", ["desec,", "dehydrated", "Desec;"])
def test_a_provider_that_there_is_not(machine: Machine, provider: str) -> None:
    source = certbot_by_timer(machine, f"Environment=DNS01_PROVIDER={provider} DESEC_TOKEN=x")
    (finding,) = found(machine)
    assert (finding.code, finding.subject) == ("bad-configuration", source)


@pytest.mark.parametrize("provider", ["rfc2136", "$PROVIDER"])
def test_another_account_is_nobodys_mistake(machine: Machine, provider: str) -> None:
    certbot_by_timer(machine, f"Environment=DNS01_PROVIDER={provider}")
    assert found(machine) == []


def test_an_account_beside_a_file_that_has_some(machine: Machine, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    machine[file] = ""
    certbot_by_timer(machine, f"Environment=DNS01_CONFIG={file} DNS01_PROVIDER=desec")
    (finding,) = found(machine, DNS01_CONFIG=file)
    assert (finding.code, finding.remedy) == (
        "two-configurations",
        ("take DNS01_PROVIDER out of /etc/systemd/system/certbot.service",),
    )


def test_a_variable_that_the_hook_s_own_script_sets_beside_a_file(machine: Machine, tmp_path: Path) -> None:
    file = configuration(tmp_path)
    machine["/opt/hook.sh"] = '#!/bin/sh\nexport DNS01_PROVIDER=desec\nexec /opt/dns01/bin/dns01 "$@"\n'
    machine.mode("/opt/hook.sh", 0o755)
    machine["/etc/dehydrated/config"] = DEHYDRATED.replace("/opt/dns01/bin/dns01", "/opt/hook.sh")
    machine[file] = ""
    machine["/etc/cron.d/dehydrated"] = f"DNS01_CONFIG={file}\n{CRON}"
    (finding,) = found(machine, "example.org", DNS01_CONFIG=file)
    assert (finding.code, finding.subject) == ("two-configurations", "/opt/hook.sh")
    assert finding.remedy == ("take DNS01_PROVIDER out of /opt/hook.sh",)


def test_what_dehydrateds_cron_entry_has(machine: Machine) -> None:
    machine["/etc/dehydrated/config"] = DEHYDRATED
    machine["/etc/cron.d/dehydrated"] = f"DNS01_PROVIDER=desec\nDESEC_TOKEN=x\n{CRON}"
    assert found(machine, "example.org") == []
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=nobody\n"
    assert found(machine, "example.org")[0].code == "set-in-shell-only"  # sudo keeps none
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=nobody\nDEHYDRATED_SUDO_ENV=yes\n"
    assert found(machine, "example.org") == []


def bare(machine: Machine, domain: str = "example.net") -> list[Finding]:
    """What is said by a shell that has no account, but for notes."""
    return [each for each in machine.without_account(domain) if each.severity > Severity.NOTE]


def its_own_file(machine: Machine) -> str:
    a_file_of_variables(machine)
    return FILE


def its_own_variables(machine: Machine) -> str:
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x")
    return "/etc/systemd/system/certbot.service"


def a_drop_in(machine: Machine) -> str:
    path = "/etc/systemd/system/certbot.service.d/dns01.conf"
    certbot_by_timer(machine)
    machine["/srv/dns01.toml"] = ""
    machine[path] = "[Service]\nEnvironment=DNS01_CONFIG=/srv/dns01.toml\n"
    return path


def the_line_of_cron(machine: Machine) -> str:
    variables_in_front_of_the_command(machine)
    return CRONTAB


def the_script(machine: Machine) -> str:
    variables_of_a_script(machine)
    return "/usr/local/sbin/renew"


def the_hook_s_script(machine: Machine) -> str:
    a_hook_with_variables_of_its_own(machine)
    return "/opt/auth"


@pytest.mark.parametrize(
    "make", [its_own_file, its_own_variables, a_drop_in, the_line_of_cron, the_script, the_hook_s_script]
)
def test_an_account_that_only_the_client_s_run_has(machine: Machine, make: Make) -> None:
    path = make(machine)
    (finding,) = bare(machine)
    assert (finding.code, finding.severity) == ("account-not-in-shell", Severity.WARNING)
    assert finding.subject == path
    assert "dns01 doctor example.net" in finding.remedy[0]


def test_an_account_that_only_dehydrateds_configuration_has(machine: Machine) -> None:
    (finding,) = machine.without_account("example.org")
    assert (finding.code, finding.subject) == ("account-not-in-shell", "/etc/dehydrated/config")
    assert finding.severity == Severity.NOTE  # it is how the README has it: nothing is wrong
    assert finding.remedy[0].endswith("(set -a; . /etc/dehydrated/config; dns01 doctor example.org)")


def test_an_account_that_nobody_has_is_nowhere(machine: Machine) -> None:
    certbot_by_timer(machine)
    assert bare(machine) == []


def test_an_account_that_does_not_get_to_the_client_either(machine: Machine) -> None:
    path = a_file_with_export(machine)
    assert [(each.code, each.subject) for each in bare(machine)] == [("not-exported", path)]


# A file that is not there


def of_a_table_of_cron_s(machine: Machine) -> str:
    lego_by_cron(machine)
    machine[CRONTAB] = f"DNS01_CONFIG=/etc/dns01/gone.toml\n{HOOK}\n1 2 * * * root {LEGO}\n"
    return CRONTAB


def of_a_command(machine: Machine) -> str:
    machine[CRONTAB] = f"1 2 * * * root DNS01_CONFIG=/etc/dns01/gone.toml {UACME}\n"
    return CRONTAB


def of_a_unit(machine: Machine) -> str:
    certbot_by_timer(machine, "Environment=DNS01_CONFIG=/etc/dns01/gone.toml")
    return "/etc/systemd/system/certbot.service"


def of_a_unit_s_file(machine: Machine) -> str:
    machine[FILE] = "DNS01_CONFIG=/etc/dns01/gone.toml\n"
    certbot_by_timer(machine, f"EnvironmentFile={FILE}")
    return FILE


def of_a_script(machine: Machine) -> str:
    lego_by_a_script(machine)
    machine["/usr/local/sbin/renew"] = (
        f"#!/bin/sh\nexport {HOOK}\nexport DNS01_CONFIG=/etc/dns01/gone.toml\n{LEGO}\n"
    )
    return "/usr/local/sbin/renew"


def of_the_hook_s_script(machine: Machine) -> str:
    a_hook_with_variables_of_its_own(machine)
    machine["/opt/auth"] = (
        "#!/bin/sh\nexport DNS01_CONFIG=/etc/dns01/gone.toml\n/opt/dns01/bin/dns01 certbot auth $1\n"
    )
    return "/opt/auth"


def of_the_plugin(machine: Machine) -> str:
    plugin(machine, renewal=f"{PLUGIN}dns01_config = /etc/dns01/gone.toml\n")
    return "/etc/letsencrypt/renewal/example.net.conf"


@pytest.mark.parametrize(
    "make",
    [
        of_a_table_of_cron_s,
        of_a_command,
        of_a_unit,
        of_a_unit_s_file,
        of_a_script,
        of_the_hook_s_script,
        of_the_plugin,
    ],
)
def test_a_configuration_that_is_not_there(machine: Machine, make: Make, tmp_path: Path) -> None:
    place = make(machine)
    for environ in (SHELL, {"DNS01_CONFIG": configuration(tmp_path)}):
        (finding,) = found(machine, **environ)
        assert (finding.code, finding.subject) == ("configuration-missing", place)
        assert "/etc/dns01/gone.toml, and there is no such file" in finding.message
        assert place in finding.remedy[0]
    assert [each.code for each in bare(machine)] == ["configuration-missing"]


@pytest.mark.parametrize(
    "settings",
    [
        ("Environment=DNS01_CONFIG=/run/credentials/certbot.service/dns01.toml",),
        ("Environment=DNS01_CONFIG=/home/%u/dns01.toml",),
        ("Environment=DNS01_CONFIG=%d/dns01.toml", "LoadCredential=dns01.toml:/etc/dns01.toml"),
        ("Environment=DNS01_CONFIG=/x/dns01.toml", "BindReadOnlyPaths=/etc/dns01:/x"),
        ("Environment=DNS01_CONFIG=/x/dns01.toml", "RootDirectory=/srv/acme"),
    ],
)
def test_a_configuration_that_the_run_alone_may_have(machine: Machine, settings: tuple[str, ...]) -> None:
    certbot_by_timer(machine, *settings)
    assert "configuration-missing" not in [each.code for each in machine.findings("example.net", **SHELL)]


def test_a_configuration_of_a_container_s(machine: Machine) -> None:
    run = (
        "docker run --rm -e DNS01_CONFIG=/etc/dns01/gone.toml -v /srv/le:/etc/letsencrypt acme certbot renew"
    )
    certbot_by_cron(machine)
    machine[CRONTAB] = f"1 2 * * * root {run}\n"
    assert "configuration-missing" not in [each.code for each in machine.findings("example.net", **SHELL)]


# certbot's plugin, which is the hook itself


PLUGIN = "version = 2.1.0\n[renewalparams]\nauthenticator = dns01\n"


def plugin(machine: Machine, *settings: str, renewal: str = PLUGIN) -> None:
    machine["/etc/letsencrypt/renewal/example.net.conf"] = renewal
    machine["/var/lib/dns01/journal/x"] = machine["/var/lib/letsencrypt/x"] = ""
    machine["/var/log/letsencrypt/x"] = ""
    by_timer(machine, "certbot", "/usr/bin/certbot -q renew", *settings)


PASSWD = "root:x:0:0::/root:/bin/sh\nacme:x:990:990::/home/acme:/bin/sh\n"


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ((), "set-in-shell-only"),
        (("Environment=DNS01_PROVIDER=desec",), "set-in-shell-only"),
        (("EnvironmentFile=/etc/acme.env",), "not-exported"),
        (("Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x", "PrivateNetwork=yes"), "sandbox-no-network"),
        (("Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x", "ReadOnlyPaths=/var"), "sandbox-read-only"),
        (("Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x", "User=acme"), "user-may-not-write"),
        (("Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x", "User=nobdy"), "user-missing"),
    ],
)
def test_certbots_plugin_as_the_hooks(machine: Machine, settings: tuple[str, ...], code: str) -> None:
    machine["/etc/passwd"] = PASSWD
    machine["/etc/acme.env"] = "export DNS01_PROVIDER=desec\nexport DESEC_TOKEN=x\n"
    plugin(machine, *settings)
    assert found(machine)[0].code == code


@pytest.mark.parametrize("options", ["-a dns01", "--authenticator dns01", "--authenticator=dns01"])
def test_certbots_plugin_by_an_option_of_the_command(machine: Machine, options: str) -> None:
    plugin(machine, renewal=RENEWAL)
    by_timer(machine, "certbot", f"/usr/bin/certbot -q renew {options}")
    assert [each.code for each in found(machine)] == ["set-in-shell-only"]


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        (("Environment=DNS01_PROVIDER=desec DESEC_TOKEN=x",), ""),
        ((), "dns01_config = /srv/dns01.toml\n"),
        (("ProtectSystem=full", "ReadWritePaths=/etc/letsencrypt", "Environment=DNS01_CONFIG=/x"), ""),
    ],
)
def test_certbots_plugin_as_it_should_be(machine: Machine, settings: tuple[str, ...], more: str) -> None:
    machine["/srv/dns01.toml"] = machine["/x"] = ""
    plugin(machine, *settings, renewal=PLUGIN + more)
    assert found(machine) == []


# Keys that boto3 finds by itself


AWS = {
    "DNS01_PROVIDER": "route53",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "s3cretkey4711",
}


@pytest.mark.parametrize(
    ("files", "settings"),
    [
        ({"/root/.aws/credentials": ""}, ()),
        ({"/root/.aws/config": ""}, ()),
        ({"/home/acme/.aws/credentials": ""}, ("User=acme",)),
        ({"/sys/class/dmi/id/sys_vendor": "Amazon EC2\n"}, ()),
        ({"/sys/hypervisor/uuid": "ec2e1916-9099\n"}, ()),
        ({}, ("Environment=AWS_PROFILE=dns",)),
        ({}, ("Environment=AWS_SHARED_CREDENTIALS_FILE=/srv/keys",)),
        ({}, ("Environment=AWS_WEB_IDENTITY_TOKEN_FILE=/run/token",)),
    ],
)
def test_keys_of_amazons_that_the_unit_may_have_without_a_variable(
    machine: Machine, files: dict[str, str], settings: tuple[str, ...]
) -> None:
    machine["/etc/passwd"] = PASSWD
    for path, text in files.items():
        machine[path] = text
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=route53", *settings)
    assert "set-in-shell-only" not in [each.code for each in found(machine, **AWS)]


@pytest.mark.parametrize("files", [{}, {"/home/acme/.aws/credentials": ""}])
def test_keys_of_amazons_that_this_shell_alone_has(machine: Machine, files: dict[str, str]) -> None:
    machine["/etc/passwd"] = PASSWD
    for path, text in files.items():
        machine[path] = text
    certbot_by_timer(machine, "Environment=DNS01_PROVIDER=route53")
    (finding,) = found(machine, **AWS)
    assert finding.code == "set-in-shell-only"
    assert "AWS_SECRET_ACCESS_KEY" in finding.message
