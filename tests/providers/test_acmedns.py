"""acme-dns: two values to an account, no deletion, a clock of whole seconds, and what may go wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyacmedns
import pytest
from contract import validation
from contract_http import HttpCase
from fakes import FOREVER, Fault, Hang, Reset, Status
from fakes.acmedns import Account, AcmeDns

from dns01.errors import AuthRejected, ConfigError, ProviderError, Unreachable
from dns01.providers import acmedns
from dns01.providers.base import TxtRecord, Zone
from dns01.secret import redact

A, B, C = validation("a"), validation("b"), validation("c")
AUTH = Zone("auth.example.net")


class AcmeDnsCase(HttpCase):
    """An account for example.com, and a clock that the pauses move on."""

    fake: AcmeDns

    def __init__(self, fake: AcmeDns, folder: Path) -> None:
        self.file = folder / "accounts.json"
        super().__init__("acmedns", fake, {"storage": str(self.file)})
        self.clock = 1_000_000.0
        self.meanwhile: list[Fault] = []
        fake.now = lambda: self.clock
        self.account = self.stored("example.com")

    def provider(self) -> acmedns.Provider:
        provider = acmedns.Provider(self.options)
        provider.timeout, provider.sleep = self.fake.patience, self.wait
        provider.monotonic = lambda: self.clock
        return provider

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.fake.fail(*self.meanwhile)
        self.meanwhile.clear()
        self.clock += seconds

    def stored(self, domain: str, *allowfrom: str) -> Account:
        """A new account, in the file."""
        account = self.fake.make(*allowfrom)
        entries = json.loads(self.file.read_text()) if self.file.exists() else {}
        entries[domain] = entry(account)
        self.file.touch(0o600)
        self.file.write_text(json.dumps(entries))
        return account

    def publish(self, *values: str, at: Account | None = None) -> None:
        account = at or self.account
        self.provider().publish(AUTH, [TxtRecord(name(account), value, 1) for value in values])


def entry(account: Account) -> dict[str, str]:
    return {
        "fulldomain": name(account),
        "subdomain": account.subdomain,
        "username": account.username,
        "password": account.password,
    }


def name(account: Account) -> str:
    return f"{account.subdomain}.auth.example.net"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[AcmeDnsCase]:
    with AcmeDns() as fake:
        yield AcmeDnsCase(fake, tmp_path)


class TestValues:
    def test_a_value_is_there_and_stays_when_it_is_retracted(self, case: AcmeDnsCase) -> None:
        case.publish(A)
        case.provider().retract(AUTH, [TxtRecord(name(case.account), A)])
        assert case.account.values == {A}

    @pytest.mark.parametrize("rows", [(0, 0), (999_998, 999_999), (999_999, 999_998), (999_999, 999_999)])
    def test_two_values_are_both_there_whatever_was_there_before(
        self, case: AcmeDnsCase, rows: tuple[int, int]
    ) -> None:
        case.account.rows = [(second, validation(f"old {second}")) for second in rows]
        case.publish(A, B)
        assert case.account.values == {A, B}

    def test_values_of_two_calls_are_both_there(self, case: AcmeDnsCase) -> None:
        case.publish(A)
        case.publish(B)
        assert case.account.values == {A, B}

    def test_the_same_value_twice_is_one(self, case: AcmeDnsCase) -> None:
        case.publish(A, B, A)
        assert case.account.values == {A, B}

    def test_one_pause_does_for_all_accounts(self, case: AcmeDnsCase) -> None:
        accounts = [case.stored(f"{number}.example.com") for number in range(10)]
        records = [TxtRecord(name(account), value) for account in accounts for value in (A, B)]
        case.provider().publish(AUTH, records)
        assert all(account.values == {A, B} for account in accounts)
        assert case.pauses == [pytest.approx(acmedns.SPACING)]

    def test_three_values_for_an_account_are_refused_before_any_is_sent(self, case: AcmeDnsCase) -> None:
        error = case.error_of(lambda: case.publish(A, B, C))
        assert case.account.subdomain in str(error)
        assert case.fake.requests == []

    def test_a_value_that_acme_dns_would_not_take_is_refused_before_any_is_sent(
        self, case: AcmeDnsCase
    ) -> None:
        error = case.error_of(lambda: case.publish(A, "no digest"))
        assert "43" in str(error)
        assert case.fake.requests == []

    def test_its_names_are_in_no_zone_of_the_users(self, case: AcmeDnsCase) -> None:
        assert case.provider().zone_for("auth.example.net") == AUTH


class TestAccounts:
    def test_the_account_is_the_one_that_the_name_leads_to(self, case: AcmeDnsCase) -> None:
        other = case.stored("www.example.com")
        case.publish(A, at=other)
        assert (case.account.values, other.values) == (set(), {A})

    def test_a_challenge_name_without_its_cname_is_refused_with_what_to_do(self, case: AcmeDnsCase) -> None:
        record = TxtRecord("_acme-challenge.example.com", A)
        error = case.error_of(lambda: case.provider().publish(AUTH, [record]))
        assert "_acme-challenge.example.com" in str(error)
        assert "dns01 register" in error.hint
        assert error.definite
        assert case.fake.requests == []

    def test_one_account_may_stand_in_variables_alone(self, case: AcmeDnsCase) -> None:
        case.file.unlink()
        said = {key: value for key, value in entry(case.account).items() if key != "fulldomain"}
        case.options |= said
        case.publish(A)
        assert case.account.values == {A}

    def test_the_whole_name_does_in_the_place_of_its_first_label(self, case: AcmeDnsCase) -> None:
        case.file.unlink()
        case.options |= {**entry(case.account), "subdomain": name(case.account)}
        case.publish(A)
        assert case.account.values == {A}
        assert case.provider().alias_for("_acme-challenge.example.com") == name(case.account)

    def test_a_name_that_does_not_lead_to_the_account_in_variables_is_told_where_to(
        self, case: AcmeDnsCase
    ) -> None:
        case.file.unlink()
        case.options |= entry(case.account)
        record = TxtRecord("_acme-challenge.example.com", A)
        error = case.error_of(lambda: case.provider().publish(AUTH, [record]))
        assert f"ACME_DNS_SUBDOMAIN is {case.account.subdomain}" in str(error)
        assert f"lead to {case.account.subdomain}" in error.hint

    def test_half_an_account_in_variables_is_refused(self, case: AcmeDnsCase) -> None:
        case.options["username"] = case.account.username
        assert "ACME_DNS_PASSWORD" in str(case.error_of(case.provider))

    def test_keys_in_the_letter_case_of_old_programs_do(self, case: AcmeDnsCase) -> None:
        old = {"FullDomain": name(case.account), "SubDomain": case.account.subdomain}
        old |= {"Username": case.account.username, "Password": case.account.password}
        case.file.write_text(json.dumps({"example.com": old}))
        case.publish(A)
        assert case.account.values == {A}

    def test_no_credentials_go_to_another_server_than_theirs(self, case: AcmeDnsCase) -> None:
        elsewhere = entry(case.account) | {"server_url": "https://auth.example.org"}
        case.file.write_text(json.dumps({"example.com": elsewhere}))
        assert isinstance(case.error_of(lambda: case.publish(A)), ProviderError)
        assert case.fake.requests == []

    def test_a_file_that_others_can_read_is_refused(self, case: AcmeDnsCase) -> None:
        case.file.chmod(0o644)
        error = case.error_of(lambda: case.publish(A))
        assert isinstance(error, ConfigError)
        assert error.hint == f"chmod 600 {case.file}"

    @pytest.mark.parametrize(
        "content", ["no JSON", "[]", '{"example.com": {"username": "s3cret"}}', '{"a": 1}']
    )
    def test_a_file_of_something_else_is_refused_without_being_quoted(
        self, case: AcmeDnsCase, content: str
    ) -> None:
        case.file.write_text(content)
        error = case.error_of(lambda: case.publish(A))
        assert isinstance(error, ConfigError)
        assert str(case.file) in str(error)
        assert "s3cret" not in str(error)

    @pytest.mark.parametrize(
        "other", [None, {}, "", [], 7, {"fulldomain": "x"}, {"username": None, "password": None}], ids=repr
    )
    def test_an_entry_of_another_domain_that_is_none_costs_the_others_nothing(
        self, case: AcmeDnsCase, other: object
    ) -> None:
        entries = json.loads(case.file.read_text())
        case.file.write_text(json.dumps({"before.example": other, **entries, "after.example": other}))
        case.publish(A)
        assert case.account.values == {A}

    def test_a_name_without_account_is_told_of_entries_that_are_none(self, case: AcmeDnsCase) -> None:
        entries = json.loads(case.file.read_text())
        case.file.write_text(json.dumps({**entries, "example.net": None}))
        error = case.error_of(lambda: case.provider().account_at("elsewhere.auth.example.net"))
        assert "where the entry of example.net is no account" in str(error)

    @pytest.mark.parametrize("left", [None, {}, "", []], ids=repr)
    def test_an_empty_entry_of_its_own_is_registered_anew(self, case: AcmeDnsCase, left: object) -> None:
        entries = json.loads(case.file.read_text())
        case.file.write_text(json.dumps({**entries, "example.net": left}))
        made = case.provider().register("example.net")
        stored = json.loads(case.file.read_text())
        assert stored["example.net"]["subdomain"] == made.subdomain
        assert stored["example.com"] == entries["example.com"]

    @pytest.mark.parametrize("content", ["", "\n", "  \n\n"], ids=repr)
    def test_an_empty_file_is_told_what_it_wants_to_hold(self, case: AcmeDnsCase, content: str) -> None:
        case.file.write_text(content)
        error = case.error_of(lambda: case.publish(A))
        assert str(error) == f"{case.file} is empty"
        assert "accounts by domain" in error.hint

    def test_passwords_are_secrets(self, case: AcmeDnsCase) -> None:
        case.publish(A)
        assert redact(case.account.password) == "[secret]"


class TestRegister:
    def test_a_new_account_is_stored_as_lego_and_acme_dns_client_have_it(self, case: AcmeDnsCase) -> None:
        made = case.provider().register("www.example.com", ["127.0.0.0/8"])
        account = case.fake.accounts[-1]
        stored = json.loads(case.file.read_text())
        assert stored["www.example.com"] == entry(account) | {"server_url": case.fake.url}
        assert stored["example.com"] == entry(case.account)
        assert account.allowfrom == ["127.0.0.0/8"]
        assert made.fulldomain == name(account)
        assert case.file.stat().st_mode & 0o777 == 0o600

    def test_the_first_one_makes_the_file_and_its_folder(self, case: AcmeDnsCase, tmp_path: Path) -> None:
        path = tmp_path / "new" / "accounts.json"
        case.options["storage"] = str(path)
        case.provider().register("example.com")
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700

    def test_a_domain_that_has_an_account_keeps_it(self, case: AcmeDnsCase) -> None:
        assert case.provider().register("example.com").subdomain == case.account.subdomain
        assert case.fake.requests == []

    def test_what_others_wrote_into_an_entry_stays(self, case: AcmeDnsCase) -> None:
        case.file.write_text(json.dumps({"example.com": entry(case.account) | {"note": "mine"}}))
        case.provider().register("www.example.com")
        assert json.loads(case.file.read_text())["example.com"]["note"] == "mine"

    def test_closed_registration_is_said(self, case: AcmeDnsCase) -> None:
        case.fake.closed = True
        error = case.error_of(lambda: case.provider().register("www.example.com"))
        assert "takes no registrations" in str(error)

    def test_a_file_that_cannot_be_written_leaves_no_account_behind(self, case: AcmeDnsCase) -> None:
        case.options["storage"] = "/proc/accounts.json"
        error = case.error_of(lambda: case.provider().register("www.example.com"))
        assert "ACME_DNS_STORAGE_PATH" in error.hint
        assert case.fake.requests == []


class TestFaults:
    def test_forbidden_names_all_that_it_may_mean(self, case: AcmeDnsCase) -> None:
        account = case.stored("www.example.com", "192.0.2.0/24")
        error = case.error_of(lambda: case.publish(A, at=account))
        assert isinstance(error, AuthRejected)
        assert account.subdomain in str(error)
        assert "allowfrom" in str(error)
        assert str(case.file) in error.hint

    def test_forbidden_to_an_account_in_variables_names_them(self, case: AcmeDnsCase) -> None:
        """acme-dns/acme-dns#259"""
        account = case.fake.make("192.0.2.0/24")
        case.file.unlink()
        case.options |= entry(account)
        error = case.error_of(lambda: case.publish(A, at=account))
        assert "ACME_DNS_PASSWORD" in error.hint
        assert str(case.file) not in error.hint

    def test_an_address_that_has_update_in_it_already_is_said(self, case: AcmeDnsCase) -> None:
        case.options["base_url"] += "/update"
        error = case.error_of(lambda: case.publish(A))
        assert "ACME_DNS_API_BASE" in error.hint
        assert error.definite

    @pytest.mark.parametrize("fault", [Status(500, message="db_error"), Reset(), Reset(done=True)], ids=repr)
    @pytest.mark.parametrize("update", [1, 2])
    def test_an_update_that_fails_is_made_again_and_pushes_nothing_out(
        self, case: AcmeDnsCase, fault: Fault, update: int
    ) -> None:
        fault = type(fault)(**vars(fault))
        if update == 1:
            case.fake.fail(fault)
        else:
            case.meanwhile = [fault]
        case.publish(A, B)
        assert case.account.values == {A, B}
        assert len(case.fake.requests) > 2

    def test_a_database_that_stays_locked_is_said(self, case: AcmeDnsCase) -> None:
        case.fake.fail(Status(500, message="db_error", times=FOREVER))
        error = case.error_of(lambda: case.publish(A))
        assert isinstance(error, Unreachable)
        assert "db_error" in str(error)

    def test_a_server_that_is_down_is_said(self, case: AcmeDnsCase) -> None:
        case.options["base_url"] = "http://127.0.0.1:1"
        error = case.error_of(lambda: case.publish(A))
        assert "127.0.0.1: Connection refused" in str(error)

    def test_a_server_that_hangs_is_said(self, case: AcmeDnsCase) -> None:
        case.fake.fail(Hang(times=FOREVER))
        assert isinstance(case.error_of(lambda: case.publish(A)), Unreachable)

    @pytest.mark.parametrize(
        ("url", "dubious"),
        [
            ("https://auth.example.net", False),
            ("http://auth.example.net", True),
            ("http://192.0.2.1:8080", True),
            ("http://127.0.0.1:8080", False),
            ("http://localhost", False),
            ("http://[::1]:80", False),
        ],
    )
    def test_plain_http_to_another_host_is_warned_about(
        self, case: AcmeDnsCase, url: str, dubious: bool
    ) -> None:
        case.options["base_url"] = url
        assert [url in warning for warning in case.provider().warnings] == [True] * dubious


class TestAnotherClient:
    """The client that the author of acme-dns wrote, with the same fake and the same file."""

    def test_it_publishes_with_what_was_registered_here(self, case: AcmeDnsCase) -> None:
        case.provider().register("www.example.com")
        account = pyacmedns.Storage(str(case.file)).fetch("www.example.com")
        pyacmedns.Client(case.fake.url).update_txt_record(account, A)
        assert case.fake.accounts[-1].values == {A}
        assert case.fake.refusals == []

    @pytest.mark.parametrize("networks", [[], ["127.0.0.0/8"]])
    def test_what_it_registers_is_published_with_here(self, case: AcmeDnsCase, networks: list[str]) -> None:
        storage = pyacmedns.Storage(str(case.file))
        storage.put("www.example.com", pyacmedns.Client(case.fake.url).register_account(networks))
        storage.save()
        case.publish(A, B, at=case.fake.accounts[-1])
        assert case.fake.accounts[-1].values == {A, B}
        assert case.provider().register("www.example.com").subdomain == case.fake.accounts[-1].subdomain
