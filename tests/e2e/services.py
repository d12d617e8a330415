"""Services that show a certificate, as Debian's packages have them, set up by docs/deploy.rst.

Each runs on the host of the ACME client, where a folder of its own stands in the place of
``/etc/nginx`` and the like: the recipes hold there to the letter.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import trustme
from cryptography import x509
from recipes import RECIPES
from testbed import TIME_LIMIT
from testbed.process import Server, is_listening

from .clients import Host

# Without systemd: ExecReload= of Debian's units.
SYSTEMCTL = """#!/bin/sh -e
case $* in
"reload nginx") nginx -g "daemon on; master_process on;" -s reload ;;
"reload-or-restart nginx") nginx -s reload || nginx ;;
"reload haproxy")
    haproxy -Ws -f /etc/haproxy/haproxy.cfg -c -q
    kill -USR2 "$(cat /etc/haproxy/pid)" ;;
"reload dovecot") doveadm reload ;;
*) exit 5 ;;
esac
"""


# Those of Postfix that a session has to do with, in no chroot.
PROCESSES = """\
smtp     inet       n - n - - smtpd
tlsmgr   unix       - - n - 1 tlsmgr
proxymap unix       - - n - - proxymap
anvil    unix       - - n - 1 anvil
postlog  unix-dgram n - n - 1 postlogd
"""


class Service(Server):
    """A service that starts with a certificate that somebody has put there by hand.

    ``main`` is the file of its ``configuration``, in which ``lines`` stands for the recipe's.
    ``target``: the section of the recipe. ``domain``: whose certificate it takes.
    """

    title: ClassVar[str]
    main: ClassVar[str]
    configuration: ClassVar[str]
    program: ClassVar[Sequence[str]]
    port: ClassVar[int]
    starttls: ClassVar[str] = ""
    reloading: ClassVar[str]  # as its log says so

    def __init__(self, host: Host) -> None:
        self.recipe = RECIPES[self.title]
        ((pattern, targets),) = tomllib.loads(self.recipe.section)["deploy"].items()
        (self.target,) = targets.values()
        self.domain = "example.org" if pattern == "*" else pattern
        self._host = host
        self._etc = f"/etc/{self.title.lower()}"

    def __repr__(self) -> str:
        return self.title

    def prepare(self) -> list[str]:
        self.folder.chmod(0o755)  # it is not root all the time
        assert not is_listening("127.0.0.1", self.port), "another service has been left running"
        self._host.mounts[self._etc] = self.folder
        self._put_old()
        self.configure()
        return [str(word) for word in self._host.command(*self.program)]

    def is_ready(self) -> bool:
        return is_listening("127.0.0.1", self.port) and all(
            pid.read_text() for pid in self.folder.glob("pid")
        )

    def configure(self, more: str = "", lines: str = "") -> None:
        """Write its configuration, with the recipe's lines if there are no others."""
        written = self.configuration.format(lines=lines or self.recipe.lines)
        (self.folder / self.main).write_text(f"{written}{more}\n")

    def own(self, path: str) -> Path:
        """Where it is to us what has this path on the host."""
        return self.folder / Path(path).relative_to(self._etc)

    @property
    def tls(self) -> Path:
        """The folder that the recipe brings files into."""
        return self.own(self.target.get("directory") or str(Path(self.target["combined"]).parent))

    def files(self) -> Mapping[str, bytes]:
        """What it finds there."""
        return {path.name: path.read_bytes() for path in self.tls.iterdir() if not path.name.startswith(".")}

    def stamps(self) -> set[tuple[str, int, int]]:
        """What changes if any of these files, or of those behind them, is written or replaced."""
        everything = [(path, path.lstat()) for path in self.tls.rglob("*")]
        return {(str(path), status.st_ino, status.st_mtime_ns) for path, status in everything}

    def reloads(self) -> int:
        """How often it was reloaded."""
        return len(re.findall(self.reloading, self.log))

    def shown(self, name: str = "", root: Path | None = None) -> x509.Certificate:
        """What it shows to OpenSSL's client; if there is a root, as much as proves the name."""
        name = name or self.domain
        trust = ("-CAfile", root, "-verify_return_error", "-verify_hostname", name) if root else ()
        starttls = ("-starttls", self.starttls) if self.starttls else ()
        where = ("-connect", f"127.0.0.1:{self.port}", "-servername", name)
        command = ["openssl", "s_client", *where, *starttls, *trust]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIME_LIMIT, check=False
        )
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return x509.load_pem_x509_certificate(done.stdout)

    def _put_old(self) -> None:
        old = trustme.CA().issue_cert(self.domain)
        self.tls.mkdir()
        if combined := self.target.get("combined"):
            path = self.own(combined.replace("{name}", self.domain))
            path.write_bytes(old.private_key_and_cert_chain_pem.bytes())
        else:
            (self.tls / "fullchain.pem").write_bytes(old.cert_chain_pems[0].bytes())
            (self.tls / "privkey.pem").write_bytes(old.private_key_pem.bytes())


class Nginx(Service):
    title = "nginx"
    main = "nginx.conf"
    configuration = """
        pid /etc/nginx/pid; error_log stderr notice;
        events {{ }}
        http {{
            access_log off;
            server {{
                listen 443 ssl;
                {lines}
            }}
        }}
    """
    program = ("nginx", "-g", "daemon off;")
    port = 443
    reloading = "SIGHUP"


class HAProxy(Service):
    title = "HAProxy"
    main = "haproxy.cfg"
    configuration = """
        defaults
            mode http
            timeout connect 5m
            timeout client 5m
            timeout server 5m
        frontend tls
            {lines}
            http-request return status 200
    """
    program = ("haproxy", "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "-p", "/etc/haproxy/pid")
    port = 443
    reloading = "Reloading HAProxy"


class Postfix(Service):
    title = "Postfix"
    main = "main.cf"
    configuration = """\
compatibility_level = 3.6
queue_directory = /etc/postfix/spool
data_directory = /etc/postfix/data
maillog_file = /dev/stdout
myhostname = mail.example.org
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
{lines}
"""
    # What `postfix start-fg` does; but that shell would not pass a signal on.
    program = ("sh", "-c", "postfix check && exec /usr/lib/postfix/sbin/master -s")
    port = 25
    starttls = "smtp"
    reloading = "reload -- version"

    def prepare(self) -> list[str]:
        command = super().prepare()
        (self.folder / "master.cf").write_text(PROCESSES)
        (self.folder / "spool").mkdir()
        (self.folder / "data").mkdir()
        shutil.chown(self.folder / "data", "postfix")
        for file in ("postfix-files", "dynamicmaps.cf"):
            shutil.copy(f"/etc/postfix/{file}", self.folder)
        return command


class Dovecot(Service):
    title = "Dovecot"
    main = "dovecot.conf"
    configuration = """
protocols = imap
listen = 127.0.0.1
base_dir = /etc/dovecot/run
log_path = /dev/stderr
passdb {{
  driver = static
}}
{lines}
"""
    program = ("dovecot", "-F")
    port = 143
    starttls = "imap"
    reloading = "SIGHUP received"


SERVICES = {service.title: service for service in (Nginx, HAProxy, Postfix, Dovecot)}
