"""Dynamic updates in the setups that people have: secondaries, views, IPv6, and how to say so."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import dns.message
import dns.name
import dns.query
import dns.tsig
import pytest
from contract import validation
from testbed import TIME_LIMIT, Bind, Key, Knot, PowerDNS

from dns01.errors import AuthRejected, ConfigError, ZoneNotFound
from dns01.providers import load
from dns01.providers._rfc2136_tcp import read_address
from dns01.providers._rfc2136_tsig import read_key
from dns01.providers.base import Provider, TxtRecord, Zone

SECRET = "VGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIG9jdGV0cw=="
KEY = Key("hook", "hmac-sha256", SECRET)
RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))


def provider(nameserver: str, **options: str) -> Provider:
    signed = {"tsig_key": "hook", "tsig_secret": SECRET, "tsig_algorithm": "hmac-sha256"}
    return load("rfc2136")({"nameserver": nameserver, **signed, **options})


class Primary(Bind):
    """Tells its secondary of every change at once."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        edit(
            self,
            "notify no;",
            f"notify explicit; also-notify {{ 127.1.38.2; }}; notify-source {self.address}; notify-delay 0;",
        )
        return command


class Secondary(Bind):
    """Forwards every update to its primary."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        zone = 'type secondary; primaries { 127.1.38.1 key "hook"; }; allow-update-forwarding { any; };'
        edit(self, r'type primary; file ".*"; allow-update \{.*?\};', zone)
        return command


class TwoViews(Bind):
    """One example.com for the holder of the key, and another one for all others."""

    def prepare(self) -> list[str]:
        command = super().prepare()
        shutil.copy(self.folder / "example.com.zone", self.folder / "public.zone")
        public = 'zone "example.com" { type primary; file "public.zone"; };'
        edit(
            self,
            r'(?s)zone "example.com".*',
            rf'view "hook" {{ match-clients {{ key "hook"; }}; \g<0> }};'
            rf'view "public" {{ match-clients {{ any; }}; {public} }};',
        )
        return command


def edit(bind: Bind, pattern: str, replacement: str) -> None:
    path = bind.folder / "named.conf"
    text, changes = re.subn(pattern, replacement, path.read_text())
    assert changes == 1
    path.write_text(text)


def test_a_secondary_forwards_updates_and_is_waited_for() -> None:
    zones, another = {"example.com": ""}, RECORD._replace(value="another")
    with Primary("127.1.38.1", zones, [KEY]) as primary, Secondary("127.1.38.2", zones, [KEY]) as secondary:
        ours = provider("127.1.38.2")
        zone = ours.zone_for(RECORD.name)
        ours.publish(zone, [RECORD])
        assert primary.txt(RECORD.name) == secondary.txt(RECORD.name) == {RECORD.value}
        ours.publish(zone, [another])
        assert primary.txt(RECORD.name) == secondary.txt(RECORD.name) == {RECORD.value, "another"}
        ours.retract(zone, [RECORD])
        assert primary.txt(RECORD.name) == {"another"}


def test_the_key_decides_which_view_is_updated_and_read() -> None:
    with TwoViews("127.1.38.3", {"example.com": ""}, [KEY]) as bind:
        provider("127.1.38.3").publish(Zone("example.com"), [RECORD])
        assert bind.txt(RECORD.name) == set()
        query = dns.message.make_query(RECORD.name, "TXT")
        query.use_tsig(KEY.tsig)
        assert RECORD.value in dns.query.tcp(query, "127.1.38.3", timeout=TIME_LIMIT).answer[0].to_text()


@pytest.fixture(scope="module")
def powerdns() -> Iterator[PowerDNS]:
    """Lets this machine's addresses update without a key."""
    zones = {"example.com": "", "deep.example.com": "upwards CNAME example.com."}
    options = "dnsupdate=yes\nallow-dnsupdate-from=127.0.0.0/8\n"
    with PowerDNS("127.1.38.5", zones, extra_options=options) as powerdns:
        yield powerdns


def test_a_server_may_go_by_the_address_alone(powerdns: PowerDNS) -> None:
    ours = provider("127.1.38.5", tsig_key="", tsig_secret="")
    ours.publish(Zone("example.com"), [RECORD, RECORD._replace(value="another")])
    assert powerdns.txt(RECORD.name) == {RECORD.value, "another"}
    ours.publish(Zone("example.com"), [RECORD])
    ours.retract(Zone("example.com"), [RECORD])
    assert powerdns.txt(RECORD.name) == {"another"}


def test_a_server_that_follows_a_cname_to_another_zone_is_asked_for_the_one_it_starts_in(
    powerdns: PowerDNS,
) -> None:
    ours = provider("127.1.38.5", tsig_key="", tsig_secret="")
    assert ours.zone_for("upwards.deep.example.com").apex == "deep.example.com"


@pytest.mark.parametrize("nameserver", ["fd53::1", "[fd53::1]", "[fd53::1]:53"])
def test_a_server_may_have_an_ipv6_address(nameserver: str) -> None:
    with Bind("fd53::1", {"example.com": ""}, [KEY]):
        assert provider(nameserver).zone_for(RECORD.name).apex == "example.com"


def test_a_server_may_be_named_and_have_a_port_of_its_own() -> None:
    with Bind("127.0.0.1", {"example.com": ""}, [KEY], port=5301):
        assert provider("localhost:5301").zone_for(RECORD.name).apex == "example.com"


@pytest.mark.parametrize(
    "nameserver", ["", ":53", "ns1:dns", "ns1:0", "ns1:65536", "[fd53::1", "[fd53::1]53x", "x y"]
)
def test_what_is_no_address_of_a_server_is_refused(nameserver: str) -> None:
    with pytest.raises(ConfigError, match="RFC2136_NAMESERVER") as refusal:
        provider(nameserver)
    assert "host:port" in refusal.value.hint


@pytest.mark.parametrize("nameserver", ["127.0.0.1#5301", "127.0.0.1:5301", "[::ffff:127.0.0.1]:5301"])
def test_a_port_may_stand_behind_the_address_as_dig_has_it_too(nameserver: str) -> None:
    assert read_address(nameserver)[1] == 5301
    assert read_address("fd53::1#5301") == ("fd53::1", 5301)


@pytest.mark.parametrize(
    "algorithm",
    ["HMAC-SHA512", "hmac-sha512.", "HMACSHA512", "hmac_sha512", "HMAC_SHA512", "sha512", "hmac-sha512\n"],
)
def test_every_usual_spelling_of_an_algorithm_is_taken(algorithm: str) -> None:
    key = read_key({"tsig_key": "hook", "tsig_secret": SECRET, "tsig_algorithm": algorithm})
    assert key
    assert key.algorithm == dns.tsig.HMAC_SHA512


@pytest.mark.parametrize("algorithm", ["hmac-sha256-128", "hmac-md5.sig-alg.reg.int", "hmac-sha1"])
def test_algorithms_with_longer_names_are_not_taken_for_shorter_ones(algorithm: str) -> None:
    key = read_key({"tsig_key": "hook", "tsig_secret": SECRET, "tsig_algorithm": algorithm})
    assert key
    assert key.algorithm == dns.name.from_text(algorithm)


@pytest.mark.parametrize(
    "text",
    [
        f"Create new TSIG key hook hmac-sha256 {SECRET}\n",
        f"hook. hmac-sha256. {SECRET}\n",
        f"hmac-sha256:hook:{SECRET}\n",
        f"HMAC-SHA256:hook.:{SECRET}",
        f'\ufeffkey "hook" {{\r\n\talgorithm hmac-sha256;\r\n\tsecret "{SECRET}";\r\n}};\r\n',
    ],
    ids=["pdnsutil's", "pdnsutil's list", "for nsupdate -y", "in capitals", "with a byte order mark"],
)
def test_a_key_file_may_hold_what_other_programs_print(tmp_path: Path, text: str) -> None:
    key = read_key({"tsig_file": str(secret_file(tmp_path / "tsig.key", text))})
    assert key == dns.tsig.Key("hook", SECRET, "hmac-sha256")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tsig_algorithm": "hmac-sha257"}, "'hmac-sha257' is no TSIG algorithm"),
        ({"tsig_secret": ""}, "RFC2136_TSIG_KEY is set but RFC2136_TSIG_SECRET is not"),
        ({"tsig_key": ""}, "RFC2136_TSIG_SECRET is set but RFC2136_TSIG_KEY is not"),
        ({"tsig_secret": "not base64!"}, "RFC2136_TSIG_SECRET: the secret of 'hook' is not base64"),
        ({"tsig_key": "hook..example"}, "'hook..example' is no key's name"),
        ({"tsig_file": "/etc/hook.key"}, "RFC2136_TSIG_FILE is set, and so is"),
    ],
)
def test_a_key_that_cannot_be_is_refused_without_showing_its_secret(
    options: dict[str, str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as refusal:
        provider("127.0.0.1", **options)
    assert "not base64!" not in f"{refusal.value} {refusal.value.hint}"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "hook.key"
    path.touch(0o600)
    return path


def from_file(key_file: Path) -> Provider:
    return provider("127.1.38.4", tsig_key="", tsig_secret="", tsig_file=str(key_file))


@pytest.fixture(scope="module")
def bind() -> Iterator[Bind]:
    with Bind("127.1.38.4", {"example.com": ""}, [KEY]) as bind:
        yield bind


KEY_FILES = {
    "as tsig-keygen writes it": f'key "hook" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n',
    "on one line": f'key hook{{algorithm "hmac-sha256";secret {SECRET};}};',
    "secret first, no last semicolon": f'key "hook" {{ secret "{SECRET}"; algorithm hmac-sha256; }}',
    "with comments": f'# a\n// b\n/* c\n"d" */ key "hook" {{ algorithm hmac-sha256; // e\n'
    f'secret "{SECRET}"; /* f */ }}; # g',
    "as Knot's keymgr writes it": (
        f"# hmac-sha256:hook:{SECRET}\nkey:\n  - id: hook\n    algorithm: hmac-sha256\n    secret: {SECRET}\n"
    ),
    "as knot.conf has it": f"key:\n- id: 'hook.'\n  secret: \"{SECRET}\"\n  algorithm: hmac-sha256  # it\n",
}


KEY_RECORD = f"hook. IN KEY 512 3 163 {SECRET}"
PRIVATE = f"Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: {SECRET}\nBits: AAA=\n"


@pytest.mark.parametrize(
    "record",
    [
        KEY_RECORD,
        f"; This is a key\n{KEY_RECORD}\n",
        f"hook. 3600 IN KEY 512 3 163 {SECRET[:20]} {SECRET[20:]}",
        f"HOOK. KEY 512 3 163 {SECRET}\n",
        f"hook.\tIN\tKEY\t512 3 163 {SECRET} ; a comment\n",
        f"hook. in key 0 3 163 {SECRET}\n\n",
    ],
)
def test_a_key_of_dnssec_keygen_s_may_be_its_record(bind: Bind, tmp_path: Path, record: str) -> None:
    path = secret_file(tmp_path / "Khook.+163+54321.key", record)
    assert from_file(path).zone_for(RECORD.name).apex == "example.com"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("Khook.+163+54321", KEY_RECORD),
        ("Khook.+163+54321", ""),
        ("renamed", KEY_RECORD),
        ("Kanother.+163+54321", KEY_RECORD),
    ],
    ids=["with its record", "without it", "renamed, with its record", "another name, with its record"],
)
@pytest.mark.parametrize(
    "text", [PRIVATE, PRIVATE.replace("\n", "\r\n"), PRIVATE.replace(" (HMAC_SHA256)", "")]
)
def test_the_private_file_has_its_name_from_the_record_beside_it_or_from_its_own_name(
    bind: Bind, tmp_path: Path, name: str, beside: str, text: str
) -> None:
    if beside:
        secret_file(tmp_path / f"{name}.key", beside)
    path = secret_file(tmp_path / f"{name}.private", text)
    assert from_file(path).zone_for(RECORD.name).apex == "example.com"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("renamed.private", PRIVATE, "does not say the name of its key"),
        ("Khook.+163+1.private", PRIVATE, "does not say the name of its key"),
        ("Khook.+163+54321.private", PRIVATE.replace(f"Key: {SECRET}\n", ""), "has no line with Key:"),
        ("Khook.+008+54321.private", PRIVATE.replace("163", "8"), "algorithm 8, which is none of TSIG's"),
        ("Khook.+163+54321.private", "Private-key-format: v1.3\n", "algorithm ?, which is none of TSIG's"),
        ("Khook.+013+54321.key", "hook. IN DNSKEY 257 3 13 AAAA", "is not a TSIG key file"),
        ("Khook.+013+54321.key", "hook. IN KEY 512 3 13 AAAA", "algorithm 13, which is none of TSIG's"),
        ("Khook.+163+54321.key", "hook. IN KEY 512 3 163 %%%%", "is not base64"),
        ("empty.private", "", "is empty"),
        ("blank.key", " \n\n", "is empty"),
    ],
)
def test_a_file_of_dnssec_keygen_s_that_is_of_no_use_is_refused_by_name(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    path = secret_file(tmp_path / name, text)
    with pytest.raises(ConfigError, match=re.escape(words)) as refusal:
        from_file(path)
    assert str(path) in str(refusal.value)
    assert SECRET not in f"{refusal.value} {refusal.value.hint}"
    assert "tsig" in refusal.value.hint.lower() or "key" in refusal.value.hint or "=" in refusal.value.hint


def test_a_record_that_others_can_read_is_refused_as_it_has_the_secret(tmp_path: Path) -> None:
    beside = secret_file(tmp_path / "Khook.+163+54321.key", KEY_RECORD)
    beside.chmod(0o644)
    with pytest.raises(ConfigError) as refusal:
        from_file(secret_file(tmp_path / "Khook.+163+54321.private", PRIVATE))
    assert refusal.value.hint == f"chmod 600 {beside}"


def secret_file(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(text, newline="")
    return path


@pytest.mark.parametrize("algorithm", ["HMAC-SHA256", "hmac-sha256.", "HMAC-SHA256."])
def test_an_algorithm_may_be_in_upper_case_and_end_with_a_dot(bind: Bind, algorithm: str) -> None:
    """go-acme/lego#329, home-assistant/addons#4493: one tool wants the dot, another has none."""
    assert provider("127.1.38.4", tsig_algorithm=algorithm).zone_for(RECORD.name).apex == "example.com"


@pytest.mark.parametrize("text", KEY_FILES.values(), ids=KEY_FILES)
def test_a_key_file_may_be_written_in_any_way_that_bind_reads(bind: Bind, key_file: Path, text: str) -> None:
    key_file.write_text(text)
    assert from_file(key_file).zone_for(RECORD.name).apex == "example.com"


@pytest.mark.parametrize(
    "text",
    [
        "hook:" + SECRET,
        'key "hook" { algorithm hmac-sha256; };',
        f'key "hook" {{ secret "{SECRET}"; }};',
        f'key "hook" {{ algorithm hmac-sha256; secret "{SECRET}" }};',
        f'key "a" {{ algorithm hmac-sha256; secret "{SECRET}"; }}; key "b" {{ secret "{SECRET}"; }};',
        'zone "example.com" { type primary; };',
    ],
)
def test_a_file_without_exactly_one_whole_key_is_refused_by_name(key_file: Path, text: str) -> None:
    key_file.write_text(text)
    with pytest.raises(ConfigError, match=str(key_file)) as refusal:
        from_file(key_file)
    assert SECRET not in f"{refusal.value} {refusal.value.hint}"


def test_a_key_file_that_others_can_read_is_refused_with_the_chmod_to_run(key_file: Path) -> None:
    key_file.write_text(KEY_FILES["as tsig-keygen writes it"])
    key_file.chmod(0o644)
    with pytest.raises(ConfigError) as refusal:
        from_file(key_file)
    assert refusal.value.hint == f"chmod 600 {key_file}"


OTHER = TxtRecord("_acme-challenge.www.example.com", validation("b"))


class GrantedBind(Bind):
    granted = MappingProxyType({"example.com": [RECORD.name]})


class GrantedKnot(Knot):
    def prepare(self) -> list[str]:
        command = super().prepare()
        path = self.folder / "knot.conf"
        names = "update-owner: name\n    update-owner-match: equal\n    update-owner-name: [_acme-challenge]"
        granted = f"action: update\n    update-type: [TXT]\n    {names}"
        path.write_text(path.read_text().replace("action: [update, transfer]", granted))
        return command


@pytest.mark.parametrize(
    ("server", "problem", "step"),
    [
        (
            GrantedBind,
            "refuses to update _acme-challenge.www.example.com in example.com with the key hook (REFUSED)",
            "grant hook name _acme-challenge.www.example.com. TXT;",
        ),
        (
            GrantedKnot,
            "knows the key hook, and does not let it update _acme-challenge.www.example.com in example.com",
            "update-owner-name, _acme-challenge.www in it",
        ),
    ],
)
def test_a_name_that_the_key_is_not_granted_is_named_with_what_grants_it(
    server: type[Bind | Knot], problem: str, step: str
) -> None:
    with server("127.1.38.9", {"example.com": ""}, keys=[KEY]) as granted:
        own = provider(granted.address)
        zone = own.zone_for(OTHER.name)
        own.publish(zone, [RECORD])
        with pytest.raises(AuthRejected) as refusal:
            own.publish(zone, [OTHER])
        assert granted.txt(RECORD.name) == {RECORD.value}
    assert problem in str(refusal.value)
    assert step in refusal.value.hint


def test_a_key_that_the_server_does_not_know_at_all_is_still_that() -> None:
    with (
        GrantedKnot("127.1.38.9", {"example.com": ""}, keys=[KEY]) as knot,
        pytest.raises(AuthRejected, match="does not know the key other"),
    ):
        provider(knot.address, tsig_key="other").publish(Zone("example.com"), [RECORD])


def test_where_none_of_several_names_is_granted_the_zone_is_named() -> None:
    third = TxtRecord("_acme-challenge.mail.example.com", validation("c"))
    with (
        GrantedBind("127.1.38.9", {"example.com": ""}, keys=[KEY]) as bind,
        pytest.raises(AuthRejected, match=r"refuses to update example\.com with the key hook") as refusal,
    ):
        provider(bind.address).publish(Zone("example.com"), [OTHER, third])
    assert "for each name" in refusal.value.hint


@pytest.mark.parametrize("between", ["\n", "\n# the other\n", " "])
def test_a_file_of_several_keys_is_told_with_their_names(tmp_path: Path, between: str) -> None:
    keys = [f'key "{name}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};' for name in ("hook", "rndc-key")]
    path = tmp_path / "named.keys"
    path.touch(0o600)
    path.write_text(between.join(keys))

    with pytest.raises(ConfigError, match=r"has 2 keys: 'hook', 'rndc-key'") as refusal:
        read_key({"tsig_file": str(path)})
    assert SECRET not in str(refusal.value) + refusal.value.hint


def test_a_server_of_the_zone_above_is_told_once() -> None:
    above = "www NS ns.www\nns.www A 127.1.38.9"
    with (
        Bind("127.1.38.9", {"example.com": above}, keys=[KEY]) as bind,
        pytest.raises(ZoneNotFound, match=r"but delegates www\.example\.com$"),
    ):
        provider(bind.address).zone_for("www.example.com")
