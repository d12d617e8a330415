"""``dns01 issue`` against a real CA and a real name server."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from calls import KEY, PRIMARY, SECONDARY
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from issuing import Office
from testbed import Bind, NameServer, Zone
from testbed.acme_front import Asked, Refusal

from dns01.hooks.deploy.certificate import renewal_id
from dns01.hooks.issue.acme.keys import new_csr, new_key
from dns01.hooks.issue.planning.renewal_windows import RenewalWindow, read_windows


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with Office(tmp_path) as office:
        yield office


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Office]:
    """Its key may update two names of example.org, and no others there."""
    office = Office(tmp_path)
    office.bind.granted = {"example.org": ("_acme-challenge.example.org", "_acme-challenge.www.example.org")}
    with office:
        yield office


def test_several_certificates_are_issued_in_one_wave_and_nothing_is_left(office: Office) -> None:
    office.want("example.org", "example.org", "*.example.org")
    office.want("www", "www.example.org", "www.example.net")
    office.want("mail.example.net")

    said = office.issue()

    assert said.code == 0
    assert said.stdout.endswith("3 certificates: 3 issued\n")
    assert office.names_of("example.org") == {"example.org", "*.example.org"}
    assert office.names_of("www") == {"www.example.org", "www.example.net"}
    assert office.names_of("mail.example.net") == {"mail.example.net"}
    assert office.texts("example.org", "www.example.org", "www.example.net", "mail.example.net") == set()
    assert not list(office.state.glob("open/*"))
    (record,) = office.trail()
    assert (record["client"], record["phase"], record["outcome"]) == ("dns01", "issue", "ok")
    assert {row["stage"] for row in record["certificates"]} == {"issued"}
    assert {"plan", "order", "publish", "ready"} <= record["steps"].keys()


def test_many_names_of_one_zone_are_published_in_one_batch_and_said_in_one_line(office: Office) -> None:
    for number in range(12):
        office.want(f"c{number}.example.org")

    said = office.issue()

    assert said.code == 0
    assert " + publishing 12 values at 12 names in example.org through bind (rfc2136)\n" in said.stderr
    assert " + took back 12 values at 12 names\n" in said.stderr
    assert " + 12 ordered, 12 published, 12 ready, 12 valid, 12 issued of 12\n" in said.stderr


def test_what_is_not_due_is_not_ordered_again(office: Office) -> None:
    office.want("www.example.org")
    office.issue()
    serial = office.leaf("www.example.org").serial_number

    said = office.issue()

    assert (said.code, office.leaf("www.example.org").serial_number) == (0, serial)
    assert "1 certificate: 1 not due" in said.stdout
    assert len(office.trail()) == 1


def test_key_and_certificate_belong_together_and_nobody_else_can_read_them(office: Office) -> None:
    office.want("www.example.org")
    office.issue()
    folder = office.certificate("www.example.org")

    key = load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert key.public_key() == office.leaf("www.example.org").public_key()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("privkey", "cert", "chain", "fullchain"):
        assert (folder / f"{name}.pem").is_symlink()
        assert stat.S_IMODE((folder / f"{name}.pem").stat().st_mode) == 0o600
    assert (
        os.path.realpath(folder / "privkey.pem").rpartition("/")[0]
        == os.path.realpath(folder / "cert.pem").rpartition("/")[0]
    )


def test_a_dry_run_says_what_is_due_and_why_and_asks_the_ca_for_nothing(office: Office) -> None:
    office.want("www.example.org")

    said = office.issue("--dry-run")

    assert said.code == 0
    assert "www.example.org: to be ordered: there is none yet" in said.stdout
    assert not list(office.state.glob("accounts/*"))
    assert not list(office.state.glob("certificates/*"))


# Killed anywhere, run again


def _is_certificate(asked: Asked) -> bool:
    return "/certZ/" in asked.path


MOMENTS = {
    "newAccount": lambda asked: isinstance(asked.payload, dict) and "termsOfServiceAgreed" in asked.payload,
    "newOrder": lambda asked: asked.is_new_order,
    "authorization": lambda asked: "/authZ/" in asked.path,
    "challenge": lambda asked: asked.is_answer,
    "finalize": lambda asked: asked.is_finalize,
    "certificate": _is_certificate,
}


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_is_gone_on_with_by_the_next(office: Office, moment: str, side: str) -> None:
    """The CA has the request, or has answered it, and the run is no more."""
    office.want("one", "one.example.org", "*.one.example.org")
    office.want("two", "two.example.org")
    killed: list[int] = []

    def kill(asked: Asked) -> None:
        if MOMENTS[moment](asked) and not killed:
            killed.append(process.pid)
            process.kill()
            process.wait()

    setattr(office.front, side, kill)
    process = office.start()
    assert office.end(process).code == -signal.SIGKILL

    said = office.issue()

    assert said.code == 0
    assert office.names_of("one") == {"one.example.org", "*.one.example.org"}
    assert office.names_of("two") == {"two.example.org"}
    assert office.texts("one.example.org", "two.example.org") == set()
    assert not list(office.state.glob("open/*"))
    issued = {asked.path for asked in office.front.asked if asked.is_finalize}
    assert len(issued) == 2, "an order was finalised that came to nothing"
    assert len(list(office.state.glob("accounts/*"))) == 1


def test_a_run_that_is_asked_to_end_takes_its_records_back(office: Office) -> None:
    office.want("www.example.org")
    process: subprocess.Popen[str]

    def stop(asked: Asked) -> None:
        if asked.is_answer:
            assert office.texts("www.example.org")
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    office.front.before = stop
    process = office.start()
    said = office.end(process)

    assert said.code == 128 + signal.SIGTERM
    assert office.texts("www.example.org") == set()
    assert not list(office.state.glob("open/*"))


def test_two_runs_at_once_do_not_get_into_each_other_s_way(office: Office) -> None:
    office.want("www.example.org")
    second: list[int] = []

    def again(asked: Asked) -> None:
        if asked.is_finalize and not second:
            second.append(office.issue().code)

    office.front.before = again

    assert office.issue().code == 0
    assert second == [4]
    assert len(office.front.orders) == 1


def test_a_zone_that_two_accounts_serve_has_every_value_at_both(office: Office) -> None:
    office.want("both", "www.example.org", "*.www.example.org")
    office.want("one", "mail.example.org")
    seen: list[set[str]] = []
    with Bind(SECONDARY, {"example.org": ""}, [KEY]) as second:
        office.more = _account("second", SECONDARY, "") + (
            '[zone."www.example.org"]\naccount = ["bind", "second"]\n'
            f'nameservers = ["{PRIMARY}", "{SECONDARY}"]\n'
        )
        office.front.before = lambda asked: (
            seen.append(second.txt("_acme-challenge.www.example.org")) if asked.is_answer else None
        )

        said = office.issue()

        assert said.code == 0
        assert office.names_of("both") == {"www.example.org", "*.www.example.org"}
        assert office.names_of("one") == {"mail.example.org"}
        assert max(map(len, seen)) == 2
        assert second.txt("_acme-challenge.www.example.org") == set()
        assert second.txt("_acme-challenge.mail.example.org") == set()
    assert office.texts("www.example.org", "mail.example.org") == set()
    assert not list(office.state.glob("open/*"))


# One fails, the others do not


def test_a_name_that_the_ca_cannot_validate_costs_the_others_nothing(office: Office) -> None:
    """Its zone is written to a server that the CA does not ask."""
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="elsewhere", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]):
        office.more = _account("elsewhere", SECONDARY, "example.com")

        said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: failed: the CA refuses: bad.example.com: " in said.stdout
    kept = office.order("bad")
    assert (kept["failures"], kept["order"], kept["key"]) == (1, "", "")
    assert kept["next_try"] > time.time() + 600

    said = office.issue()

    assert said.code == 10
    assert "bad: left alone until " in said.stdout
    assert len(office.front.orders) == 2


def test_a_provider_that_refuses_to_publish_costs_the_others_nothing(office: Office, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n[ $1 = cleanup ]\n")
    program.chmod(0o700)
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="broken", zone="example.com")
    office.more = (
        f'[account.broken]\nprovider = "exec"\npath = "{program}"\n'
        f'[zone."example.com"]\nnameservers = ["{PRIMARY}"]\n'
    )

    said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: failed: " in said.stdout
    assert not list(office.state.glob("open/*"))


def test_a_record_that_the_server_refuses_costs_the_others_of_its_batch_nothing(limited: Office) -> None:
    for name in ("example.org", "www.example.org", "mail.example.org", "ftp.example.org"):
        limited.want(name, name, f"*.{name}")
    limited.want("both", "example.org", "mail.example.org")

    said = limited.issue()

    assert said.code == 10
    assert limited.names_of("example.org") == {"example.org", "*.example.org"}
    assert limited.names_of("www.example.org") == {"www.example.org", "*.www.example.org"}
    assert "mail.example.org: failed: _acme-challenge.mail.example.org: " in said.stdout
    assert "ftp.example.org: failed: _acme-challenge.ftp.example.org: " in said.stdout
    assert "both: failed: _acme-challenge.mail.example.org: " in said.stdout
    assert limited.texts("example.org", "www.example.org", "mail.example.org", "ftp.example.org") == set()
    assert not list(limited.state.glob("open/*"))


def test_where_every_record_is_refused_each_certificate_says_so_of_its_own(limited: Office) -> None:
    limited.want("ftp.example.org")
    limited.want("mail.example.org")

    said = limited.issue()

    assert said.code == 10
    assert "ftp.example.org: failed: _acme-challenge.ftp.example.org: " in said.stdout
    assert "mail.example.org: failed: _acme-challenge.mail.example.org: " in said.stdout


def test_force_tries_at_once_what_has_been_mended(office: Office) -> None:
    office.want("www.example.org")
    office.front.refuse = lambda asked: Refusal(500, "serverInternal", "down") if asked.is_new_order else None
    assert office.issue().code == 10
    office.front.refuse = lambda asked: None

    assert office.issue().code == 10
    assert office.issue("www.example.org", "--force").code == 0


def test_force_does_not_override_what_the_ca_has_said(office: Office) -> None:
    office.want("www.example.org")
    office.front.refuse = lambda asked: (
        Refusal(429, "rateLimited", "too many new orders", retry_after="7200") if asked.is_new_order else None
    )
    office.issue()
    asked = len(office.front.new_orders())

    said = office.issue("www.example.org", "--force")

    assert said.code == 10
    assert ": the CA takes no more: " in said.stdout
    assert len(office.front.new_orders()) == asked


@pytest.mark.parametrize("make", [os.mkfifo, Path.touch, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_folder_where_a_certificate_is_to_be_is_seen_before_anything_is_ordered(
    office: Office, make: Callable[[Path], None]
) -> None:
    office.want("www.example.org")
    office.want("mail.example.org")
    office.certificate("www.example.org").parent.mkdir(parents=True, mode=0o700)
    make(office.certificate("www.example.org"))

    said = office.issue()

    assert said.code == 10
    assert f"www.example.org: set aside: {office.certificate('www.example.org')} is no folder" in said.stdout
    assert "(move it away: mv " in said.stdout
    assert office.names_of("mail.example.org") == {"mail.example.org"}
    assert len(office.front.orders) == 1


def test_a_name_that_is_never_ready_costs_the_others_nothing(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("late", "late.example.com", account="lagging", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]), NameServer("127.1.0.3", zones=[Zone("example.com")]):
        office.more = _account("lagging", SECONDARY, "example.com", asks="127.1.0.3") + "timeout = 3\n"

        said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "late: failed: after " in said.stdout
    assert "not every name server has _acme-challenge.late.example.com" in said.stdout
    assert office.order("late")["order"], "the order is still good"
    assert not list(office.state.glob("open/*"))


def test_a_certificate_whose_zone_nobody_has_is_set_aside_before_anything_is_ordered(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com")

    said = office.issue()

    assert said.code == 10
    assert office.names_of("good") == {"good.example.org"}
    assert "bad: set aside: " in said.stdout
    assert len(office.front.orders) == 1


def test_when_the_ca_allows_no_more_orders_those_in_flight_go_on_and_the_rest_waits(office: Office) -> None:
    for number in range(4):
        office.want(f"c{number}", f"c{number}.example.org")
    office.front.refuse = lambda asked: (
        Refusal(429, "rateLimited", "too many new orders", retry_after="7200")
        if asked.is_new_order and len(office.front.new_orders()) > 2
        else None
    )

    said = office.issue()

    assert said.code == 10
    issued = [each["name"] for each in office.trail()[-1]["certificates"] if each["stage"] == "issued"]
    assert len(issued) == 2
    assert said.stdout.count(": deferred: ") == 2

    asked = len(office.front.new_orders())
    office.front.refuse = lambda asked: None
    said = office.issue()

    assert said.stdout.count(": left alone until ") == 2
    assert len(office.front.new_orders()) == asked


def test_a_ca_that_limits_all_requests_is_obeyed_and_the_order_goes_on(office: Office) -> None:
    """As ZeroSSL does, with a few names in one certificate."""
    office.want("many", *(f"n{number}.example.org" for number in range(4)))
    refused: list[str] = []

    def refuse(asked: Asked) -> Refusal | None:
        """Every kind of request about an order that is open, once."""
        kind = asked.path.split("/")[1]
        if asked.method != "POST" or kind in refused or asked.is_new_order or "me-up" in kind:
            return None
        refused.append(kind)
        return Refusal(429, "rateLimited", retry_after="1")

    office.front.refuse = refuse

    assert office.issue().code == 0
    assert set(refused) == {"authZ", "chalZ", "my-order", "finalize-order", "certZ"}
    assert len(office.front.orders) == 1


def test_an_answer_that_is_lost_on_the_way_is_no_failure(office: Office) -> None:
    """The CA is at the challenge by then, and refuses to hear of it once more."""
    office.want("www.example.org")
    lost: list[str] = []

    def lose(asked: Asked) -> None:
        if asked.is_answer and not lost:
            lost.append(asked.path)
            raise ConnectionAbortedError("lost by the test")

    office.front.after = lose

    assert office.issue().code == 0
    assert lost
    assert len(office.front.orders) == 1


def test_nonces_that_the_ca_refuses_are_no_failure(tmp_path: Path) -> None:
    with Office(tmp_path, environment={"PEBBLE_WFE_NONCEREJECT": "25"}) as office:
        office.want("www.example.org")
        office.want("www.example.net")

        assert office.issue().code == 0


def test_an_authorization_that_the_ca_holds_already_needs_no_record(tmp_path: Path) -> None:
    with Office(tmp_path, environment={"PEBBLE_AUTHZREUSE": "100"}) as office:
        office.want("www.example.org")
        office.issue()
        published = len(office.trail()[-1]["published"])

        said = office.issue("www.example.org", "--force")

        assert (said.code, published) == (0, 1)
        assert office.trail()[-1]["published"] == []
        assert not [asked for asked in office.front.asked[-8:] if asked.is_answer]


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


# Targets


def test_what_is_issued_is_brought_to_its_targets_and_a_shared_service_is_reloaded_once(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "tls").mkdir()
    for number in range(3):
        office.want(f"c{number}.example.org")
        (tmp_path / "tls" / f"c{number}.example.org").mkdir()
    office.more = (
        f'[deploy."*".web]\nto = "files"\ndirectory = "{tmp_path}/tls/{{name}}"\n'
        f'reload = ["sh", "-c", "echo reloaded >> {tmp_path}/log"]\n'
    )

    said = office.issue()

    assert said.code == 0
    for number in range(3):
        name = f"c{number}.example.org"
        deployed = (tmp_path / "tls" / name / "cert.pem").read_bytes()
        assert deployed == (office.certificate(name) / "cert.pem").read_bytes()
    assert (tmp_path / "log").read_text() == "reloaded\n"
    assert {row["target"] for row in office.trail()[-1]["deployed"]} == {"web"}


def test_what_was_issued_and_not_delivered_is_delivered_by_the_next_run(
    office: Office, tmp_path: Path
) -> None:
    office.want("www.example.org")
    office.issue()
    (tmp_path / "tls" / "www.example.org").mkdir(parents=True)
    office.more = f'[deploy."*".web]\nto = "files"\ndirectory = "{tmp_path}/tls/{{name}}"\n'
    office.age("www.example.org", undelivered=True)  # as a kill after the download leaves it

    said = office.issue()

    assert said.code == 0
    assert (tmp_path / "tls" / "www.example.org" / "cert.pem").exists()


def _account(name: str, address: str, apex: str, secret: str = KEY.secret, asks: str = "") -> str:
    zone = f'[zone."{apex}"]\nnameservers = ["{asks or address}"]\naccount = "{name}"\n' if apex else ""
    return (
        f'[account.{name}]\nprovider = "rfc2136"\nnameserver = "{address}"\n'
        f'tsig_key = "{KEY.name}"\ntsig_secret = "{secret}"\nsettle = 0\n{zone}'
    )


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


# What is seen of it afterwards


def test_the_audit_trail_shows_a_wave_as_one_run(office: Office) -> None:
    office.want("good", "good.example.org")
    office.want("bad", "bad.example.com", account="elsewhere", zone="example.com")
    with Bind(SECONDARY, {"example.com": ""}, [KEY]):
        office.more = _account("elsewhere", SECONDARY, "example.com")
        office.issue()

    shown = office.run("audit", "--name", "good.example.org").stdout

    assert shown.count("dns01 issue") == 1
    assert "    good: issued\n" in shown
    assert "    bad: failed: the CA refuses: bad.example.com: " in shown
    assert "published _acme-challenge.good.example.org in example.org, account bind (rfc2136)\n" in shown


def test_status_finds_the_certificates_without_being_told_where(office: Office) -> None:
    office.want("www.example.org")
    office.issue()

    said = office.run("status", "--json")

    (certificate,) = json.loads(said.stdout)["certificates"]
    assert certificate["path"] == str(office.certificate("www.example.org") / "cert.pem")
    assert (certificate["name"], certificate["state"]) == ("www.example.org", "ok")


def test_the_configuration_is_checked_before_anything_is_ordered(office: Office) -> None:
    office.want("www.example.org")
    assert f"certificates ordered from {office.directory}: 1\n" in office.run("config", "check").stdout

    office.want("bad", "x y.example.org")
    said = office.run("config", "check")

    assert said.code == 3
    assert '[certificate."bad"]: names: ' in said.stderr


def test_a_customer_s_account_is_bound_to_the_ca_s_own(tmp_path: Path) -> None:
    """RFC 8555 §7.3.4."""
    key = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")
    with Office(tmp_path, external_accounts={"kid-1": key}) as office:
        office.want("www.example.org")

        refused = office.issue()
        office.ca_more = f'eab_kid = "kid-1"\neab_hmac_key = "{key}"'
        taken = office.issue()

    assert (refused.code, taken.code) == (10, 0)
    assert "makes an account for none but its customers" in refused.stderr
    assert key not in f"{refused}{taken}"
