"""dns-lexicon, driven against a fake: what it sends is a second opinion on what the API takes.

It reaches the fake under the API's own name, through a proxy and with a CA of the test's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import trustme
from testbed import TIME_LIMIT

from .proxy import Proxy
from .server import Fake

# Its own command looks the zone's name up in the DNS, whatever it is told.
SCRIPT = """
import sys
from lexicon.client import Client
from lexicon.config import ConfigResolver

provider, verb, zone, name, value = sys.argv[1:]
config = {"provider_name": provider, "action": verb, "domain": zone, "type": "TXT"}
with Client(ConfigResolver().with_env().with_dict(config)) as operations:
    if verb == "create":
        done = operations.create_record("TXT", name, value)
    else:
        done = operations.delete_record(None, "TXT", name, value)
sys.exit(not done)
"""


class Lexicon:
    """``with driving(Fake, "provider", {"LEXICON_…": "…"}, folder) as lexicon: lexicon("create", …)``"""

    def __init__(self, api: Fake, provider: str, environment: Mapping[str, str]) -> None:
        self.api = api
        self._provider, self._environment = provider, environment

    def __call__(self, verb: str, zone: str, name: str, value: str) -> None:
        command = [sys.executable, "-c", SCRIPT, self._provider, verb, zone, f"{name}.", value]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.api.refusals}"

    @property
    def refused(self) -> Sequence[str]:
        """The requests that the fake said no to."""
        return [
            f"{request.method} {request.path} {request.body}: {status} {message}"
            for request, status, message in self.api.refusals
        ]


@contextmanager
def driving(
    fake: type[Fake], provider: str, environment: Mapping[str, str], zones: Sequence[str], folder: Path
) -> Iterator[Lexicon]:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    with fake(zones, tls=ca) as api, Proxy(api.address) as proxy:
        variables = {
            "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
            "HTTPS_PROXY": proxy.url,
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            **environment,
        }
        yield Lexicon(api, provider, variables)
