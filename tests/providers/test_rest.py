"""What holds for every API of JSON over HTTPS, shown with one of them."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme
from contract import ZONES, publish, validation
from contract_http import HttpCase
from fakes import FOREVER, Drip, Fake, Status, Text
from fakes.digitalocean import DigitalOcean
from fakes.proxy import Proxy

import dns01
from dns01.errors import Busy, ConfigError, ProviderError, Unreachable
from dns01.providers import load
from dns01.providers._http.exchange import open_session
from dns01.providers._http.retries import repeated
from dns01.providers.base import TxtRecord

NAME = "_acme-challenge.example.com"
RECORD = TxtRecord(NAME, validation("a"))
GATEWAY = (
    "<html><head><title>504 Gateway Time-out</title></head>\n"
    "<body><center><h1>504 Gateway Time-out</h1></center><hr><center>nginx</center></body></html>"
)


@pytest.fixture(autouse=True)
def _network_of_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.upper().endswith(("_PROXY", "_CA_BUNDLE", "SSL_CERT_FILE")):
            monkeypatch.delenv(name)


@pytest.fixture
def case() -> Iterator[HttpCase]:
    with DigitalOcean(ZONES) as fake:
        yield case_of(fake)


def case_of(fake: Fake) -> HttpCase:
    return HttpCase("digitalocean", fake, {"token": fake.token})


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


class TestRequests:
    def test_they_say_who_asks(self, case: HttpCase) -> None:
        publish(case, RECORD)
        assert {request.headers["User-Agent"] for request in case.fake.requests} == {
            f"dns01/{dns01.__version__}"
        }

    def test_what_a_netrc_file_has_is_not_sent(
        self, case: HttpCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_a_redirection_is_not_followed(self, case: HttpCase) -> None:
        with DigitalOcean(ZONES) as other:
            where = {
                "Location": f"http://user:password@localhost:{other.address[1]}/?token={case.fake.token}"
            }
            case.fake.fail(Text(302, "", where, times=FOREVER))
            error = case.error_of(lambda: publish(case, RECORD))
            assert isinstance(error, ProviderError)
            assert "sends the request on to localhost (302, GET /" in str(error)
            assert not other.requests

    def test_a_page_elsewhere_is_asked_for_here(self, case: HttpCase) -> None:
        for number in range(201):
            case.add_foreign(NAME, f"value {number}", ttl=60)
        case.fake.links_to = "https://elsewhere.example"
        publish(case, TxtRecord(NAME, "value 200"))
        assert len(case.world_sees(NAME)) == 201

    @pytest.mark.parametrize("token", ["two\nlines", "a token of €"])
    def test_a_token_that_no_header_may_have_is_said_without_it(self, case: HttpCase, token: str) -> None:
        case.fake.token = case.options["token"] = token
        assert isinstance(case.error_of(lambda: publish(case, RECORD)), ConfigError)

    def test_an_address_that_is_none_is_said(self, case: HttpCase) -> None:
        case.options["base_url"] = "api.digitalocean.com"
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, ConfigError)
        assert "api.digitalocean.com" in str(error)

    @pytest.mark.parametrize("url", ["http://192.0.2.1:8080", "http://[::1", "HTTP://api.example"])
    def test_an_address_without_https_is_warned_about(self, case: HttpCase, url: str) -> None:
        case.options["base_url"] = url
        (warning,) = case.provider().warnings  # type: ignore[attr-defined]
        assert warning == f"{url} is not HTTPS: whoever listens on the way learns the credentials"

    @pytest.mark.parametrize(
        "url", ["https://api.example", "http://localhost:1", "http://[::1]:1", "HTTPS://x"]
    )
    def test_one_with_https_or_of_this_host_is_not(self, case: HttpCase, url: str) -> None:
        case.options["base_url"] = url
        assert case.provider().warnings == ()  # type: ignore[attr-defined]

    def test_without_credentials_the_variables_are_said_and_that_a_file_will_do(self) -> None:
        with pytest.raises(ConfigError, match="CF_DNS_API_TOKEN or ") as error:
            load("cloudflare")({"base_url": "https://api.example"})
        assert "or CF_DNS_API_TOKEN_FILE to the path of a file" in error.value.hint

    def test_an_error_names_the_account_where_there_are_several(self, case: HttpCase) -> None:
        provider = case.provider()
        provider.account = "web"  # type: ignore[attr-defined]
        case.fake.fail(Status(401, times=FOREVER))
        error = case.error_of(lambda: provider.zone_for(NAME))
        assert str(error).startswith("account web (digitalocean): ")

    def test_a_secret_that_the_api_repeats_is_left_out(self, case: HttpCase) -> None:
        case.fake.fail(Status(403, message=f"{case.fake.token} may not do that", times=FOREVER))
        assert "[secret] may not do that" in str(case.error_of(lambda: publish(case, RECORD)))


class TestTrust:
    def test_a_certificate_of_an_unknown_ca_is_refused_at_once(self, ca: trustme.CA) -> None:
        with DigitalOcean(ZONES, tls=ca) as fake:
            case = case_of(fake)
            error = case.error_of(lambda: publish(case, RECORD))
            assert isinstance(error, ProviderError)
            assert "the certificate of 127.0.0.1 cannot be trusted: " in str(error)
            assert "SSL_CERT_FILE" in error.hint
            assert not case.pauses

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
    def test_a_ca_of_ones_own_is_trusted(
        self, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
    ) -> None:
        monkeypatch.setenv(variable, str(tmp_path / "ca.pem"))
        with DigitalOcean(ZONES, tls=ca) as fake:
            publish(case_of(fake), RECORD)
            assert fake.values(NAME) == {RECORD.value}

    def test_a_ca_that_the_machine_trusts_is_trusted_unless_a_variable_says_which(
        self, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with DigitalOcean(ZONES, tls=ca) as fake:
            session = open_session(("/nowhere/ca.pem", str(tmp_path / "ca.pem")))
            assert session.get(f"{fake.url}/v2/domains").status_code == 401
            trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
            for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                with monkeypatch.context() as context:
                    context.setenv(variable, str(tmp_path / "other.pem"))
                    error = case_of(fake).error_of(lambda: publish(case_of(fake), RECORD))
                    assert "update-ca-certificates" in error.hint

    def test_a_file_of_cas_that_is_not_there_is_said(
        self, ca: trustme.CA, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
        with DigitalOcean(ZONES, tls=ca) as fake:
            error = case_of(fake).error_of(lambda: publish(case_of(fake), RECORD))
            assert "SSL_CERT_FILE" in error.hint

    def test_a_proxy_is_used(self, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with DigitalOcean(ZONES, tls=ca) as fake, Proxy(fake.address) as proxy:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            case = case_of(fake)
            case.options["base_url"] = "https://api.digitalocean.com"
            publish(case, RECORD)
            assert set(proxy.asked) == {"api.digitalocean.com:443"}
            assert fake.values(NAME) == {RECORD.value}

    def test_a_proxy_that_is_not_there_is_said_without_its_password(
        self, case: HttpCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:{case.fake.token}@127.0.0.1:1")
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, Unreachable)
        assert "HTTPS_PROXY" in error.hint

    @pytest.mark.parametrize("address", ["socks5://127.0.0.1:1080", "socks5h://127.0.0.1:1080", "http:///"])
    def test_a_proxy_that_cannot_be_one_is_named(
        self, case: HttpCase, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", address)
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, ConfigError)
        assert "proxy" in str(error)
        assert "HTTPS_PROXY" in error.hint


class TestPagesForPeople:
    @pytest.mark.parametrize("page", [GATEWAY, GATEWAY.replace("<html>", "<!DOCTYPE html><html>")])
    def test_what_a_page_says_is_shown_once_and_without_its_tags(self, case: HttpCase, page: str) -> None:
        case.fake.fail(Text(403, page, times=FOREVER))
        error = case.error_of(lambda: publish(case, RECORD))
        assert ": 504 Gateway Time-out nginx (403, " in str(error)
        assert "a page for people" in error.hint


class TestLongTroubles:
    def test_what_takes_long_is_said_once(self) -> None:
        said: list[str] = []
        with pytest.raises(Unreachable):
            repeated(failing, 120.0, lambda seconds: None, said.append)
        assert said == ["the API fails: 500; trying again, for 120 s at most"]

    def test_what_passes_soon_is_not(self) -> None:
        said: list[str] = []
        with pytest.raises(Unreachable):
            repeated(failing, 4.0, lambda seconds: None, said.append)
        assert said == []

    def test_a_pause_that_is_wanted_is_said_before_it_is_made(self) -> None:
        said: list[str] = []
        answers = iter([Busy("the API is busy: 429", retry_after=30)])

        def busy_once() -> str:
            if error := next(answers, None):
                raise error
            return "done"

        assert repeated(busy_once, 120.0, lambda seconds: said.append("slept"), said.append) == "done"
        assert said == ["the API is busy: 429; trying again, for 120 s at most", "slept"]


def failing() -> None:
    raise Unreachable("the API fails: 500")


class TestPauses:
    def test_a_date_to_come_back_at_is_kept(self, case: HttpCase) -> None:
        case.fake.fail(Status(429, {"Retry-After": formatdate(time.time() + 60, usegmt=True)}))
        publish(case, RECORD)
        assert 50 < case.pauses[0] < 62

    @pytest.mark.parametrize("header", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT"])
    def test_a_header_that_says_nothing_is_passed_over(self, case: HttpCase, header: str) -> None:
        case.fake.fail(Status(503, {"Retry-After": header}))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    @pytest.mark.parametrize("family", ["RateLimit-", "x-ratelimit-", "X-Rate-Limit-"])
    @pytest.mark.parametrize("is_a_time", [True, False])
    def test_a_limit_that_is_used_up_is_waited_for_until_it_is_lifted(
        self, case: HttpCase, family: str, is_a_time: bool
    ) -> None:
        reset = str(60 + (round(time.time()) if is_a_time else 0))
        case.fake.fail(Status(429, {f"{family}Remaining": "0", f"{family}Reset": reset}))
        publish(case, RECORD)
        assert 50 < case.pauses[0] < 62

    def test_one_of_which_something_is_left_is_not_what_is_over(self, case: HttpCase) -> None:
        headers = {"RateLimit-Remaining": "4321", "RateLimit-Reset": "3600"}
        case.fake.fail(Status(429, headers))
        publish(case, RECORD)
        assert case.pauses[0] < 1

    def test_a_pause_that_is_said_goes_before_the_limit_of_an_hour(self, case: HttpCase) -> None:
        headers = {"Retry-After": "7", "RateLimit-Remaining": "0", "RateLimit-Reset": "3600"}
        case.fake.fail(Status(429, headers))
        publish(case, RECORD)
        assert 7 <= case.pauses[0] < 10

    def test_they_become_longer_and_are_never_the_same(self, case: HttpCase) -> None:
        case.fake.fail(Status(500, times=FOREVER))
        case.error_of(lambda: publish(case, RECORD))
        first, *_, last = case.pauses
        assert last > first
        assert len(set(case.pauses)) == len(case.pauses)

    def test_ten_names_are_not_each_begun_anew_when_the_last_one_fails(self, case: HttpCase) -> None:
        records = [TxtRecord(f"{number}.{NAME}", validation("a")) for number in range(10)]
        publish(case, *records[:9])
        before = len(case.fake.requests)
        case.fake.fail(Status(500, writing=True))
        publish(case, *records)
        zone, readings, the_last_one_twice = 3, 9, 2 * 2
        assert len(case.fake.requests) - before == zone + readings + the_last_one_twice

    def test_what_is_over_the_limit_for_good_says_when_to_come_back(self, case: HttpCase) -> None:
        case.fake.fail(Status(429, {"Retry-After": "100"}, times=FOREVER))
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, Busy)
        assert error.retry_after == 100
        assert len(case.pauses) == 1


class TestZones:
    def test_a_token_that_is_forbidden_another_zone_does_for_its_own(self, case: HttpCase) -> None:
        case.fake.fail(Status(403))
        publish(case, RECORD)
        assert case.fake.requests[0].path.endswith(NAME)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_among_many_zones_the_one_that_is_nearly_right_is_shown_first(self, case: HttpCase) -> None:
        case.fake.add_zones([*(f"zone{number}.net" for number in range(80)), "exmaple.org"])
        error = case.error_of(lambda: case.provider().zone_for("_acme-challenge.www.example.org"))
        assert "it sees exmaple.org, " in str(error)
        assert "more" in str(error)


class TestTimeLimit:
    @pytest.mark.parametrize("headers", [False, True])
    def test_over_tls_it_is_one_for_the_whole_exchange_too(
        self, ca: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: bool
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        with DigitalOcean(ZONES, tls=ca) as fake:
            case = case_of(fake)
            fake.fail(Drip(headers=headers))
            publish(case, RECORD)
            assert case.pauses
            assert case.world_sees(NAME) == {RECORD.value}


class TestEchoes:
    """APIs that quote the credentials in their errors, in whatever spelling."""

    @pytest.mark.parametrize(
        "echo",
        [
            "your token {} is bad",
            '{{"error": "token={} is bad"}}',
            '{{"errors": [{{"message": "{}"}}]}}',
            "<p>{}</p>",
            '{{"message": ["{}"], "{}": 1}}',
        ],
    )
    @pytest.mark.parametrize(
        "spell",
        [
            str,
            lambda token: token.replace("/", "\\/"),
            lambda token: quote(token, safe=""),
            lambda token: base64.b64encode(f"x:{token}".encode()).decode(),
            lambda token: "".join(f"\\u{ord(char):04x}" for char in token),
        ],
    )
    @pytest.mark.parametrize("status", [200, 302, 400, 403, 404, 429, 500])
    def test_no_error_shows_the_token(
        self, case: HttpCase, echo: str, spell: Callable[[str], str], status: int
    ) -> None:
        case.fake.token = case.options["token"] = "a/T0ken+that=is&long"
        said = echo.format(spell(case.fake.token), spell(case.fake.token))
        case.fake.fail(Text(status, said, {"Location": f"https://{spell('x')}/"}, times=FOREVER))
        error = case.error_of(lambda: publish(case, RECORD))
        for form in (case.fake.token, spell(case.fake.token)):
            assert form not in str(error)
