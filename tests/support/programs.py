"""Programs that publish in a BIND by way of nsupdate: for the providers that run what others wrote."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from testbed import Bind

from dns01.providers import load
from dns01.providers.base import Provider

SECRET = "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw=="
TTL = 120  # which no contract tells a program

NSUPDATE = f"""\
change() {{ # add|delete NAME VALUE
  printf 'server %s\\nzone example.com\\nupdate %s %s {TTL} TXT "%s"\\nsend\\n' \\
    "$NS_SERVER" "$1" "$2" "$3" | nsupdate -y "hmac-sha256:hook:$NS_SECRET"
}}
"""


class OnBind:
    """A provider that runs a program, and the BIND that the program updates."""

    outside = ""

    def __init__(self, bind: Bind, name: str, options: Mapping[str, str]) -> None:
        self.bind, self.name = bind, name
        self.options = {
            "time_limit": "300",
            "env.NS_SERVER": bind.address,
            "env.NS_SECRET": SECRET,
            **options,
        }

    def provider(self) -> Provider:
        return load(self.name)(self.options)

    def world_sees(self, name: str) -> set[str]:
        return self.bind.txt(name)

    def ttl_of(self, name: str, value: str) -> int:
        assert value in self.world_sees(name)
        return self.bind.ask(name, "TXT").answer[0].ttl

    def add_foreign(self, name: str, value: str, ttl: int) -> None:
        update = f'server {self.bind.address}\nupdate add {name} {ttl} TXT "{value}"\nsend\n'
        command = ["nsupdate", "-k", self.bind.key_file("hook")]
        subprocess.run(command, input=update, text=True, check=True)


def script(path: Path, text: str) -> str:
    """Write an executable."""
    path.write_text(text)
    path.chmod(0o755)
    return str(path)
