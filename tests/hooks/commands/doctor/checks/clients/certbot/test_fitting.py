"""A certbot that lacks the plugin of a certificate, or knows no option that it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import RENEWAL, Machine, with_certbot

from dns01.hooks.commands.doctor.checks.clients.certbot.installed import installed
from dns01.hooks.commands.doctor.finding import Severity

CONF = "/etc/letsencrypt/renewal/example.org.conf"
CLI_INI = "/etc/letsencrypt/cli.ini"
CRON = "/etc/cron.d/renew"
OF_DEBIAN = ("/usr/bin/certbot", "/usr/lib/python3/dist-packages")
OF_OPT = ("/opt/certbot/bin/certbot", "/opt/certbot/lib/python3.12/site-packages")
ENTRY_POINTS = """[console_scripts]
certbot = certbot.main:main

[certbot.plugins]
manual = certbot._internal.plugins.manual:Authenticator
standalone = certbot._internal.plugins.standalone:Authenticator
"""


def plugin(machine: Machine, packages: str, name: str) -> None:
    text = f"[certbot.plugins]\n{name} = package.module:Authenticator\n"
    machine[f"{packages}/{name.rpartition(':')[2]}-1.0.dist-info/entry_points.txt"] = text


def install(machine: Machine, program: str, packages: str) -> None:
    """A certbot, whose files name its options as certbot's own do."""
    interpreter = "/usr/bin/python3" if program.startswith("/usr") else program.replace("certbot", "python3")
    interpreter = interpreter.replace("/opt/python3", "/opt/certbot")
    machine[program] = f"#!{interpreter}\nfrom certbot.main import main\n"
    machine.mode(program, 0o755)
    machine[f"{packages}/certbot-5.8.0.dist-info/entry_points.txt"] = ENTRY_POINTS
    known = (
        "manual",
        "quiet",
        "max-log-backups",
        "preferred-challenges",
        "deploy-hook",
        "cert-name",
    )
    text = "".join(f'helpful.add("topic", "--{option}")\n' for option in known)
    machine[f"{packages}/certbot/_internal/cli/__init__.py"] = text
    machine[f"{packages}/certbot/_internal/plugins/manual.py"] = 'add("auth-hook")\nadd("cleanup-hook")\n'


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Debian's certbot, and its timer."""
    machine = with_certbot(tmp_path / "root")
    install(machine, *OF_DEBIAN)
    assert machine.findings() == []
    return machine


@pytest.mark.parametrize(
    "name", ["dns01", "dns-cloudflare", "dns-route53", "certbot-dns-inwx:dns-inwx", "nginx"]
)
def test_a_plugin_that_another_certbot_has(machine: Machine, name: str) -> None:
    machine[CONF] = RENEWAL.replace("= manual", f"= {name}")
    (finding,) = (each for each in machine.findings() if each.code == "certbot-plugin-missing")
    assert (finding.severity, finding.subject) == (Severity.ERROR, CONF)
    assert f"certbot is /usr/bin/certbot, which has no plugin {name.rpartition(':')[2]}" in finding.message
    assert finding.remedy[0].startswith("certbot renew --cert-name example.org --force-renewal --manual")

    install(machine, *OF_OPT)
    plugin(machine, OF_OPT[1], name)
    installed.cache_clear()
    (finding,) = (each for each in machine.findings() if each.code == "certbot-plugin-missing")
    assert finding.remedy == (
        "systemctl edit certbot.service\n[Service]\nExecStart=\nExecStart=/opt/certbot/bin/certbot -q renew",
    )


def test_a_plugin_that_is_there(machine: Machine) -> None:
    machine[CONF] = "authenticator = dns01\n"
    plugin(machine, OF_DEBIAN[1], "dns01")
    installed.cache_clear()
    assert machine.findings() == []


def test_a_plugin_whose_source_is_elsewhere(machine: Machine) -> None:
    machine[CONF] = "authenticator = dns01\n"
    machine[f"{OF_DEBIAN[1]}/easy-install.pth"] = "import sys\n/srv/plugin\n"
    machine["/srv/plugin/plugin.egg-info/entry_points.txt"] = (
        "[certbot.plugins]\ndns01 = plugin:Authenticator\n"
    )
    installed.cache_clear()
    assert machine.findings() == []


def test_a_line_of_cron_s_that_has_the_plugin_beside_a_timer_that_has_not(machine: Machine) -> None:
    machine[CONF] = "authenticator = dns01\n"
    install(machine, *OF_OPT)
    plugin(machine, OF_OPT[1], "dns01")
    machine[CRON] = "1 2 * * * root /opt/certbot/bin/certbot -q renew\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("path", "text", "option", "step"),
    [
        (CLI_INI, "manual-public-ip-logging-ok = true\n", "--manual-public-ip-logging-ok", None),
        (CLI_INI, "# x\nquiet\nmanual_public_ip_logging_ok\n", "--manual_public_ip_logging_ok", None),
        (CLI_INI, "tls-sni-01-port: 5001\n", "--tls-sni-01-port", None),
        (CLI_INI, "dns-cloudflare-credentials = /root/cf.ini\n", "--dns-cloudflare-credentials", None),
        (CLI_INI, "preferred-chalenges = dns\n", "--preferred-chalenges", None),
        (
            "/lib/systemd/system/certbot.service",
            "[Service]\nExecStart=/usr/bin/certbot renew --manual-public-ip-logging-ok\n",
            "--manual-public-ip-logging-ok",
            "take --manual-public-ip-logging-ok out of /lib/systemd/system/certbot.service",
        ),
    ],
)
def test_an_option_that_it_does_not_know(
    machine: Machine, path: str, text: str, option: str, step: str | None
) -> None:
    machine[path] = text
    finding = machine.finding()
    assert (finding.code, finding.severity, finding.subject) == (
        "certbot-option-unknown",
        Severity.ERROR,
        path,
    )
    assert f"certbot is /usr/bin/certbot, which knows no option {option}: every run ends" in finding.message
    assert finding.remedy == (step or f"take {text.splitlines()[-1]} out of {CLI_INI}",)


@pytest.mark.parametrize(
    "text",
    [
        "# manual-public-ip-logging-ok = true\n; other = x\n\n[section]\nmax-log-backups = 0\n",
        "manual-auth-hook = dns01 certbot auth\nmanual-cleanup-hook = dns01 certbot cleanup\n",
        "--quiet = true\npreferred-chall = dns\n",  # a beginning will do
        "dns-cloudflare-credentials = /root/cf.ini\n",
    ],
)
def test_options_that_it_knows(machine: Machine, text: str) -> None:
    plugin(machine, OF_DEBIAN[1], "dns-cloudflare")
    installed.cache_clear()
    machine[CLI_INI] = text
    assert machine.findings() == []


@pytest.mark.parametrize(
    "first_line",
    ["#!/usr/bin/env python3", "#!/bin/sh", "#!/srv/gone/bin/python3", "\x7fELF", "#!/srv/venv/bin/python3"],
)
def test_a_certbot_of_which_nobody_can_tell(machine: Machine, first_line: str) -> None:
    machine["/usr/bin/certbot"] = f"{first_line}\n"
    machine["/srv/venv/pyvenv.cfg"] = "home = /usr/bin\ninclude-system-site-packages = true\n"
    machine[CONF] = "authenticator = dns01\n"
    machine[CLI_INI] = "manual-public-ip-logging-ok = true\n"
    installed.cache_clear()
    assert machine.findings() == []


@pytest.mark.parametrize(
    "command",
    [
        "docker run --rm -v /etc/letsencrypt:/etc/letsencrypt certbot/certbot renew",
        "certbot renew $OPTIONS",
        "PYTHONPATH=/srv/plugins certbot renew",
        "bash -lc 'certbot -q renew'",
    ],
)
def test_a_run_that_may_have_another_one(machine: Machine, command: str) -> None:
    machine[CONF] = "authenticator = dns01\n"
    machine[CRON] = f"1 2 * * * root {command}\n"
    assert machine.findings() == []


def test_the_certbot_of_snap(machine: Machine) -> None:
    (machine.root / "snap/bin").mkdir(parents=True)
    machine["/usr/bin/snap"] = ""
    (machine.root / "snap/bin/certbot").symlink_to("../../usr/bin/snap")
    (machine.root / "usr/bin/certbot").unlink()
    (machine.root / "usr/bin/certbot").symlink_to("../../snap/bin/certbot")
    install(machine, "/x/certbot", "/snap/certbot/current/lib/python3.12/site-packages")
    machine[CONF] = "authenticator = dns-cloudflare\n"
    installed.cache_clear()
    assert "certbot-plugin-missing" in [finding.code for finding in machine.findings()]
    plugin(machine, "/snap/certbot-dns-cloudflare/current/lib/python3.12/site-packages", "dns-cloudflare")
    installed.cache_clear()
    assert "certbot-plugin-missing" not in [finding.code for finding in machine.findings()]
