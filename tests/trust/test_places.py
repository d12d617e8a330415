"""A FIFO, a folder, a link, a device or a huge file where a file is expected: a message, never a wait."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import chdir
from pathlib import Path

import fork_server
import pytest
from amounts import LONG
from bundles import issued
from calls import HOOK, Running
from contract import validation

TSIG = {"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": "127.9.9.9", "RFC2136_TSIG_KEY": "hook"}
NOBODY = "http://127.9.9.9"
CHALLENGE = ("deploy_challenge", "example.org", "token", validation("a"))


def pointing(folder: Path, name: str) -> dict[str, str]:
    return {"DNS01_CONFIG": f"{folder}/{name}", "DNS01_PROVIDER": ""}


def deploying(folder: Path) -> dict[str, str]:
    (folder / "tls").mkdir()
    config = folder / "deploy.toml"
    config.write_text(f'[deploy."example.org".web]\nto = "files"\ndirectory = "{folder}/tls"\n')
    return pointing(folder, config.name)


def certificate(folder: Path, which: str) -> tuple[str, ...]:
    paths = issued(folder / "certs", "example.org").facts.certificate[1:5]
    os.unlink(folder / "certs" / which)
    return ("deploy_cert", "example.org", *paths, "1800000000")


RUN = "state/intents/publish-1-1-host.jsonl"
CERTBOT = {
    "CERTBOT_DOMAIN": "example.org", "CERTBOT_VALIDATION": CHALLENGE[-1], "CERTBOT_REMAINING_CHALLENGES": "0",
}  # fmt: skip

Case = Callable[[Path], tuple[str, tuple[str, ...], Mapping[str, str]]]
PLACES: dict[str, Case] = {
    "the configuration": lambda at: ("config.toml", CHALLENGE, pointing(at, "config.toml")),
    "the configuration, by hand": lambda at: ("config.toml", ("config", "check", f"{at}/config.toml"), {}),
    "a secret": lambda at: ("secret", CHALLENGE, {"RFC2136_TSIG_SECRET_FILE": f"{at}/secret"}),
    "a key file": lambda at: ("key", CHALLENGE, {"RFC2136_TSIG_KEY": "", "RFC2136_TSIG_FILE": f"{at}/key"}),
    "an entry of the journal": lambda at: ("state/open/example.org-0.json", ("startup_hook",), {}),
    "an entry, swept": lambda at: ("state/open/example.org-0.json", ("sweep",), {}),
    "a delivery": lambda at: ("state/pending/example.org_web-0.json", ("startup_hook",), deploying(at)),
    "a delivery, shown": lambda at: ("state/deployed/example.org_web-0.json", ("status",), deploying(at)),
    "an intent": lambda at: (RUN, ("certbot", "auth"), CERTBOT),
    "a lock": lambda at: ("state/locks/audit.lock", CHALLENGE, {}),
    "the audit trail": lambda at: ("state/audit.jsonl", ("audit",), {}),
    "the audit trail, written": lambda at: ("state/audit.jsonl", CHALLENGE, {}),
    "the audit trail, verified": lambda at: ("state/audit.jsonl", ("audit", "verify"), {}),
    "the audit trail, rotated": lambda at: ("state/audit.jsonl.1", ("audit", "verify"), {}),
    "the audit trail in status": lambda at: ("state/audit.jsonl", ("status",), deploying(at)),
    "fullchain.pem": lambda at: ("certs/fullchain.pem", certificate(at, "fullchain.pem"), deploying(at)),
    "privkey.pem": lambda at: ("certs/privkey.pem", certificate(at, "privkey.pem"), deploying(at)),
    "the storage of acme-dns": lambda at: (
        "storage.json",
        CHALLENGE,
        {
            "DNS01_PROVIDER": "acmedns",
            "ACME_DNS_API_BASE": NOBODY,
            "ACME_DNS_STORAGE_PATH": f"{at}/storage.json",
        },
    ),
    "the lock of that storage": lambda at: (
        "storage.json.lock",
        ("register", "example.org"),
        {
            "DNS01_PROVIDER": "acmedns",
            "ACME_DNS_API_BASE": NOBODY,
            "ACME_DNS_STORAGE_PATH": f"{at}/storage.json",
        },
    ),
    "a token that another program keeps": lambda at: (
        "token",
        CHALLENGE,
        {
            "DNS01_PROVIDER": "azure",
            "AZURE_SUBSCRIPTION_ID": "s",
            "AZURE_TENANT_ID": "t",
            "AZURE_CLIENT_ID": "c",
            "AZURE_FEDERATED_TOKEN_FILE": f"{at}/token",
        },
    ),
    "the script of acme.sh": lambda at: (
        "acme/acme.sh",
        CHALLENGE,
        {"DNS01_PROVIDER": "acmesh", "ACMESH_HOME": f"{at}/acme", "ACMESH_PLUGIN": "dns_nsupdate"},
    ),
    "what targets were compared with": lambda at: (
        "state/compared/example.org",
        ("unchanged_cert", "example.org", *certificate(at, "chain.pem")[2:6]),
        deploying(at),
    ),
    "dehydrated's configuration": lambda at: (
        "dehydrated",
        ("status",),
        {**deploying(at), "CONFIG": f"{at}/dehydrated"},
    ),
    "a file that it sources": lambda at: (
        "more.sh",
        ("doctor", "--no-color"),
        {"CONFIG": sourcing(at), "DNS01_TIMEOUT": "1"},
    ),
    "domains.txt": lambda at: ("domains.txt", ("doctor",), {"CONFIG": sourcing(at)}),
    "what was ordered": lambda at: ("state/orders/events.jsonl", ("issue", "--dry-run"), ordered(at)),
    "a request of one's own": lambda at: ("own.csr", ("issue", "--dry-run"), ordered(at, "own.csr")),
    "an inventory": lambda at: ("certificates.csv", ("issue", "--dry-run"), ordering(at)),
}  # fmt: skip


def ordering(folder: Path) -> dict[str, str]:
    config = folder / "issue.toml"
    config.write_text(
        '[account.web]\nprovider = "memory"\nzones = "example.org"\n[ca]\ndirectory = "https://127.9.9.9/"\n'
        f'[issue]\ninventory = "{folder}/certificates.csv"\n'
    )
    return pointing(folder, config.name)


def ordered(folder: Path, csr: str = "") -> dict[str, str]:
    ordering(folder)
    (folder / "certificates.csv").write_text(f"names,csr\nwww.example.org,{folder / csr if csr else ''}\n")
    return pointing(folder, "issue.toml")


def sourcing(folder: Path) -> str:
    config = folder / "dehydrated.conf"
    config.write_text(f"DOMAINS_TXT={folder}/domains.txt\n. {folder}/more.sh\n")
    return str(config)


def put(kind: str, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    match kind:
        case "FIFO":
            os.mkfifo(path, 0o600)
        case "folder":
            path.mkdir(mode=0o700)
        case "link to itself":
            path.symlink_to(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server, chdir(path.parent):
                server.bind(path.name)  # a path may have 107 octets (unix(7))
        case "link to nowhere":
            path.symlink_to(path.parent / "nowhere")
        case "device":
            path.symlink_to("/dev/zero")
        case "empty file":
            path.touch(0o600)
        case "huge file":
            path.touch(0o600)
            os.truncate(path, 1 << 36)


KINDS = ("FIFO", "folder", "link to itself", "link to nowhere", "device", "huge file", "socket", "empty file")
# In the short run each place has a FIFO, and one more, in turns.
CASES = [
    (place, kind)
    for number, place in enumerate(PLACES)
    for kind in (KINDS if LONG else ("FIFO", KINDS[1 + number % (len(KINDS) - 1)]))
]


@pytest.mark.parametrize(("place", "kind"), CASES)
def test_what_is_no_file_costs_a_message_and_no_wait(tmp_path: Path, place: str, kind: str) -> None:
    name, words, environ = PLACES[place](tmp_path)
    put(kind, tmp_path / name)
    given = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state"), "DNS01_TIMEOUT": "1"}
    given |= {"DNS01_RESOLVERS": "127.9.9.9", "DNS01_NAMESERVERS": "127.9.9.9", **TSIG, **environ}

    call = Running(tmp_path / "call")
    fork_server.start(
        tmp_path / "call", [str(HOOK), *words], {key: value for key, value in given.items() if value}
    )
    try:
        call.limit_memory(2_000_000_000)
        said = call.end()
    finally:
        if not call.has_ended:
            call.kill()

    assert said.code in range(11), said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize("closed", ["2>/dev/full", ">/dev/full 2>&1", "2>&-", ">&- 2>&- <&-"])
def test_where_nothing_can_be_said_the_exit_code_is_that_of_the_call(tmp_path: Path, closed: str) -> None:
    """The disk of a client's log is full, say: what has been published is published all the same."""
    given = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state"), "DNS01_CONFIG": ""}
    command = f"{sys.executable} {HOOK} deploy_challenge example.org token value {closed}"

    done = subprocess.run(["sh", "-c", command], env=given, timeout=120)

    assert done.returncode == 2  # that is no value of dns-01's


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&- <&-", "<&-", ">&-"])
def test_a_stream_that_is_closed_is_no_fault_where_it_has_to_wait(tmp_path: Path, closed: str) -> None:
    given = {"PATH": os.environ["PATH"], "DNS01_STATE_DIR": str(tmp_path / "state"), "DNS01_TIMEOUT": "1"}
    given |= {"DNS01_PROVIDER": "memory", "DNS01_MEMORY_ZONES": "example.org", "DNS01_CONFIG": ""}
    given |= {"DNS01_NAMESERVERS": "127.9.9.9", "DNS01_READINESS": "authoritative"}
    command = f"{sys.executable} {HOOK} deploy_challenge example.org token {'v' * 43} {closed}"

    done = subprocess.run(["sh", "-c", command], env=given, timeout=120, capture_output=True)

    assert done.returncode == 8  # none of the name servers answers
