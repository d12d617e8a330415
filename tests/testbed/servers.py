"""The DNS servers of Debian, each a context manager: BIND, Knot, PowerDNS and unbound."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.tsig

from .netns import own
from .process import TIME_LIMIT, Server, free_port, is_listening
from .zone import Zone


class Key(NamedTuple):
    """A TSIG key: ``Key("hook.", "hmac-sha256", "c2VjcmV0")``, the secret in base64."""

    name: str
    algorithm: str
    secret: str

    @property
    def tsig(self) -> dns.tsig.Key:
        """The key as dnspython signs with it."""
        return dns.tsig.Key(self.name, self.secret, self.algorithm)

    def bind(self) -> str:
        """The key as a clause of named.conf, and thus as a BIND key file."""
        return f'key "{self.name}" {{ algorithm {self.algorithm}; secret "{self.secret}"; }};\n'


class Authoritative(Server):
    """What BIND, Knot and PowerDNS have in common: zones, from master file text (SOA and NS are
    made up where it has none), at one address and port."""

    def __init__(
        self,
        address: str,
        zones: Mapping[str, str],
        keys: Sequence[Key | tuple[str, str, str]] = (),
        port: int = 53,
        extra_options: str = "",
    ) -> None:
        self.address, self.port = address, port
        self.keys = [Key(*key) for key in keys]
        self.extra_options = extra_options
        self._zones = {apex: Zone(apex, text, {f"ns.{apex}": address}) for apex, text in zones.items()}

    def __repr__(self) -> str:
        return f"{type(self).__name__} at {self.address}#{self.port}"

    def key_file(self, name: str) -> Path:
        """A BIND key file with the key of that name, for its owner's eyes only."""
        key = next(each for each in self.keys if each.name == name)
        path = self.folder / f"{name.rstrip('.')}.key"
        path.touch(0o600)
        path.write_text(key.bind())
        return path

    def ask(self, name: str, type: str) -> dns.message.Message:
        """Its own answer, over TCP."""
        query = dns.message.make_query(name, type, flags=0)
        return dns.query.tcp(query, self.address, timeout=TIME_LIMIT, port=self.port)

    def txt(self, name: str) -> set[str]:
        """The values of the TXT records that it has at the name."""
        rdatas = (rdata for rrset in self.ask(name, "TXT").answer for rdata in rrset)
        return {b"".join(rdata.strings).decode() for rdata in rdatas if rdata.rdtype == dns.rdatatype.TXT}

    def is_ready(self) -> bool:
        try:
            return is_listening(self.address, self.port) and all(
                self.ask(apex, "SOA").flags & dns.flags.AA for apex in self._zones
            )
        except (OSError, EOFError, dns.exception.DNSException):
            return False

    def zone_files(self) -> list[tuple[str, Path]]:
        """Write them: (apex, path) of each."""
        for apex, zone in self._zones.items():
            (self.folder / f"{apex}.zone").write_text(zone.text())
        return [(apex, self.folder / f"{apex}.zone") for apex in self._zones]


class Bind(Authoritative):
    """BIND 9; every key may update and transfer every zone.

    ``with Bind("127.1.0.1", {"example.org": ""}, keys=[("hook", "hmac-sha256", "c2VjcmV0")]) as bind:``

    ``extra_options`` go into its ``options``: ``"rate-limit { responses-per-second 5; };"``.
    ``granted``, by apex: the only names whose TXT records the keys may update.
    """

    granted: Mapping[str, Sequence[str]] = MappingProxyType({})

    def prepare(self) -> list[str]:
        own(self.address)
        here, nowhere = f"port {self.port} {{ {self.address}; }};", "{ none; };"
        v4, v6 = (nowhere, here) if ":" in self.address else (here, nowhere)
        allowed = "".join(f'key "{key.name}"; ' for key in self.keys) or "none; "
        zones = (
            f'zone "{apex}" {{ type primary; file "{path}"; {self._updates(apex, allowed)} }};\n'
            for apex, path in self.zone_files()
        )
        (self.folder / "named.conf").write_text(f"""
            options {{
                directory "{self.folder}"; pid-file none; session-keyfile none; lock-file none;
                listen-on {v4} listen-on-v6 {v6}
                recursion no; dnssec-validation no; notify no; empty-zones-enable no;
                allow-transfer {{ {allowed}}};
                {self.extra_options}
            }};
            controls {{ }};
            {"".join(key.bind() for key in self.keys)}
            {"".join(zones)}
        """)
        return ["named", "-g", "-n", "1", "-c", "named.conf"]

    def _updates(self, apex: str, allowed: str) -> str:
        if apex not in self.granted:
            return f"allow-update {{ {allowed}}};"
        rules = (
            f'grant "{key.name}" name "{name}" TXT; ' for key in self.keys for name in self.granted[apex]
        )
        return f"update-policy {{ {''.join(rules)}}};"


class Knot(Authoritative):
    """Knot DNS; every key may update and transfer every zone.

    ``with Knot("127.1.0.2", {"example.org": ""}, keys=[("hook", "hmac-sha256", "c2VjcmV0")]) as knot:``

    ``extra_options`` are lines of its ``server`` section: ``"tcp-io-timeout: 100"``.
    """

    def prepare(self) -> list[str]:
        own(self.address)
        names = ", ".join(key.name for key in self.keys)
        keys = "".join(
            f"  - id: {key.name}\n    algorithm: {key.algorithm}\n    secret: {key.secret}\n"
            for key in self.keys
        )
        acl = f"acl:\n  - id: ours\n    key: [{names}]\n    action: [update, transfer]\n"
        zones = "".join(
            f"  - domain: {apex}\n    file: {path}\n" + ("    acl: ours\n" if keys else "")
            for apex, path in self.zone_files()
        )
        extra = "".join(f"    {line.strip()}\n" for line in self.extra_options.splitlines())
        (self.folder / "knot.conf").write_text(
            f"server:\n    rundir: {self.folder}\n    listen: {self.address}@{self.port}\n{extra}"
            "    udp-workers: 1\n    tcp-workers: 1\n    background-workers: 1\n"
            f"database:\n    storage: {self.folder}\n"
            "log:\n  - target: stderr\n    any: info\n"
            f"{f'key:{chr(10)}{keys}{acl}' if keys else ''}zone:\n{zones}"
        )
        return ["knotd", "-c", "knot.conf"]


class PowerDNS(Authoritative):
    """PowerDNS with an SQLite database; its HTTP API at ``url`` takes ``api_key``.

    ``with PowerDNS("127.1.0.3", {"example.org": ""}) as pdns: pdns.url, pdns.api_key``

    It takes no updates: ``keys`` are of no use to it. ``extra_options`` are lines of pdns.conf.
    """

    api_key = "the-api-key-of-the-test-bed"

    def prepare(self) -> list[str]:
        own(self.address)
        api_port = free_port(self.address)
        self.url = f"http://{self.address}:{api_port}/api/v1/servers/localhost"
        with sqlite3.connect(self.folder / "pdns.sqlite3") as database:
            database.executescript(
                Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql").read_text()
            )
        database.close()
        settings = (
            f"local-address={self.address}\nlocal-port={self.port}\nsocket-dir={self.folder}\n"
            f"launch=gsqlite3\ngsqlite3-database={self.folder}/pdns.sqlite3\n"
            f"api=yes\napi-key={self.api_key}\nwebserver-address={self.address}\nwebserver-port={api_port}\n"
            "webserver-allow-from=0.0.0.0/0,::/0\n"
            "cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nzone-cache-refresh-interval=0\n"
        )
        (self.folder / "pdns.conf").write_text(settings + self.extra_options)
        for apex, path in self.zone_files():
            load = ["pdnsutil", f"--config-dir={self.folder}", "load-zone", apex, str(path)]
            subprocess.run(load, check=True, capture_output=True)
        return ["pdns_server", f"--config-dir={self.folder}", "--guardian=no", "--daemon=no"]


class Asked(NamedTuple):
    """A question that reached a resolver; the name in lower case, without the trailing dot."""

    name: str
    type: str


class Unbound(Server):
    """unbound, a caching recursive resolver that keeps every TTL, negative ones too.

    ``with Unbound("127.0.0.54", root_hints=world.root_hints) as resolver:`` and then
    ``assert Asked("_acme-challenge.example.org", "TXT") not in resolver.questions``

    ``root_hints``: the root's name servers and their addresses. ``cache=False``: it forgets each
    answer at once. ``extra_options`` are lines of its ``server`` section.
    """

    def __init__(
        self,
        address: str = "127.0.0.53",
        port: int = 53,
        *,
        root_hints: Mapping[str, str],
        cache: bool = True,
        extra_options: str = "",
    ) -> None:
        self.address, self.port = address, port
        self.extra_options = extra_options
        self._root_hints = root_hints
        self._cache = cache

    def __repr__(self) -> str:
        return f"Unbound at {self.address}#{self.port}"

    def prepare(self) -> list[str]:
        own(self.address)
        hints = "".join(
            f". 86400 NS {host}.\n{host}. 86400 {'AAAA' if ':' in address else 'A'} {address}\n"
            for host, address in self._root_hints.items()
        )
        (self.folder / "root.hints").write_text(hints)
        forget = "msg-cache-size: 0\nrrset-cache-size: 0\ncache-max-ttl: 0\ncache-max-negative-ttl: 0"
        (self.folder / "unbound.conf").write_text(f"""server:
            interface: {self.address}@{self.port}
            access-control: 0.0.0.0/0 allow
            access-control: ::/0 allow
            directory: "{self.folder}"
            root-hints: "root.hints"
            chroot: ""
            username: ""
            pidfile: ""
            use-syslog: no
            logfile: ""
            log-queries: yes
            module-config: "iterator"
            do-not-query-localhost: no
            local-zone: "test." nodefault
            qname-minimisation: no
            {self.extra_options}
            {"cache-max-negative-ttl: 86400" if self._cache else forget}
        """)
        return ["unbound", "-d", "-c", "unbound.conf"]

    def is_ready(self) -> bool:
        return is_listening(self.address, self.port)

    @property
    def questions(self) -> list[Asked]:
        """All that it was asked so far, in order."""
        lines = re.findall(r"info: [0-9a-f.:]+ (\S+)\. (\S+) IN$", self.log, re.MULTILINE)
        return [Asked(name.lower(), type) for name, type in lines]
