"""What others say does nothing to a terminal, and passes for no line of ours: every command that prints."""

from __future__ import annotations

import json
import os
import pty
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import preloaded
import pytest
import trustme
from bundles import issued
from calls import HOOK, NAME, PRIMARY, Stage
from contract import validation
from fakes.rude import Rude

from dns01.hooks.clients.process import this_process
from dns01.hooks.state.audit.chain import seal
from dns01.hooks.state.journal import Entry, Journal

ESC, BEL, CSI, OSC, ST = "\x1b", "\x07", "\x9b", "\x9d", "\x9c"
HOSTILE = (
    f"a{ESC}[2J{ESC}]0;forged{BEL}{BEL}{CSI}31m{OSC}52;c;Zm9yZ2Vk{ST}{ESC}P1q{ESC}\\"  # ESC, CSI, OSC, DCS
    "\u202eleft\u2066isolate\u2069\u200fmark\ufeff"  # bidirectional marks, and others that nobody sees
    "\r\b\v\f\x7f\x85\u2028\u2029"  # all that moves a cursor
    "\ndns01: forged\n   -> forged\n + forged\n ! forged\nz"
)
BYTES = "".join(f"\\{octet:03}" for octet in HOSTILE.encode())  # as in a master file
A = validation("a")
PROBLEM = json.dumps({"error": {"type": "urn:ietf:params:acme:error:unauthorized", "detail": HOSTILE}})


class Place(NamedTuple):
    """Where a command runs: ``stage`` has the DNS, ``api`` answers whatever it is asked."""

    folder: Path
    state: Path
    stage: Stage
    api: str
    ca: str
    ca_file: str

    def configure(self, text: str) -> dict[str, str]:
        config = self.folder / "config.toml"
        config.write_text(text)
        config.chmod(0o600)
        return {"DNS01_CONFIG": str(config), "DNS01_PROVIDER": "", "DNS01_TIMEOUT": ""}

    def record(self, **fields: object) -> dict[str, str]:
        """A line of the audit trail."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        row = dict.fromkeys(("name", "target", "zone", "account", "provider", "error", "stage"), HOSTILE)
        text = dict.fromkeys(("user", "sudo_user", "host", "client", "phase", "outcome", "error"), HOSTILE)
        lists: dict[str, Any] = {key: [row] for key in ("published", "retracted", "deployed", "certificates")}
        record = {
            "time": "2025-11-12T12:00:00.250Z",
            **text,
            **lists,
            "names": [HOSTILE],
            "steps": {HOSTILE: 3},
        }
        with (self.state / "audit.jsonl").open("ab") as file:
            file.write(seal({**record, **fields}, 1, "") + b"\n")
        return {}

    def orphan(self) -> dict[str, str]:
        """A record that could not be taken back."""
        entry = Entry(
            HOSTILE, HOSTILE, NAME, HOSTILE, HOSTILE, 60, HOSTILE, "rfc2136", HOSTILE, HOSTILE, None,
        )  # fmt: skip
        journal = Journal(str(self.state), clock=lambda: 1.0)
        journal.open([entry._replace(client=this_process())])
        journal.open([entry])
        return {}

    def certificate(self, **commands: str) -> dict[str, str]:
        """A certificate and a target for it, whose commands say all that can be said."""
        issued(self.folder / "certs" / "example.org", "example.org")
        (self.folder / "tls").mkdir()
        (self.folder / "said").write_text(HOSTILE)
        lines = [f'{key} = ["sh", "-c", "cat {self.folder}/said >&2; exit 1"]' for key in commands]
        text = f'[deploy."example.org".web]\nto = "files"\ndirectory = "{self.folder}/tls"\n' + "\n".join(
            lines
        )
        return self.configure(text)

    def order(self, names: str = "www.example.org") -> dict[str, str]:
        return self.configure(
            f'[account.bind]\nprovider = "rfc2136"\nnameserver = "{PRIMARY}"\n[ca]\ndirectory = "{self.ca}"\n'
            f'ca_file = "{self.ca_file}"\n[certificate.www]\nnames = [{json.dumps(names)}]\n'
        )


Scene = Callable[[Place], tuple[list[str], Mapping[str, str]]]


def api(place: Place) -> dict[str, str]:
    return {"DNS01_PROVIDER": "digitalocean", "DO_API_URL": place.api, "DO_AUTH_TOKEN": "t0psecrettoken"}


def certbot(place: Place) -> dict[str, str]:
    return {"CERTBOT_DOMAIN": "example.org", "CERTBOT_VALIDATION": A, "CERTBOT_TOKEN": HOSTILE}


def here(place: Place) -> dict[str, str]:
    """What is written is written there, and not below /etc."""
    return {"DNS01_CONFIG": f"{place.folder}/written.toml", "DNS01_PROVIDER": "", "DNS01_TIMEOUT": ""}


def hostile_file(place: Place) -> str:
    file = place.folder / "credentials"
    file.write_text(f"export DO_AUTH_TOKEN={HOSTILE}")
    file.chmod(0o600)
    return str(file)


INIT = ["init", "--yes", "--no-doctor", "--no-order", "--client", "lego", "--provider", "digitalocean"]
DEPLOY = ["deploy", "example.org", "--from"]
SCENES: dict[str, Scene] = {
    "audit": lambda place: (["audit"], place.record()),
    "audit --json": lambda place: (["audit", "--json"], place.record()),
    "audit show": lambda place: (["audit", "show"], place.record()),
    "audit verify": lambda place: (["audit", "verify"], place.record()),
    "audit of a name": lambda place: (["audit", "--name", HOSTILE], place.record()),
    "audit of a time": lambda place: (["audit", "--since", HOSTILE], {}),
    "audit of a folder": lambda place: (["audit"], {"DNS01_STATE_DIR": f"{place.folder}/{HOSTILE}"}),
    "status": lambda place: (["status"], place.record() | place.orphan()),
    "status --json": lambda place: (["status", "--json"], place.record() | place.orphan()),
    "status of a failed phase": lambda place: (
        ["status", str(place.folder / "certs")],
        place.certificate() | place.record(phase="deploy_challenge", names=["example.org"], outcome="failed"),
    ),
    "status of a folder": lambda place: (["status", HOSTILE], {}),
    "status --probe": lambda place: (["status", "--probe", HOSTILE], {}),
    "sweep": lambda place: (["sweep"], place.orphan()),
    "sweep --dry-run": lambda place: (["sweep", "--dry-run"], place.orphan()),
    "sweep --forget": lambda place: (["sweep", "--forget", HOSTILE], place.orphan()),
    "sweep --forget of nothing": lambda place: (["sweep", "--forget", HOSTILE], {}),
    "doctor of a domain": lambda place: (["doctor", HOSTILE], {}),
    "doctor": lambda place: (["doctor", "example.org"], {"DNS01_CA": HOSTILE}),
    "doctor of a record": lambda place: (["doctor", "--ca", "letsencrypt", "txt.example.org"], {}),
    "doctor --json": lambda place: (["doctor", "--ca", "letsencrypt", "--json", "txt.example.org"], {}),
    "doctor of an API": lambda place: (["doctor", "--ca", "letsencrypt", "txt.example.org"], api(place)),
    "doctor --write": lambda place: (["doctor", "--ca", "letsencrypt", "--write", "example.org"], api(place)),
    "deploy of a name": lambda place: (["deploy", HOSTILE], place.certificate()),
    "deploy": lambda place: ([*DEPLOY, f"{place.folder}/certs/example.org"], place.certificate(test="")),
    "deploy, a reload that fails": lambda place: (
        [*DEPLOY, f"{place.folder}/certs/example.org"],
        place.certificate(reload=""),
    ),
    "deploy --dry-run": lambda place: ([*DEPLOY, HOSTILE, "--dry-run"], place.certificate()),
    "issue": lambda place: (["issue"], place.order()),
    "issue --dry-run": lambda place: (["issue", "--dry-run"], place.order()),
    "issue for a name": lambda place: (["issue", "--dry-run"], place.order(HOSTILE)),
    "issue --json": lambda place: (["issue", "--json", "--dry-run"], place.order(HOSTILE)),
    "providers": lambda place: (["providers", HOSTILE], {}),
    "register": lambda place: (["register", HOSTILE], {}),
    "config check of a key": lambda place: (
        ["config", "check"],
        place.configure(f"[account.web]\nprovider = \"memory\"\n{json.dumps(HOSTILE)} = 5\n"),
    ),
    "config check of a value": lambda place: (
        ["config", "check"],
        place.configure(f'[account.web]\nprovider = {json.dumps(HOSTILE)}\n'),
    ),
    "config check of a section": lambda place: (
        ["config", "check"],
        place.configure(f'[account.{json.dumps(HOSTILE)}]\nprovider = "memory"\nzones = "example.org"\n'),
    ),
    "config check of a file": lambda place: (["config", "check", HOSTILE], {}),
    "config check of what is no TOML": lambda place: (["config", "check"], place.configure(HOSTILE)),
    "init of a domain": lambda place: ([*INIT, HOSTILE], here(place)),
    "init with words of its own": lambda place: (
        [*INIT, "--account", HOSTILE, "--set", HOSTILE, "--email", HOSTILE, "example.org"],
        here(place),
    ),
    "init from a file": lambda place: (
        [*INIT, "--from", hostile_file(place), "example.org"],
        here(place),
    ),
    "status --html": lambda place: (
        ["status", "--html", f"{place.folder}/status.html"],
        place.record() | place.orphan(),
    ),
    "a command that is none": lambda place: ([f"sweep{HOSTILE}"], {}),
    "an option that is none": lambda place: (["sweep", f"--{HOSTILE}"], {}),
    "deploy_challenge of a domain": lambda place: (["deploy_challenge", HOSTILE, "token", A], {}),
    "deploy_challenge of a value": lambda place: (["deploy_challenge", "example.org", HOSTILE, HOSTILE], {}),
    "deploy_challenge": lambda place: (["deploy_challenge", "example.org", HOSTILE, A], {}),
    "deploy_challenge by an API": lambda place: (["deploy_challenge", "example.org", "t", A], api(place)),
    "clean_challenge": lambda place: (["clean_challenge", HOSTILE, HOSTILE, A], {}),
    "invalid_challenge": lambda place: (["invalid_challenge", "example.org", PROBLEM], {}),
    "invalid_challenge in other words": lambda place: (["invalid_challenge", HOSTILE, HOSTILE], {}),
    "request_failure": lambda place: (["request_failure", "403", HOSTILE, "GET", HOSTILE], {}),
    "deploy_cert": lambda place: (["deploy_cert", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, "1"], {}),
    "exit_hook": lambda place: (["exit_hook", HOSTILE], place.orphan()),
    "startup_hook": lambda place: (["startup_hook"], place.orphan()),
    "certbot auth": lambda place: (
        ["certbot", "auth"],
        {**certbot(place), "CERTBOT_ALL_DOMAINS": HOSTILE, "CERTBOT_REMAINING_CHALLENGES": "0"},
    ),
    "certbot auth of a count": lambda place: (
        ["certbot", "auth"],
        {**certbot(place), "CERTBOT_ALL_DOMAINS": "example.org", "CERTBOT_REMAINING_CHALLENGES": HOSTILE},
    ),
    "certbot cleanup": lambda place: (
        ["certbot", "cleanup"],
        {**certbot(place), "CERTBOT_AUTH_OUTPUT": HOSTILE, "CERTBOT_ALL_DOMAINS": HOSTILE},
    ),
    "certbot deploy": lambda place: (
        ["certbot", "deploy"], {"RENEWED_LINEAGE": HOSTILE, "RENEWED_DOMAINS": HOSTILE},
    ),
    "lego present": lambda place: (["present", HOSTILE, HOSTILE], {}),
    "lego deploy": lambda place: (
        ["lego", "deploy"],
        dict.fromkeys(("LEGO_CERT_PATH", "LEGO_CERT_KEY_PATH", "LEGO_CERT_DOMAIN"), HOSTILE),
    ),
    "uacme begin": lambda place: (["begin", "dns-01", HOSTILE, HOSTILE, HOSTILE], {}),
    "a fault, traced": lambda place: (
        ["deploy_challenge", HOSTILE, HOSTILE, HOSTILE], {"DNS01_DEBUG": "1"},
    ),
}  # fmt: skip
ON_A_TERMINAL = ("audit", "status", "doctor of a record", "deploy_challenge", "issue", "sweep --dry-run")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A zone with a record and a CAA of an owner who means no good."""
    text = f'_acme-challenge.txt TXT "{BYTES}"\ntxt CAA 0 issue "{BYTES}"\ntxt CAA 0 iodef "{BYTES}"\n'
    with Stage(tmp_path_factory.mktemp("stage"), text=text) as stage:
        yield stage


@pytest.fixture
def place(stage: Stage, tmp_path: Path) -> Iterator[Place]:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with ExitStack() as stack:
        api, ca = stack.enter_context(Rude(HOSTILE)), stack.enter_context(Rude(HOSTILE, 403, tls))
        yield Place(tmp_path, tmp_path / "state", stage, api.url, f"{ca.url}/dir", str(tmp_path / "ca.pem"))


def call(place: Place, scene: Scene) -> tuple[list[str], dict[str, str]]:
    """The words of it, and the variables."""
    words, environ = scene(place)
    given = {**place.stage.environ, "DNS01_STATE_DIR": str(place.state), "DNS01_TIMEOUT": "3", **environ}
    return words, {key: value for key, value in given.items() if value}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_nothing_that_others_say_reaches_a_terminal_as_it_is(place: Place, scene: Scene) -> None:
    words, environ = call(place, scene)

    process = preloaded.start(words, environ, place.folder / "call")

    said = "\n".join(process.communicate(timeout=300))
    assert not {each for each in said if not each.isprintable() and each not in "\n\t"}
    lines = [line for line in said.split("\n") if line.startswith(("dns01: ", "   -> ", " + ", " ! "))]
    assert not [line for line in lines if line.endswith(" forged")]
    assert process.returncode in range(11)
    assert "Traceback" not in said or environ.get("DNS01_DEBUG")


@pytest.mark.parametrize("name", ON_A_TERMINAL)
def test_nor_does_it_where_there_are_colours(place: Place, name: str) -> None:
    words, environ = call(place, SCENES[name])
    command = [sys.executable, str(HOOK), *words]
    ours, theirs = pty.openpty()
    terminal = {**environ, "TERM": "xterm", "COLUMNS": "100"}

    with subprocess.Popen(command, env=terminal, stdin=theirs, stdout=theirs, stderr=theirs):
        os.close(theirs)
        seen = b""
        while data := _read(ours):
            seen += data
    os.close(ours)

    said = seen.decode()
    assert not [each for each in (f"{ESC}]", f"{ESC}P", f"{ESC}[2J", BEL, CSI, OSC, "\u202e") if each in said]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # EIO: nobody has it open any more
        return b""
