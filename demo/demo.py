"""One certificate for an apex and its wildcard, by a CA, a client and a name server on this machine.

The CA is Pebble, the client dehydrated. The only name server that Pebble asks is the one that the
hook starts itself while it is needed (DNS01_PROVIDER=standalone). All of it is on 127.0.0.1, and
all that stays is a folder for temporary files without any private key; the last line is the path of the
certificate in it.

    make demo
"""

from __future__ import annotations

import io
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path

import dns.message
import dns.query

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from testbed import Pebble
from testbed.process import free_port

DOMAIN = "example.org"
HERE = "127.0.0.1"
HOOK = Path(sys.executable).with_name("dns01")

CONFIG = """\
# Pebble. For the real CA: CA="letsencrypt", and no CURL_OPTS.
CA="{ca.directory}"
CURL_OPTS="--cacert {ca.ca_file}"

CHALLENGETYPE="dns-01"
HOOK="{HOOK}"
HOOK_CHAIN="yes"

# The hook answers for the challenge names itself. In the real DNS it does so on port 53, and
# _acme-challenge.{DOMAIN} has an NS record with the name of this host.
export DNS01_PROVIDER="standalone"
export STANDALONE_ADDRESS="{HERE}"
export STANDALONE_PORT="{port}"

# Only because no NS record leads here: whom to ask, instead of looking it up in the real DNS.
export DNS01_NAMESERVERS="{HERE}:{port}"
export DNS01_RESOLVERS="{HERE}:{port}"

export DNS01_STATE_DIR="{folder}/state"
"""


SUMMARY = f"""\
dehydrated ordered a certificate for {DOMAIN} and *.{DOMAIN} from a CA on this machine. dns01
published a TXT record for each, waited until the name server had both, let the CA look, and took
both back. openssl accepts the certificate.
"""
NEXT = """\
README.rst, "Quick start": the same with your own name server or DNS provider.
.venv/bin/dns01 providers          what each provider needs
.venv/bin/dns01 doctor DOMAIN      what would keep an order from succeeding
"""


def main() -> None:
    only_our_own_settings()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    folder = Path(tempfile.mkdtemp(prefix="dns01-demo-"))
    port = free_port(HERE)
    try:
        with ca_that_asks(f"{HERE}:{port}") as ca:
            config = configure(folder, ca, port)
            with nothing_left_behind(config):
                issue(config, port)
            fullchain = folder / "certs" / DOMAIN / "fullchain.pem"
            check(fullchain, ca)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        sys.exit(f"The demo has failed: {error}\nWhat it has left to look at: {folder}")
    finally:
        remove_private_keys(folder)
    heading("What happened")
    show(SUMMARY)
    heading("What to do next")
    show(NEXT)
    heading("What stays is the certificate; its key and the account's are deleted:")
    print(fullchain)


def remove_private_keys(folder: Path) -> None:
    """Whatever has become of the demo, nothing of it may be used for anything."""
    paths = list(folder.rglob("*"))
    for file in paths:
        if file.is_file() and not file.is_symlink() and b"PRIVATE KEY" in file.read_bytes():
            file.unlink()
    for link in paths:
        if link.is_symlink() and not link.exists():
            link.unlink()


def only_our_own_settings() -> None:
    """Proxies, locales and what the hook may find configured on this machine must not matter."""
    for name in os.environ.keys() - {"PATH", "HOME", "TMPDIR"}:
        del os.environ[name]
    os.environ["DNS01_CONFIG"] = ""  # not /etc/dns01/config.toml


@contextmanager
def ca_that_asks(name_server: str) -> Iterator[Pebble]:
    """Pebble; what it logs is shown if the demo fails."""
    log = io.StringIO()
    try:
        with redirect_stderr(log), Pebble(name_server) as ca:
            heading(f"Pebble, the CA, is at {ca.directory} (process {ca.pid})")
            show(f"It asks the name server {name_server} about every challenge.")
            yield ca
    except Exception:
        sys.stderr.write(log.getvalue())
        raise


def configure(folder: Path, ca: Pebble, port: int) -> Path:
    """Write dehydrated's configuration and show it."""
    config = folder / "config"
    config.write_text(CONFIG.format(ca=ca, port=port, folder=folder, HOOK=HOOK, DOMAIN=DOMAIN, HERE=HERE))
    (folder / "domains.txt").write_text(f"{DOMAIN} *.{DOMAIN}\n")
    heading(f"dehydrated's configuration, {config}")
    show(config.read_text())
    heading(f"The certificates that it shall get, {folder}/domains.txt")
    show(f"{DOMAIN} *.{DOMAIN}")
    return config


@contextmanager
def nothing_left_behind(config: Path) -> Iterator[None]:
    """When the demo is interrupted in the middle, take back what is published: the name server
    ends with the last record."""
    try:
        yield
    except BaseException:
        subprocess.run(["bash", "-c", f". {shlex.quote(str(config))}; {shlex.quote(str(HOOK))} sweep"])
        raise


def issue(config: Path, port: int) -> None:
    """Run dehydrated; look at the name server before, in the middle, and after."""
    command = ["dehydrated", "-c", "--accept-terms", "-f", str(config)]
    heading("Before: the name server")
    show(answer(port))
    heading(shlex.join(command))
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,  # to be ended with all that it has started
    ) as dehydrated:
        try:
            for line in dehydrated.stdout or ():
                show(line)
                if line.startswith(" + ready"):
                    heading("Meanwhile: the name server")
                    show(answer(port))
                    heading("dehydrated goes on")
        except BaseException:
            os.killpg(dehydrated.pid, signal.SIGTERM)
            dehydrated.wait()
            raise
    if dehydrated.returncode:
        raise RuntimeError(f"dehydrated ended with {dehydrated.returncode}")
    heading("After: the name server")
    show(answer_of_nobody(port))


def answer(port: int) -> str:
    """What the name server says about the challenges."""
    query = dns.message.make_query(f"_acme-challenge.{DOMAIN}", "TXT")
    try:
        response = dns.query.tcp(query, HERE, timeout=5, port=port)
    except ConnectionRefusedError:
        return f"Nobody listens on {HERE} port {port}."
    return "\n".join(rrset.to_text() for rrset in response.answer)


def answer_of_nobody(port: int) -> str:
    """The same, once the name server has ended, which may take it a moment."""
    deadline = time.monotonic() + 5
    while not (said := answer(port)).startswith("Nobody"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the name server is still there, and says: {said}")
        time.sleep(0.01)
    return said


def check(fullchain: Path, ca: Pebble) -> None:
    """Names, issuer and dates, in openssl's words, and whether a client would accept it for both
    names: only the wildcard fits www. Raises CalledProcessError."""
    root = fullchain.with_name("root.pem")
    root.write_text(ca.roots())
    heading("The certificate")
    about = "-noout -subject -issuer -dates -ext subjectAltName"
    show(output(f"openssl x509 {about} -in {fullchain}"))
    for name in (DOMAIN, f"www.{DOMAIN}"):
        trusted = f"-CAfile {root} -untrusted {fullchain} -verify_hostname {name}"
        show(f"for {name}: {output(f'openssl verify {trusted} {fullchain}')}")


def output(command: str) -> str:
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def heading(text: str) -> None:
    print(f"\n{text}", flush=True)


def show(text: str) -> None:
    print(textwrap.indent(text.rstrip("\n"), "    "), flush=True)


if __name__ == "__main__":
    main()
