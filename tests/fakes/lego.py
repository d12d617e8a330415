"""Debian's lego, driven against a fake: what it sends is a second opinion on what the API takes.

It reaches the fake under the API's own name, through a proxy and with a CA of the test's, and gets a
certificate from a Pebble that validates what the fake has. Debian leaves some of lego's providers out:
cloudflare, linode and porkbun, for which dns-lexicon stands in (``fakes.lexicon``), acme-dns, for which
pyacmedns does, and azure.
"""

from __future__ import annotations

import http.client
import os
import ssl
import subprocess
from collections.abc import Mapping, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import dns.message
import trustme
from testbed import TIME_LIMIT, NameServer, Pebble
from testbed import Zone as ServedZone
from testbed.serving import Served, SilentHandler, speak_tls

from .proxy import Proxy
from .server import Fake

RESOLVER = "127.0.0.77"


class Done(NamedTuple):
    """``refused``: requests that the fake said no to, but for 404; ``most``: how many values were
    at each name at one time; ``left``: those that are there still."""

    refused: list[str]
    most: Mapping[str, int]
    left: set[str]


def issue(
    fake: type[Fake], provider: str, environment: Mapping[str, str], domains: Sequence[str], folder: Path
) -> Done:
    """Have lego get a certificate for the domains, the first of which is the apex of them all."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    with (
        fake(domains[:1], tls=ca) as api,
        Proxy(api.address) as proxy,
        _Resolver(api, domains[0]) as resolver,
        Pebble(resolver=f"{resolver.address}:53") as pebble,
        _Hurry(pebble, ca) as directory,
    ):
        command = ["lego", "--accept-tos", "--email", "me@example.com", "--server", directory.url]
        command += ["--path", str(folder), "--dns", provider, "--dns.disable-cp"]
        command += ["--dns.resolvers", f"{resolver.address}:53"]
        command += [word for domain in domains for word in ("--domains", domain)]
        variables = {
            "LEGO_CA_CERTIFICATES": str(folder / "ca.pem"),
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "HTTPS_PROXY": proxy.url,
            f"{provider.upper()}_POLLING_INTERVAL": "0",
            "PATH": os.environ["PATH"],
            **environment,
        }
        done = subprocess.run(
            [*command, "run"], env=variables, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{api.refusals}"
        refused = [
            f"{request.method} {request.path} {request.body}: {status} {message}"
            for request, status, message in api.refusals
            if status != 404
        ]
        left = {record.value for zone in api.zones.values() for record in zone.records}
        return Done(refused, api.most, left)


class _Resolver(NameServer):
    """Answers for the zone with what the fake has at that instant."""

    def __init__(self, api: Fake, apex: str) -> None:
        super().__init__(RESOLVER, zones=[ServedZone(apex)])
        self._api, self._apex = api, apex

    def answer(self, query: dns.message.Message, over: str) -> dns.message.Message | None:
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        if name.endswith(self._apex):
            self.zone(self._apex).set(name, "TXT", *self._api.values(name))
        return super().answer(query, over)  # type: ignore[arg-type]


class _Hurry(Served):
    """Stands before Pebble and adds ``Retry-After: 0``, without which lego asks every five seconds."""

    def __init__(self, pebble: Pebble, ca: trustme.CA) -> None:
        trusted = ssl.create_default_context(cafile=str(pebble.ca_file))
        host, port = pebble.directory.split("/")[2].split(":")

        class Forward(SilentHandler):
            def serve(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                onward = http.client.HTTPSConnection(host, int(port), context=trusted, timeout=TIME_LIMIT)
                onward.request(self.command, self.path, content, dict(self.headers.items()))
                answer = onward.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in (*answer.getheaders(), ("Retry-After", "0")):
                    if name not in ("Transfer-Encoding", "Content-Length"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                onward.close()

            do_GET = do_POST = do_HEAD = serve

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Forward)
        speak_tls(self._server, ca, "127.0.0.1")
        self.url = f"https://127.0.0.1:{self.port}/dir"
