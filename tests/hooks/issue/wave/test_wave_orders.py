"""``dns01 issue``: when a certificate is ordered, and what the CA is told."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from issuing import Office
from testbed.acme_front import Refusal

from dns01.hooks.deploy.certificate.leaf import renewal_id
from dns01.hooks.issue.acme.csr import new_csr, new_key
from dns01.hooks.issue.planning.renewal_windows import RenewalWindow, read_windows

# When


def test_a_window_that_has_begun_is_renewed_in_and_the_order_names_what_it_replaces(office: Office) -> None:
    office.want("www.example.org")
    office.issue()
    old = office.leaf("www.example.org")
    office.front.windows["*"] = _window(-2, -1)

    said = office.issue()

    assert said.code == 0
    assert office.leaf("www.example.org").serial_number != old.serial_number
    assert office.front.orders[-1]["replaces"] == renewal_id(old)


def test_an_instant_in_the_window_is_chosen_once_and_the_ca_is_left_alone_until_it_says(
    office: Office,
) -> None:
    office.front.windows["*"] = _window(10, 20)
    office.want("www.example.org")
    office.issue()
    office.issue()
    window = _window_of(office)
    looks = [asked for asked in office.front.asked if asked.path.startswith("/renewal/")]

    office.issue()

    assert _window_of(office) == window
    assert window.start <= window.chosen <= window.end
    assert [asked for asked in office.front.asked if asked.path.startswith("/renewal/")] == looks
    assert len(office.front.orders) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(409, "alreadyReplaced"),
        Refusal(409, "conflict", "which already has a replacement order"),
        Refusal(400, "malformed", "cannot find any certificate to replace"),
        Refusal(403, "unauthorized", "requester account did not request the certificate being replaced"),
    ],
    ids=lambda refusal: refusal.code,
)
def test_a_certificate_that_cannot_be_replaced_any_more_is_ordered_without_saying_so(
    office: Office, refusal: Refusal
) -> None:
    """By whatever name the CA refuses it: all of these are reported of CAs."""
    office.want("www.example.org")
    office.issue()
    office.front.windows["*"] = _window(-2, -1)
    office.front.refuse = lambda asked: (
        refusal if asked.is_new_order and "replaces" in asked.payload else None
    )

    assert office.issue().code == 0

    assert len(office.front.orders) == 2
    assert "replaces" not in office.front.orders[-1]


# What is told to the CA


def test_profile_and_key_type_are_as_told(office: Office) -> None:
    office.ca_more = 'profile = "classic"\nkey = "rsa2048"\ncontact = ["ops@example.org"]'
    office.want("a", "a.example.org")
    office.want("b", "b.example.org", profile="shortlived", key="ec384")

    assert office.issue().code == 0

    profiles = {order["identifiers"][0]["value"]: order["profile"] for order in office.front.orders}
    assert profiles == {"a.example.org": "classic", "b.example.org": "shortlived"}
    assert office.leaf("a").public_key().key_size == 2048  # type: ignore[union-attr]
    assert office.leaf("b").public_key().key_size == 384  # type: ignore[union-attr]


def test_a_key_is_new_at_each_renewal_or_stays_as_told(office: Office) -> None:
    office.want("new", "new.example.org")
    office.want("same", "same.example.org", reuse_key="true")
    office.issue()
    keys = {name: office.leaf(name).public_key() for name in ("new", "same")}

    office.issue("--force", "new", "same")

    assert office.leaf("new").public_key() != keys["new"]
    assert office.leaf("same").public_key() == keys["same"]


def test_a_csr_of_one_s_own_stands_in_for_a_key(office: Office, tmp_path: Path) -> None:
    key = new_key("ec256")
    csr = x509.load_der_x509_csr(new_csr(key, ["www.example.org"]))
    (tmp_path / "own.csr").write_bytes(csr.public_bytes(Encoding.PEM))
    office.want("www.example.org", csr=str(tmp_path / "own.csr"))

    assert office.issue().code == 0

    assert office.leaf("www.example.org").public_key() == csr.public_key()
    assert not (office.certificate("www.example.org") / "privkey.pem").exists()


def request(path: Path, *sans: x509.GeneralName, common_name: str = "") -> str:
    """A request of one's own in PEM."""
    subject = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject))
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    signed = builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256())
    path.write_bytes(signed.public_bytes(Encoding.PEM))
    return str(path)


def test_a_csr_that_the_ca_would_refuse_is_seen_before_anything_is_ordered(
    office: Office, tmp_path: Path
) -> None:
    names = ("www.example.org", "mail.example.org")
    www, mail = map(x509.DNSName, names)
    (tmp_path / "text").write_text("no CSR")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    requests = {
        "less": request(tmp_path / "1", www),
        "more": request(tmp_path / "2", www, mail, x509.DNSName("example.net")),
        "none": request(tmp_path / "3", common_name=names[0]),
        "address": request(tmp_path / "4", www, mail, x509.IPAddress(ip_address("192.0.2.1"))),
        "mailbox": request(tmp_path / "5", www, mail, x509.RFC822Name("a@example.org")),
        "common": request(tmp_path / "6", www, mail, common_name="Example Ltd"),
        **{name: str(tmp_path / name) for name in ("text", "folder", "fifo", "missing")},
    }
    for name, path in requests.items():
        office.want(name, *names, csr=path)
    office.want("good", *names, csr=request(tmp_path / "7", mail, www, common_name="WWW.example.org"))

    said = office.issue()

    assert said.code == 10
    assert {name for name in requests if f"{name}: set aside: {requests[name]} " in said.stdout} == set(
        requests
    )
    assert office.names_of("good") == set(names)
    assert len(office.front.orders) == 1


def test_two_certificates_for_the_same_names_get_an_order_each(office: Office) -> None:
    """One with each kind of key; while an order is open, the CA gives the same one to both."""
    office.want("ec", "www.example.org", key="ec256")
    office.want("rsa", "www.example.org", key="rsa2048")
    office.front.reuses_orders = True

    first = office.issue()
    issued = [name for name in ("ec", "rsa") if office.certificate(name).exists()]
    office.front.reuses_orders = False
    second = office.issue()

    assert (first.code, len(issued), second.code) == (10, 1, 0)
    assert f"the CA has one order at a time for the same names, and it is that of {issued[0]}" in first.stdout
    for name in ("ec", "rsa"):
        key = (office.certificate(name) / "privkey.pem").read_bytes()
        assert load_pem_private_key(key, None).public_key() == office.leaf(name).public_key()


def test_an_account_of_another_client_is_taken_over(office: Office, tmp_path: Path) -> None:
    """dehydrated's is in PEM; the CA knows it by its key."""
    office.want("www.example.org")
    (tmp_path / "account_key.pem").touch(0o600)
    (tmp_path / "account_key.pem").write_text(new_key("rsa2048"))
    office.ca_more = f'account_key = "{tmp_path}/account_key.pem"'
    office.issue()
    (first,) = office.state.glob("accounts/*")
    url = json.loads(first.read_text())["url"]
    first.unlink()

    office.issue("--force", "www.example.org")

    assert json.loads(first.read_text())["url"] == url


@pytest.mark.parametrize(
    "content",
    [
        "no key",
        "",
        "-----BEGIN PRIVATE KEY-----\n",
        '{"kty": "oct", "k": "AAAA"}',
        "{}",
        '["kty"]',
        "\0" * 40,
    ],
)
def test_what_is_no_key_of_an_account_is_said_before_anything_is_asked(
    office: Office, tmp_path: Path, content: str
) -> None:
    office.want("www.example.org")
    (tmp_path / "account_key.pem").touch(0o600)
    (tmp_path / "account_key.pem").write_text(content)
    office.ca_more = f'account_key = "{tmp_path}/account_key.pem"'

    said = office.issue()

    assert said.code == 3
    assert "account_key.pem" in said.stderr
    assert "fault" not in said.stderr


def test_an_account_that_the_ca_does_not_know_any_more_is_made_again_by_the_next_run(office: Office) -> None:
    """As when a private CA was set up anew. The key stays."""
    office.want("www.example.org")
    office.issue()
    (file,) = office.state.glob("accounts/*")
    before = json.loads(file.read_text())
    office.front.refuse = lambda asked: (
        Refusal(400, "accountDoesNotExist", "no such account") if asked.is_new_order else None
    )

    said = office.issue("--force", "www.example.org")

    assert said.code == 10
    assert "the next run makes another one" in said.stderr

    office.front.refuse = lambda asked: None
    office.front.asked.clear()

    assert office.issue("--force", "www.example.org").code == 0
    assert [each for each in office.front.asked if "termsOfServiceAgreed" in (each.payload or ())]
    assert json.loads(file.read_text())["key"] == before["key"]


def test_the_chain_that_is_preferred_is_taken(tmp_path: Path) -> None:
    with Office(tmp_path, environment={"PEBBLE_ALTERNATE_ROOTS": "1"}) as office:
        office.want("www.example.org")
        office.issue()
        first = _topmost_issuer(office)
        other = x509.load_pem_x509_certificate(office.ca.roots(1).encode()).subject
        common_name = str(other.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
        assert common_name not in first
        office.ca_more = f'preferred_chain = "{common_name}"'

        office.issue("--force", "www.example.org")

        assert common_name in _topmost_issuer(office)


def _window(begins: float, ends: float) -> dict[str, object]:
    """Days from now."""
    now = datetime.now(UTC)
    times = {"start": now + timedelta(days=begins), "end": now + timedelta(days=ends)}
    return {"suggestedWindow": {key: time.isoformat() for key, time in times.items()}}


def _window_of(office: Office) -> RenewalWindow:
    (window,) = read_windows(str(office.state)).values()
    return window


def _topmost_issuer(office: Office) -> str:
    chain = x509.load_pem_x509_certificates(
        (office.certificate("www.example.org") / "fullchain.pem").read_bytes()
    )
    return chain[-1].issuer.rfc4514_string()
