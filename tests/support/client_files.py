"""The files of ACME clients beneath a folder that stands for /, and what the doctor says of them."""

from __future__ import annotations

import os
from pathlib import Path

from dns01.hooks.challenge.placement import Placements
from dns01.hooks.commands.doctor.checks.clients.check import check
from dns01.hooks.commands.doctor.finding import Examined, Finding
from dns01.hooks.config.load import load_settings, unconfigured

DEHYDRATED = """
# a comment with HOOK=/nowhere
CHALLENGETYPE="dns-01"
HOOK="/opt/dns01/bin/dns01"
HOOK_CHAIN='yes'   # at once
"""
LETSENCRYPT = "aHR0cHM6Ly9hY21lLXYwMi5hcGkubGV0c2VuY3J5cHQub3JnL2RpcmVjdG9yeQo"  # its directory, in base64
CRON = "17 4 * * * root /usr/bin/dehydrated --cron\n"
RENEWAL = """
version = 2.1.0
[renewalparams]
authenticator = manual
pref_challs = dns-01,
manual_auth_hook = dns01 certbot auth
manual_cleanup_hook = dns01 certbot cleanup
renew_hook = /opt/dns01/bin/dns01 certbot deploy
"""


def all_four(path: str) -> str:
    """The lines of a renewal file that name one file for each of certbot's four."""
    return "".join(f"{key} = {path}\n" for key in ("cert", "privkey", "chain", "fullchain"))


class Machine:
    """A root folder with what is written into it. ``machine["/etc/crontab"] = CRON``"""

    def __init__(self, root: Path) -> None:
        self.root = root
        self["/usr/sbin/cron"] = self["/usr/bin/sudo"] = ""
        for client in ("dehydrated", "certbot", "lego", "uacme"):
            self[f"/usr/bin/{client}"] = ""
        self.mode("/usr/sbin/cron", 0o755)

    def __setitem__(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def mode(self, path: str, mode: int) -> None:
        (self.root / path.lstrip("/")).chmod(mode)

    def remove(self, path: str) -> None:
        (self.root / path.lstrip("/")).unlink()

    def owner(self, path: str, uid: int) -> None:
        os.chown(self.root / path.lstrip("/"), uid, uid)

    def link(self, path: str) -> None:
        """What ``systemctl enable`` makes of a unit, where systemd is at work."""
        (self.root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_symlink():
            file.symlink_to("/nowhere/that/matters")

    def findings(self, domain: str = "example.org", **environ: str) -> list[Finding]:
        """With an account, where the variables say one; else without the advice to look with that of the
        client's."""
        has_account = bool(environ.keys() & {"DNS01_PROVIDER", "DNS01_CONFIG"})
        found = self.without_account(domain, **environ)
        return [each for each in found if has_account or each.code != "account-not-in-shell"]

    def without_account(self, domain: str = "example.org", **environ: str) -> list[Finding]:
        """All that is said, whether there is an account in the variables or not."""
        load = load_settings if environ.keys() & {"DNS01_PROVIDER", "DNS01_CONFIG"} else unconfigured
        settings = load({"DNS01_RESOLVERS": "192.0.2.53", **environ})
        places = Placements(settings)
        name = f"_acme-challenge.{domain.removeprefix('*.')}"
        examined = Examined(domain, name, settings, places, places.discovery, environ, str(self.root))
        return list(check(examined))

    def finding(self, domain: str = "example.org", **environ: str) -> Finding:
        (finding,) = self.findings(domain, **environ)
        return finding


def with_certbot(root: Path) -> Machine:
    """certbot as it should be."""
    machine = Machine(root)
    machine["/bin/sh"] = ""
    machine.mode("/bin/sh", 0o755)
    machine["/etc/letsencrypt/renewal/example.org.conf"] = RENEWAL
    ours = ("/opt/dns01/bin/dns01", "/usr/local/bin/dns01", "/opt/hook.py")
    for program in (*ours, "/usr/local/bin/renew.sh"):
        machine[program] = "#!/bin/sh\n"
        machine.mode(program, 0o755)
    machine["/lib/systemd/system/certbot.timer"] = "[Timer]\nOnCalendar=daily\n"
    machine["/lib/systemd/system/certbot.service"] = "[Service]\nExecStart=/usr/bin/certbot -q renew\n"
    machine.link("/etc/systemd/system/timers.target.wants/certbot.timer")
    return machine


def by_timer(machine: Machine, client: str, command: str, *settings: str) -> None:
    """A timer that is enabled, and its service: CLIENT.service."""
    machine[f"/etc/systemd/system/{client}.timer"] = "[Timer]\nOnCalendar=daily\n"
    service = "\n".join(("[Service]", f"ExecStart={command}", *settings, ""))
    machine[f"/etc/systemd/system/{client}.service"] = service
    machine.link(f"/etc/systemd/system/timers.target.wants/{client}.timer")


def with_dehydrated(root: Path) -> Machine:
    """dehydrated as it should be."""
    machine = Machine(root)
    machine["/bin/sh"] = ""
    machine.mode("/bin/sh", 0o755)
    machine["/etc/dehydrated/config"] = DEHYDRATED
    machine["/etc/dehydrated/domains.txt"] = "example.org *.example.org\n"
    machine["/opt/dns01/bin/dns01"] = "#!/bin/sh\n"
    machine.mode("/opt/dns01/bin/dns01", 0o755)
    machine["/etc/cron.d/dehydrated"] = CRON
    machine[f"/etc/dehydrated/accounts/{LETSENCRYPT}/account_key.pem"] = "key"
    return machine
