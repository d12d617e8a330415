"""What the doctor says of lego, uacme and Traefik, and of a CA that is for tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bundles import issued
from client_files import DEHYDRATED, RENEWAL, Machine, all_four, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity
from dns01.own_program import own_path

CRONTAB = "/etc/cron.d/acme"
EXEC_PATH = "EXEC_PATH=/opt/dns01/bin/dns01\n"
LEGO = f"{EXEC_PATH}1 2 * * * root lego --path /var/lib/lego -d example.org --dns exec renew\n"
UACME = "1 2 * * * root uacme -h /opt/dns01/bin/dns01 issue www.example.org example.org\n"
TRAEFIK = "acme:\n  storage: /srv/acme.json\n  dnsChallenge:\n    provider: exec\n"
DNS01 = own_path()
STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / "root")
    machine["/etc/ssl/uacme/private/key.pem"] = "key"
    for program in ("/bin/sh", "/opt/dns01/bin/dns01", "/opt/plain"):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o644 if program == "/opt/plain" else 0o755)
    return machine


def traefik(machine: Machine, text: str = TRAEFIK, unit: str = f"Environment={EXEC_PATH}") -> None:
    machine["/etc/traefik/traefik.yml"] = text
    machine["/etc/systemd/system/traefik.service"] = f"[Service]\nExecStart=/usr/bin/traefik\n{unit}"
    machine["/srv/acme.json"] = "{}"
    machine.mode("/srv/acme.json", 0o600)


@pytest.mark.parametrize(
    ("crontab", "code", "words"),
    [
        (LEGO.partition("\n")[2], "hook-missing", f"EXEC_PATH={DNS01}"),
        (LEGO.replace("/opt/dns01/bin", "/opt/old"), "hook-missing", "/opt/old/dns01"),
        (LEGO.replace("/opt/dns01/bin/dns01", "/opt/plain"), "hook-not-executable", "chmod +x /opt/plain"),
        (UACME.replace("-h /opt/dns01/bin/dns01 ", ""), "hook-missing", f"-h {DNS01}"),
        (UACME.replace("/opt/dns01/bin", "/opt/old"), "hook-missing", "/opt/old/dns01"),
        (UACME.replace("-h ", "--hook=").replace("dns01/bin", "old"), "hook-missing", "/opt/old/dns01"),
        (UACME.replace("-h ", "-vh").replace("dns01/bin", "old"), "hook-missing", "/opt/old/dns01"),
        (UACME.replace("-h /opt/dns01/bin/dns01", "-vy"), "hook-missing", f"-h {DNS01}"),
    ],
)
def test_a_command_that_does_not_call_the_hook(machine: Machine, crontab: str, code: str, words: str) -> None:
    machine[CRONTAB] = crontab

    finding = machine.finding()

    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert words in "\n".join((finding.message, *finding.remedy))


@pytest.mark.parametrize(
    "crontab",
    [
        LEGO,
        UACME,
        f"1 2 * * * root {EXEC_PATH.strip()} lego run --path=/x --domains=a.org,example.org --dns=exec\n",
        LEGO.replace("example.org", "example.net").replace("/opt/dns01/bin", "/opt/old"),
        LEGO.replace("exec", "cloudflare").replace("/opt/dns01/bin", "/opt/old"),
        "1 2 * * * root sh -c 'uacme -h \"$HOOK\" issue example.org'\n",
        f"{UACME.strip()} || [ $? -eq 1 ]\n",
        UACME.replace("-h ", "-vyh "),
        UACME.replace("-h ", "-h"),
        UACME.replace("-h ", "-c/etc/ssl/uacme -nh"),
        f"{LEGO}1 2 * * * root docker pull goacme/lego\n",
        "1 2 * * * root docker compose run --rm lego\n1 2 * * * root systemctl start lego; pgrep uacme\n",
        "1 2 * * * root apt-get -y install uacme lego && chown -R lego /var/lib/lego\n",
    ],
)
def test_a_command_that_is_right_or_none_of_ours(machine: Machine, crontab: str) -> None:
    machine[CRONTAB] = crontab
    assert machine.findings() == []


def test_a_script_of_a_timer_is_looked_into(machine: Machine) -> None:
    machine["/etc/systemd/system/acme.timer"] = "[Timer]\nOnCalendar=daily\n"
    machine["/etc/systemd/system/acme.service"] = "[Service]\nExecStart=/usr/local/sbin/acme\n"
    machine.link("/etc/systemd/system/timers.target.wants/acme.timer")
    script = (
        "#!/bin/sh\nexport EXEC_PATH=/opt/old/dns01\nlego --path /x \\\n  -d example.org --dns exec renew\n"
    )
    machine["/usr/local/sbin/acme"] = script
    machine.mode("/usr/local/sbin/acme", 0o755)
    assert (machine.finding().code, machine.finding().subject) == ("hook-missing", "/usr/local/sbin/acme")


RENEW = "lego -d example.org --dns exec renew\n"


def by_timer(machine: Machine, command: str, settings: str = "") -> None:
    machine["/etc/systemd/system/acme.timer"] = "[Timer]\nOnCalendar=daily\n"
    machine["/etc/systemd/system/acme.service"] = (
        f"[Service]\nExecStart=/usr/bin/{command.strip()}\n{settings}"
    )
    machine.link("/etc/systemd/system/timers.target.wants/acme.timer")


@pytest.mark.parametrize(
    ("command", "settings", "change"),
    [
        (RENEW, "", f"Environment=EXEC_PATH={DNS01}"),
        (
            RENEW,
            f"Environment={EXEC_PATH}UnsetEnvironment=EXEC_PATH\n",
            f"Environment=EXEC_PATH={DNS01}",
        ),
        (RENEW, f"Environment={EXEC_PATH}Environment=\n", f"Environment=EXEC_PATH={DNS01}"),
        (RENEW, "Environment=EXEC_PATH=/opt/old\n", f"Environment=EXEC_PATH={DNS01}"),
        (
            "uacme issue example.org",
            "",
            f"ExecStart=\nExecStart=/usr/bin/uacme -h {DNS01} issue example.org",
        ),
        (
            "uacme -h /opt/old issue example.org",
            "",
            f"ExecStart=\nExecStart=/usr/bin/uacme -h {DNS01} issue example.org",
        ),
    ],
)
def test_a_step_for_a_unit_is_a_drop_in(machine: Machine, command: str, settings: str, change: str) -> None:
    by_timer(machine, command, settings)
    assert machine.finding().code == "hook-missing"
    assert machine.finding().remedy[0] == f"systemctl edit acme.service\n[Service]\n{change}"


@pytest.mark.parametrize("prefix", ["", "-", "@", "-+"])
def test_a_unit_as_it_should_be(machine: Machine, prefix: str) -> None:
    by_timer(machine, RENEW, f"Environment={EXEC_PATH}")
    machine["/etc/systemd/system/acme.service.d/run.conf"] = (
        f"[Service]\nExecStart=\nExecStart={prefix}/usr/bin/{RENEW}"
    )
    assert machine.findings() == []


def test_a_unit_whose_program_is_elsewhere(machine: Machine) -> None:
    by_timer(machine, RENEW, f"Environment={EXEC_PATH}")
    machine.remove("/usr/bin/lego")
    machine["/usr/local/bin/lego"] = ""
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert finding.remedy[0].endswith(f"ExecStart=\nExecStart=/usr/local/bin/{RENEW.strip()}")


def test_an_instance_that_is_enabled(machine: Machine) -> None:
    machine["/etc/systemd/system/acme@.timer"] = "[Timer]\nOnCalendar=daily\n"
    machine["/etc/systemd/system/acme@.service"] = (
        "[Service]\nExecStart=/usr/bin/lego -d %i --dns exec renew\n"
    )
    machine.link("/etc/systemd/system/timers.target.wants/acme@example.org.timer")
    assert machine.finding().remedy[0].startswith("systemctl edit acme@example.org.service\n")


@pytest.mark.parametrize(
    "before",
    [
        "export EXEC_PATH=/opt/dns01/bin/dns01 EXEC_SEQUENCE_INTERVAL=1\n",
        "export LEGO_PATH=/var/lib/lego EXEC_PATH=/opt/dns01/bin/dns01\n",
        "EXEC_PATH='/opt/dns01/bin/dns01'; export EXEC_PATH\nEXEC_PATH=/opt/dns01/bin/dns01\n",
        "set -a; . /etc/lego/env; set +a\n",
        "set -a\nsource /etc/lego/env\n",
        'eval "$(cat /etc/lego/env)"\n',
    ],
)
def test_variables_that_a_script_sets_or_reads_from_a_file(machine: Machine, before: str) -> None:
    machine["/usr/local/sbin/acme"] = f"#!/bin/sh\n{before}{RENEW}"
    machine.mode("/usr/local/sbin/acme", 0o755)
    machine[CRONTAB] = "1 2 * * * root /usr/local/sbin/acme\n"
    assert machine.findings() == []


@pytest.mark.parametrize("read", [". /root/.lego.env;", "set -a; . /root/.lego.env &&"])
def test_variables_that_a_command_reads_from_a_file(machine: Machine, read: str) -> None:
    machine[CRONTAB] = f"1 2 * * * root {read} {RENEW}"
    assert machine.findings() == []
    machine[CRONTAB] = "# nothing\n"
    machine["/etc/systemd/system/acme.timer"] = "[Timer]\nOnCalendar=daily\n"
    machine["/etc/systemd/system/acme.service"] = (
        f"[Service]\nExecStart=/bin/sh -c '{read} {RENEW.strip()}'\n"
    )
    machine.link("/etc/systemd/system/timers.target.wants/acme.timer")
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("entry", "script", "path"),
    [
        (". /etc/lego/env && LEGO", "", "/etc/lego/env"),
        ("EXEC_PATH=/opt/dns01/bin/dns01; LEGO", "", CRONTAB),
        ("bash -c 'source /etc/lego/env; exec LEGO'", "", "/etc/lego/env"),
        ("/opt/renew", ". /etc/lego/env\n", "/etc/lego/env"),
        ("/opt/renew", EXEC_PATH, "/opt/renew"),
    ],
)
def test_a_path_of_the_hook_that_is_not_exported(
    machine: Machine, entry: str, script: str, path: str
) -> None:
    machine["/etc/lego/env"] = EXEC_PATH
    machine["/opt/renew"] = f"#!/bin/sh\n{script}{RENEW}"
    machine.mode("/opt/renew", 0o755)
    machine[CRONTAB] = f"1 2 * * * root {entry}\n".replace("LEGO", RENEW.strip())
    finding = machine.finding()
    assert (finding.code, finding.subject, finding.severity) == ("not-exported", path, Severity.ERROR)
    assert "write export EXEC_PATH=" in finding.remedy[0]


def test_a_file_of_variables_that_is_written_for_a_shell(machine: Machine) -> None:
    machine["/etc/lego/env"] = f"export {EXEC_PATH}"
    by_timer(machine, RENEW, "EnvironmentFile=-/etc/lego/env\n")
    assert (machine.finding().code, machine.finding().subject) == ("not-exported", "/etc/lego/env")
    assert machine.finding().remedy == ("sed -i 's/^ *export //' /etc/lego/env",)
    machine["/etc/lego/env"] = EXEC_PATH
    assert machine.findings() == []


def test_lego_without_the_path_of_its_files(machine: Machine) -> None:
    machine["/var/lib/lego/accounts/a"] = ""
    machine[CRONTAB] = LEGO.replace("--path /var/lib/lego ", "")
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("lego-path-missing", Severity.WARNING)


@pytest.mark.parametrize(
    "entry",
    [
        LEGO.replace("lego --path ", f"env LEGO_PATH=/var/lib/lego {EXEC_PATH.strip()} lego --tls-timeout "),
        LEGO.replace("lego --path /var/lib/lego", "LEGO_PATH=/var/lib/lego nice lego"),
        LEGO.replace("lego --path", "flock /run/lock/lego lego --path"),
        LEGO.replace("lego --path", "sudo -u root lego --path"),
    ],
)
def test_lego_behind_what_is_called_as_it_is(machine: Machine, entry: str) -> None:
    machine["/var/lib/lego/accounts/a"] = ""
    machine[CRONTAB] = entry
    assert machine.findings() == []


def test_lego_that_has_its_files_beneath_the_folder_that_it_goes_to(machine: Machine) -> None:
    machine["/var/lib/lego/.lego/accounts/a"] = ""
    machine[CRONTAB] = LEGO.replace("lego --path /var/lib/lego", "cd /var/lib/lego && lego")
    assert machine.findings() == []


def test_traefik_as_it_should_be(machine: Machine) -> None:
    traefik(machine)
    assert machine.findings() == []


@pytest.mark.parametrize("unit", ["", "Environment=EXEC_PATH=/opt/old\n", "EnvironmentFile=-/etc/gone\n"])
def test_traefik_without_the_hook(machine: Machine, unit: str) -> None:
    traefik(machine, unit=unit)
    assert (machine.finding().code, machine.finding().severity) == ("hook-missing", Severity.ERROR)


def test_traefiks_storage_that_others_may_read(machine: Machine) -> None:
    traefik(machine)
    machine.mode("/srv/acme.json", 0o640)
    assert machine.finding().code == "traefik-storage-open"
    assert machine.finding().remedy == ("chmod 600 /srv/acme.json",)


def test_a_staging_ca_that_certificates_are_renewed_from(machine: Machine, tmp_path: Path) -> None:
    traefik(machine, f"{TRAEFIK}  caServer: {STAGING}\n")
    assert (machine.finding().code, machine.finding().severity) == ("staging-ca", Severity.WARNING)

    machine["/etc/traefik/traefik.yml"] = ""
    machine[CRONTAB] = LEGO.replace("lego ", f"lego --server {STAGING} ")
    assert machine.finding().code == "staging-ca"

    machine[CRONTAB] = UACME.replace("-h ", "-s -h ")
    assert machine.finding().code == "staging-ca"

    dehydrated = with_dehydrated(tmp_path / "dehydrated")
    dehydrated["/etc/dehydrated/config"] = f"{DEHYDRATED}\nCA=letsencrypt-test\n"
    dehydrated["/etc/dehydrated/private_key.pem"] = "key"
    assert (dehydrated.finding().code, dehydrated.finding().severity) == ("staging-ca", Severity.WARNING)


def test_a_staging_ca_is_a_note_until_the_trial_is_over(machine: Machine, tmp_path: Path) -> None:
    dehydrated = with_dehydrated(tmp_path / "dehydrated")
    dehydrated["/etc/dehydrated/config"] = f"{DEHYDRATED}\nCA=letsencrypt-test\n"
    dehydrated["/etc/cron.d/dehydrated"] = ""
    assert [finding.severity for finding in dehydrated.findings() if finding.code == "staging-ca"] == [
        Severity.NOTE
    ]

    cert = "/etc/letsencrypt/live/example.org/cert.pem"
    renewal = RENEWAL.replace("dns01 certbot", "/opt/dns01/bin/dns01 certbot").replace(
        "/bin//opt/dns01/bin", "/bin"
    )
    machine["/etc/letsencrypt/renewal/example.org.conf"] = f"{all_four(cert)}{renewal}server = {STAGING}\n"
    machine["/etc/cron.d/certbot"] = "1 2 * * * root certbot renew\n"
    machine[cert] = "no certificate"
    assert (machine.finding().code, machine.finding().severity) == ("staging-ca", Severity.NOTE)
    os.utime(machine.root / cert.lstrip("/"), (1_700_000_000, 1_700_000_000))
    assert machine.finding().severity == Severity.WARNING


@pytest.mark.parametrize(
    ("client", "path", "crontab"),
    [
        ("lego", "/var/lib/lego/certificates/example.org.crt", LEGO),
        ("lego", "/root/.lego/certificates/example.org.crt", LEGO),
        ("uacme", "/etc/ssl/uacme/example.org/cert.pem", UACME),
    ],
)
def test_a_certificate_that_nothing_renews(machine: Machine, client: str, path: str, crontab: str) -> None:
    machine[path] = "-"

    finding = machine.finding()

    assert (finding.code, finding.subject, finding.severity) == ("no-timer", client, Severity.WARNING)
    assert finding.remedy[-1] == f"dns01 init --client {client} --production --no-order example.org"
    assert machine.findings("example.net") == []
    machine[CRONTAB] = crontab
    assert "no-timer" not in [each.code for each in machine.findings()]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("example.org", "*.example.org", "www.example.org"), "example.org '*.example.org' www.example.org"),
        (("*.example.org",), "'*.example.org'"),
    ],
)
def test_what_has_it_renewed_names_all_of_the_certificate_s_names(
    machine: Machine, names: tuple[str, ...], words: str
) -> None:
    folder = machine.root / "var/lib/lego/certificates"
    issued(folder / "made", *names)
    (folder / "made/fullchain.pem").rename(folder / f"{names[0].replace('*', '_')}.crt")
    assert machine.finding(names[0]).remedy[-1] == (
        f"dns01 init --client lego --production --no-order {words}"
    )


def test_a_wildcard_s_certificate_that_nothing_renews(machine: Machine) -> None:
    machine["/var/lib/lego/certificates/_.example.org.crt"] = "-"
    assert machine.finding("*.example.org").code == "no-timer"


def test_a_home_that_nothing_puts_in(machine: Machine) -> None:
    machine[CRONTAB] = LEGO.replace("/opt/dns01/bin/dns01", "~/dns01")
    assert (machine.finding().code, "~/dns01" in machine.finding().message) == ("hook-missing", True)
    by_timer(machine, RENEW, "Environment=EXEC_PATH=~/dns01\n")
    machine[CRONTAB] = ""
    assert machine.finding().code == "hook-missing"
    machine["/etc/systemd/system/acme.service"] = ""
    machine[CRONTAB] = f"1 2 * * * root EXEC_PATH=~/dns01 {RENEW}"  # which a shell reads
    assert machine.findings() == []


HTTP_HOOK = '#!/bin/sh\ncase "$2" in http-01) exit 0 ;; *) exit 1 ;; esac\n'


@pytest.mark.parametrize("option", ["-h /opt/uacme.sh", "-vh/opt/uacme.sh", "--hook=/opt/uacme.sh"])
def test_a_hook_of_uacmes_that_knows_http_alone(machine: Machine, option: str) -> None:
    machine["/opt/uacme.sh"] = HTTP_HOOK
    machine.mode("/opt/uacme.sh", 0o755)
    machine[CRONTAB] = f"1 2 * * * root uacme {option} issue example.org '*.example.org'\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("hook-for-http", Severity.ERROR)
    assert DNS01 in finding.remedy[0]
    machine[CRONTAB] = f"1 2 * * * root uacme {option} issue example.org\n"
    assert machine.findings() == []  # which http-01 can prove
    machine["/opt/uacme.sh"] = HTTP_HOOK.replace("exit 1", 'exec dns01 "$@"')
    machine[CRONTAB] = f"1 2 * * * root uacme {option} issue example.org '*.example.org'\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    "crontab",
    [
        LEGO.replace("=/opt/dns01/bin/dns01", "=\u201c/opt/dns01/bin/dns01\u201d"),
        LEGO.replace("=/opt/dns01/bin/dns01", "=\u2018/opt/dns01/bin/dns01\u2019"),
        UACME.replace("/opt/dns01/bin/dns01", "\u201e/opt/dns01/bin/dns01\u201c"),
    ],
)
def test_typographic_quotes_around_a_hook(machine: Machine, crontab: str) -> None:
    machine[CRONTAB] = crontab
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("hook-missing", Severity.ERROR)
    assert "typographic" in finding.message


@pytest.mark.parametrize("setting", ["EXEC_PATH = /opt/dns01/bin/dns01", 'export EXEC_PATH ="/opt/dns01"'])
def test_blanks_around_the_sign_of_a_script_s_variable(machine: Machine, setting: str) -> None:
    machine["/opt/renew"] = f"#!/bin/sh\n{setting}\n{LEGO.partition('root ')[2]}"
    machine.mode("/opt/renew", 0o755)
    machine[CRONTAB] = "1 2 * * * root /opt/renew\n"
    finding = machine.finding()
    assert (finding.code, finding.subject) == ("not-exported", "/opt/renew")
    assert finding.remedy == ("in /opt/renew, write EXEC_PATH=… without blanks around the =",)
    machine["/opt/renew"] = ""
    machine[CRONTAB] = LEGO.replace("EXEC_PATH=", "EXEC_PATH = ")  # as cron, which is no shell, has it
    assert machine.findings() == []


@pytest.mark.parametrize("client", [RENEW, "uacme -h /opt/dns01/bin/dns01 issue example.org"])
def test_a_file_of_variables_without_which_a_unit_does_not_start(machine: Machine, client: str) -> None:
    by_timer(machine, client, "EnvironmentFile=/etc/default/acme\n")
    assert [each.code for each in machine.findings()] == ["environment-file-missing"]


@pytest.mark.parametrize(
    ("command", "settings", "step"),
    [
        (f"timeout 30 {UACME[15:]}", "", "timeout 1h "),
        (f"flock -n /run/a timeout -k 5 1m {UACME[15:]}", "", "timeout -k 5 1h "),
        (UACME[15:], "Type=oneshot\nTimeoutStartSec=30\n", "TimeoutStartSec=1h"),
        (UACME[15:], "Type=oneshot\nTimeoutSec=1min 30s\n", "TimeoutSec=1h"),
        (UACME[15:], "RuntimeMaxSec=90\n", "RuntimeMaxSec=1h"),
    ],
)
def test_a_limit_of_time_that_ends_a_wait(machine: Machine, command: str, settings: str, step: str) -> None:
    by_timer(machine, command, settings)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("time-limit", Severity.WARNING)
    assert step in finding.remedy[0]


@pytest.mark.parametrize(
    ("command", "settings"),
    [
        (f"timeout 2h {UACME[15:]}", ""),
        (f"timeout 900 {UACME[15:]}", ""),
        (f"timeout 5 true; {UACME[15:]}", ""),
        (UACME[15:], "TimeoutStartSec=30\n"),  # Type=simple has started by then
        (UACME[15:], "Type=oneshot\nTimeoutStartSec=infinity\n"),
        (UACME[15:], "Type=oneshot\nRuntimeMaxSec=30\n"),
        (UACME[15:], "Type=oneshot\nTimeoutSec=1h 30min\n"),
    ],
)
def test_a_limit_of_time_that_does_for_a_wait(machine: Machine, command: str, settings: str) -> None:
    by_timer(machine, command, settings)
    assert machine.findings() == []


@pytest.mark.parametrize(
    "crontab",
    [LEGO.replace("/opt/dns01/bin/dns01", "/opt/hook"), UACME.replace("/opt/dns01/bin/dns01", "/opt/hook")],
)
@pytest.mark.parametrize(
    ("begins", "remedy"),
    [
        ("", "sed -i '1i #!/bin/sh' /opt/hook"),
        ("# ours\n", "sed -i '1i #!/bin/sh' /opt/hook"),
        ("\ufeff#!/bin/sh\n", r"sed -i '1s/^\xEF\xBB\xBF//' /opt/hook"),
    ],
)
def test_a_hook_that_the_client_itself_cannot_begin(
    machine: Machine, crontab: str, begins: str, remedy: str
) -> None:
    """No shell calls it, which would run a script without a first line."""
    machine["/opt/hook"] = f'{begins}exec /opt/dns01/bin/dns01 "$@"\n'
    machine.mode("/opt/hook", 0o755)
    machine[CRONTAB] = crontab
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("hook-not-executable", Severity.ERROR)
    assert finding.remedy == (remedy,)
