"""Whatever comes from outside is understood or refused: no input breaks anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.rdatatype
import pytest
from amounts import INPUTS, figure
from fakes.rude import Rude
from hypothesis import strategies as st
from variations import Fixed, each, octets

from dns01 import dns_message
from dns01.errors import ConfigError, HookError, ProviderError, UsageError
from dns01.hooks.clients.challenge import owner_name
from dns01.hooks.clients.detection import read
from dns01.hooks.clients.process import ClientProcess
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.deploy.delivery.ledger import Ledger
from dns01.hooks.deploy.section import load_deployments
from dns01.hooks.dispatch import PHASES
from dns01.hooks.dns import message
from dns01.hooks.issue.fleet.section import load_fleet
from dns01.hooks.issue.section import load_ca, load_issue
from dns01.hooks.notify.section import load_receivers
from dns01.hooks.state.audit.reader import read as records
from dns01.hooks.state.audit.section import load_audit
from dns01.hooks.state.audit.verify import verify
from dns01.hooks.state.challenge_batch import ChallengeBatch
from dns01.hooks.state.journal import Journal
from dns01.names import canonical
from dns01.providers import load
from dns01.providers._acmedns_accounts import Accounts
from dns01.providers.base import TxtRecord

VALUE = "-" + "a" * 42
HERE = "tests/trust/test_inputs.py"

odd = st.sampled_from(
    [
        "",
        "\0",
        "\x1b[2J",
        "\n",
        "²",
        "٣",
        "a" * 300,
        "..",
        "*",
        "-",
        "--help",
        "example.org",
        VALUE,
        "{}",
        "1e999",
    ]
)
words = st.one_of(odd, st.text(max_size=20))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**20), 10**20), st.floats(), words)
trees = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4))
)


def tried(what: str) -> None:
    figure(what, INPUTS, "each was understood or refused", f"TRUST_INPUTS={INPUTS} pytest {HERE}")


# What clients say

VARIABLES = [
    "CERTBOT_DOMAIN", "CERTBOT_VALIDATION", "CERTBOT_TOKEN", "CERTBOT_ALL_DOMAINS", "CERTBOT_IDENTIFIER",
    "CERTBOT_REMAINING_CHALLENGES", "CERTBOT_AUTH_OUTPUT", "RENEWED_LINEAGE", "RENEWED_DOMAINS",
    "LEGO_CERT_PATH", "LEGO_CERT_KEY_PATH", "LEGO_CERT_DOMAIN", "LEGO_HOOK_CERT_PATH", "EXEC_MODE",
]  # fmt: skip


def test_a_call_is_understood_or_refused() -> None:
    called = st.tuples(
        st.sampled_from(sorted(PHASES)).map(Fixed),
        st.lists(words, max_size=8),
        st.dictionaries(st.sampled_from(VARIABLES), words),
    )

    @each(called, INPUTS)
    def check(drawn: tuple[Fixed, list[str], dict[str, object]]) -> None:
        word, arguments, environ = drawn
        try:
            call = read([word.value, *arguments], {key: str(value) for key, value in environ.items()})
        except UsageError:
            return
        if call.phase == "publish":
            assert all(challenge.name and len(challenge.validation) == 43 for challenge in call.challenges)

    check()
    tried("calls of clients")


def test_whatever_is_given_as_a_domain_is_either_a_name_of_the_dns_or_refused() -> None:
    @each(st.one_of(words, st.text(max_size=300)), INPUTS)
    def check(domain: str) -> None:
        try:
            name = owner_name(domain)
        except UsageError:
            return
        assert name.isascii()
        assert name == name.lower() == canonical(name)
        assert len(name) <= 253
        assert all(0 < len(label) <= 63 for label in name.split("."))

    check()
    tried("domains")


# The configuration

KEYS = [
    "account", "zone", "deploy", "notify", "audit", "certificate", "issue", "fleet", "ca", "web",
    "example.org",
    "provider", "zones", "token", "to", "directory", "test", "reload", "command", "urls", "expiry", "on",
    "size",
    "keep", "resolvers", "doh", "readiness", "nameservers", "cname", "id", "ttl", "timeout", "pace", "rounds",
    "patience", "settle", "names", "inventory", "contact", "file", "env", "fullchain", "mode", "owner",
    "group",
]  # fmt: skip
PROVIDERS = ["memory", "rfc2136", "digitalocean", "cloudflare", "route53", "standalone", "exec", "acmedns"]
kept = st.one_of(
    scalars, st.sampled_from([*PROVIDERS, "files", "command", "journald", "letsencrypt", "/tmp/x", "10"])
)
tables = st.recursive(
    kept,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), words), inner, max_size=5),
    ),
    max_leaves=25,
)
documents = st.dictionaries(st.one_of(st.sampled_from(KEYS[:9]), st.sampled_from(KEYS)), tables, max_size=4)


def toml(value: Any) -> str:
    """As a value of TOML; what has no place there becomes something else."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case list():
            return f"[{', '.join(map(toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{quoted(key)} = {toml(inner)}' for key, inner in value.items())}}}"
    return quoted(value or "")


def document(table: dict[str, Any]) -> str:
    return "\n".join(f"{quoted(key)} = {toml(value)}" for key, value in table.items())


def quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


READERS: tuple[Callable[[dict[str, str]], object], ...] = (
    load_deployments, load_receivers, load_audit, load_ca, load_issue, load_fleet,
)  # fmt: skip


def test_a_configuration_is_read_or_refused(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.touch(0o600)
    environ = {"DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(tmp_path / "state")}

    @each(st.one_of(documents, documents.map(document), st.text(max_size=80)), INPUTS)
    def check(drawn: dict[str, Any] | str) -> None:
        text = drawn if isinstance(drawn, str) else document(drawn)
        config.write_bytes(text.encode(errors="replace"))
        with suppress(HookError):
            for account in load_settings(environ).accounts.values():
                open_account(account)
        for reader in READERS:
            with suppress(HookError):
                reader(environ)

    check()
    tried("configuration files")


# What name servers answer


def an_answer() -> bytes:
    question = dns.message.make_query("_acme-challenge.example.org", "TXT", use_edns=0)
    answer = dns.message.make_response(question)
    texts = {
        "answer": ['_acme-challenge.example.org. 60 TXT "a" "b"', 'example.org. 60 CAA 0 issue "ca"'],
        "authority": [
            "example.org. 60 NS ns.example.org.",
            "org. 60 SOA a. b. 1 2 3 4 5",
            "x.org. 1 DNAME y.org.",
        ],
        "additional": ["ns.example.org. 60 A 192.0.2.1", "ns.example.org. 60 AAAA 2001:db8::1"],
    }
    for section, lines in texts.items():
        for line in lines:
            name, ttl, kind, data = line.split(maxsplit=3)
            getattr(answer, section).append(dns.rrset.from_text(name, int(ttl), "IN", kind, data))
    return answer.to_wire()


def changed(octets: bytes) -> st.SearchStrategy[bytes]:
    """The octets with some changed, some cut off, some added."""
    changes = st.lists(st.tuples(st.integers(0, len(octets) - 1), st.integers(0, 255)), max_size=6)

    def apply(drawn: tuple[list[tuple[int, int]], int, bytes]) -> bytes:
        edits, end, more = drawn
        edited = bytearray(octets)
        for at, octet in edits:
            edited[at] = octet
        return bytes(edited[:end]) + more

    return st.tuples(changes, st.integers(0, len(octets)) | st.just(len(octets)), st.binary(max_size=12)).map(
        apply
    )


def test_an_answer_of_a_name_server_is_understood_or_left_alone() -> None:
    @each(st.one_of(changed(an_answer()), st.binary(max_size=80)), INPUTS)
    def check(wire: bytes) -> None:
        try:
            answer = dns_message.parse(wire, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):  # as the transport has it
            return
        message.alias_of(answer, "_acme-challenge.example.org")
        message.apex_of(answer)
        message.glue_in(answer)
        message.referral_to(answer, "org", "_acme-challenge.example.org")
        for rrset in answer.answer + answer.authority + answer.additional:
            message.addresses_in(rrset)
            message.text(rrset.name)
            if rrset.rdtype == dns.rdatatype.NS:
                message.hosts_in(rrset)

    check()
    tried("answers of name servers")


# What APIs answer

APIS: dict[str, dict[str, str]] = {
    "digitalocean": {"token": "t"},
    "cloudflare": {"token": "t"},
    "desec": {"token": "t"},
    "gandi": {"token": "t"},
    "hetzner": {"token": "t"},
    "powerdns": {"key": "k"},
    "linode": {"token": "t"},
    "vultr": {"token": "t"},
}


class Said(Rude):
    """Answers with the JSON that the test says, and any status."""

    def say(self, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d Whatever\r\nContent-Type: application/json\r\n" % status
        self.closes = status == 204  # whose body nobody reads (RFC 9110 §15.3.5)
        head += b"Connection: close\r\n" if self.closes else b""
        self.answer = head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@pytest.fixture
def api() -> Iterator[Said]:
    with Said("nothing") as api:
        yield api


usual = st.sampled_from(
    ["domains", "result", "zones", "rrsets", "data", "links", "pages", "next", "id", "name", "records",
     "type",
     "success", "errors", "error", "message", "example.org", "domain_records", "subname", "ttl", "meta",
     "total"]
)  # fmt: skip
bodies = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(usual, words), inner, max_size=5)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("name", APIS)
def test_an_answer_of_an_api_is_understood_or_an_error(name: str, api: Said) -> None:
    provider: Any = load(name)({**APIS[name], "base_url": api.url})
    provider.sleep = lambda _: None
    record = TxtRecord("_acme-challenge.example.org", VALUE, 60)
    count = max(INPUTS // len(APIS), 5)

    statuses = st.sampled_from([200, 200, 200, 201, 204, 400, 404, 409, 422]).map(Fixed)

    @each(st.tuples(statuses, st.one_of(bodies, bodies.map(octets), st.binary(max_size=9))), count)
    def check(drawn: tuple[Fixed, object]) -> None:
        status, body = drawn
        api.say(status.value, octets(body))
        with suppress(ProviderError):
            provider.publish(provider.zone_for(record.name), [record])
        with suppress(ProviderError):
            provider.retract(provider.zone_for(record.name), [record])

    check()
    figure(
        f"answers of an API, {name}",
        count,
        "each was understood or an error",
        f"TRUST_INPUTS={INPUTS} pytest {HERE} -k api",
    )


# What lies in the state folder

CERTBOT = ClientProcess("certbot", 4711, 1, "host")
FOLDERS = ("open", "retracted", "intents", "pending", "deployed")
FIELDS = [
    "version", "domain", "token", "name", "target", "value", "ttl", "account", "provider", "zone", "zone_id",
    "client", "opened", "opened_at", "state", "tries", "error", "certificate", "since", "validation",
    "pid", "start", "where", "time", "names", "steps", "published", "seq", "prev", "hash", "outcome",
]  # fmt: skip
entries = st.dictionaries(st.sampled_from(FIELDS), st.one_of(scalars, trees), max_size=20)
contents: st.SearchStrategy[object] = st.one_of(
    entries,
    entries.map(octets),
    trees,
    trees.map(octets),
    st.binary(max_size=60),
    st.integers(100, 3000).map(lambda depth: b"[" * depth),
)


def test_a_file_of_the_state_is_understood_or_moved_aside(tmp_path: Path) -> None:
    state = tmp_path / "state"
    for folder in FOLDERS:
        (state / folder).mkdir(mode=0o700, parents=True)
    said: list[str] = []
    whose = json.dumps({"version": 1, **CERTBOT._asdict()}).encode() + b"\n"

    @each(st.tuples(st.sampled_from(FOLDERS).map(Fixed), contents), INPUTS)
    def check(drawn: tuple[Fixed, object]) -> None:
        folder, content = drawn[0].value, octets(drawn[1])
        (state / folder / "example.org-00000000.json").write_bytes(content)
        run = state / "intents" / f"publish-{CERTBOT.pid}-{CERTBOT.start}-{CERTBOT.where}.jsonl"
        run.write_bytes(content if folder == "intents" else whose + content)
        journal = Journal(str(state), warn=said.append)
        journal.entries()
        journal.orphans()
        batch = ChallengeBatch(str(state), warn=said.append)
        batch.of(CERTBOT, "publish")
        batch.done(CERTBOT)
        ledger = Ledger(str(state))
        ledger.pending()
        ledger.deployed()
        (state / folder / "example.org-00000000.json").unlink(missing_ok=True)

    check()
    tried("files of the journal and of deliveries")


def test_a_line_of_the_audit_trail_is_understood_or_passed_over(tmp_path: Path) -> None:
    from dns01.hooks.commands.audit.bars import bars
    from dns01.hooks.commands.audit.lines import beneath, head

    path = tmp_path / "audit.jsonl"
    times = st.sampled_from(["2025-11-12T12:00:00.250Z", "2025-99-99T99:99:99.999Z", "yesterday"])
    rows = st.builds(lambda time, entry: {"time": time, **entry}, times, entries)

    @each(st.lists(st.one_of(rows, rows.map(octets), contents), max_size=4), INPUTS)
    def check(written: list[object]) -> None:
        path.write_bytes(b"\n".join(map(octets, written)))
        for record in records(str(path)):
            head(record)
            list(beneath(record))
            assert all(len(line) <= 80 for line in bars(record.get("steps", {}), full="#"))
        verify(str(path))

    check()
    tried("lines of the audit trail")


# What other programs keep


def test_a_storage_file_of_accounts_is_understood_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "acmedns.json"
    file.touch(0o600)
    fields = st.sampled_from(["fulldomain", "SubDomain", "username", "password", "allowfrom"])
    accounts = st.dictionaries(words, st.one_of(st.dictionaries(fields, scalars), scalars), max_size=3)

    @each(st.one_of(accounts, accounts.map(octets), contents), INPUTS)
    def check(content: object) -> None:
        file.write_bytes(octets(content))
        with suppress(ConfigError):
            Accounts(str(file)).read()

    check()
    tried("storage files of acme-dns accounts")
