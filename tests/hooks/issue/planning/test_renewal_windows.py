"""ACME Renewal Information (RFC 9773): whom it is asked about, what is believed, and how often."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from testbed.serving import Served, SilentHandler, speak_tls

from dns01.hooks.deploy.certificate.leaf import Leaf, renewal_id
from dns01.hooks.issue.planning.renewal_windows import RenewalWindow, read_windows, refresh_windows
from dns01.hooks.issue.section import CaSection

NOW = 1_800_000_000.0
ID = "aYhba4dGQEHhsw.AIdlQyE"
START, END = "2027-02-01T00:00:00Z", "2027-02-03T00:00:00Z"


class Ca(Served):
    """Answers with ``directory`` or ``window`` (their JSON, or octets), ``status`` and ``retry_after``."""

    def __init__(self, folder: Path) -> None:
        self.window: Any = {"suggestedWindow": {"start": START, "end": END}}
        self.status = 200
        self.retry_after = ""
        self.asked: list[str] = []
        ca = trustme.CA()
        self.ca_file = str(folder / "ca.pem")
        ca.cert_pem.write_to_path(self.ca_file)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        speak_tls(self._server, ca, "127.0.0.1")
        self.url = f"https://127.0.0.1:{self.port}"
        self.directory: Any = {"renewalInfo": f"{self.url}/renewal/"}

    def _handler(here) -> type[SilentHandler]:  # self is the handler's
        class Handler(SilentHandler):
            def do_GET(self) -> None:
                here.asked.append(self.path)
                answer = here.directory if self.path == "/dir" else here.window
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(200 if self.path == "/dir" else here.status)
                if here.retry_after:
                    self.send_header("Retry-After", here.retry_after)
                self.end_headers()
                self.wfile.write(body)

        return Handler


@pytest.fixture
def ca(tmp_path: Path) -> Iterator[Ca]:
    with Ca(tmp_path) as ca:
        yield ca


def certificate(
    serial: int = 0x87654321, key_id: bytes | None = bytes.fromhex("69885b6b87464041e1b3")
) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, begun, begun + timedelta(days=90))
    if key_id:
        extension = x509.AuthorityKeyIdentifier(key_id, None, None)
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, SHA256())


def leaf(renewal_id: str = ID, issuer: str = "CN=CA") -> Leaf:
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    return Leaf(("a.example",), issuer, begun, begun + timedelta(days=90), "EC P-256", "00", renewal_id)


def middle(start: float, end: float) -> float:
    return (start + end) / 2


def refresh(ca: Ca, state: Path, now: float = NOW, **more: Any) -> RenewalWindow:
    section = CaSection(f"{ca.url}/dir", ca_file=ca.ca_file)
    return refresh_windows([leaf()], section, str(state), now, choose=middle, **more)[ID]


def test_a_serial_number_with_its_first_bit_set_gets_a_zero_before_it() -> None:
    """The example of RFC 9773 §4.1."""
    assert renewal_id(certificate()) == ID
    assert renewal_id(certificate(0x7F)).endswith(".fw")
    assert renewal_id(certificate(0x80)).endswith(".AIA")
    assert renewal_id(certificate(key_id=None)) == ""


def test_a_certificate_without_an_id_or_of_a_ca_that_nobody_knows_is_not_asked_about(
    ca: Ca, tmp_path: Path
) -> None:
    section = CaSection(f"{ca.url}/dir", ca_file=ca.ca_file)

    assert refresh_windows([leaf("")], section, str(tmp_path), NOW) == {}
    assert refresh_windows([leaf()], None, str(tmp_path), NOW) == {}
    assert ca.asked == []


def test_an_instant_within_the_window_is_chosen(ca: Ca, tmp_path: Path) -> None:
    found = refresh(ca, tmp_path)

    assert ca.asked == ["/dir", f"/renewal/{ID}"]
    assert found.start < found.chosen < found.end
    assert found.chosen == datetime(2027, 2, 2, tzinfo=UTC).timestamp()


def test_the_instant_stays_while_it_lies_within_the_window_and_is_chosen_anew_else(
    ca: Ca, tmp_path: Path
) -> None:
    first = refresh(ca, tmp_path)
    ca.window = {"suggestedWindow": {"start": START, "end": "2027-02-20T00:00:00Z"}}
    same = refresh(ca, tmp_path, first.ask_again)
    ca.window = {"suggestedWindow": {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T00:00:00Z"}}
    moved = refresh(ca, tmp_path, same.ask_again)

    assert same.chosen == first.chosen
    assert moved.chosen < NOW


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("21600", 21600), ("", 21600), ("0", 60), ("999999", 86400), ("nonsense", 21600)],
)
def test_the_ca_is_left_alone_until_it_says_within_reason(
    ca: Ca, tmp_path: Path, retry_after: str, seconds: float
) -> None:
    ca.retry_after = retry_after
    first = refresh(ca, tmp_path)
    asked = list(ca.asked)

    assert first.ask_again == NOW + seconds
    assert refresh(ca, tmp_path, NOW + seconds - 1) == first
    assert ca.asked == asked


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[" * 100_000,
        [],
        {},
        {"suggestedWindow": None},
        {"suggestedWindow": {"start": START}},
        {"suggestedWindow": {"start": START, "end": START}},
        {"suggestedWindow": {"start": END, "end": START}},
        {"suggestedWindow": {"start": 1, "end": 2}},
        {"suggestedWindow": {"start": "2027-02-01T00:00:00", "end": "2027-02-02T00:00:00"}},
        {"suggestedWindow": {"start": START, "end": END}, "padding": "x" * 100_000},
    ],
)
def test_what_makes_no_sense_is_asked_again_in_an_hour_and_what_is_known_holds(
    ca: Ca, tmp_path: Path, body: Any
) -> None:
    known = refresh(ca, tmp_path)
    ca.window = body

    later = refresh(ca, tmp_path, known.ask_again)

    assert later == known._replace(ask_again=known.ask_again + 3600)


@pytest.mark.parametrize("status", [404, 429, 500])
def test_so_is_a_refusal(ca: Ca, tmp_path: Path, status: int) -> None:
    ca.status = status

    assert refresh(ca, tmp_path) == RenewalWindow(ID, f"{ca.url}/dir", ask_again=NOW + 3600)


def test_a_directory_that_cannot_be_read_is_a_warning(ca: Ca, tmp_path: Path) -> None:
    warnings: list[str] = []
    ca.directory = b"<html>"

    found = refresh(ca, tmp_path, warn=warnings.append)

    assert found.ask_again == NOW + 3600
    assert warnings[0].startswith("no renewal window can be asked for: 127.0.0.1 answers ")


def test_a_ca_without_renewal_information_is_asked_for_its_directory_once_a_day(
    ca: Ca, tmp_path: Path
) -> None:
    ca.directory = {"newOrder": f"{ca.url}/order"}

    assert refresh(ca, tmp_path).ask_again == NOW + 86400
    assert ca.asked == ["/dir"]


def test_an_explanation_that_would_harm_a_terminal_is_left_out(ca: Ca, tmp_path: Path) -> None:
    ca.window = {"suggestedWindow": {"start": START, "end": END}, "explanationURL": "https://x/\x1b[2J"}

    assert refresh(ca, tmp_path).explanation == ""


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 2}', '{"version": 1, "windows": [[1]]}', "[" * 9999]
)
def test_what_is_kept_and_cannot_be_read_is_asked_for_anew(ca: Ca, tmp_path: Path, content: str) -> None:
    (tmp_path / "renewal-windows.json").write_text(content)

    assert read_windows(str(tmp_path)) == {}
    assert refresh(ca, tmp_path).chosen


def test_what_nobody_has_asked_about_for_a_month_is_forgotten(ca: Ca, tmp_path: Path) -> None:
    refresh(ca, tmp_path)
    section = CaSection(f"{ca.url}/dir", ca_file=ca.ca_file)

    refresh_windows([leaf("other.id")], section, str(tmp_path), NOW + 40 * 86400)

    assert list(read_windows(str(tmp_path))) == ["other.id"]
