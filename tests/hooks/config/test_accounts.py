"""The accounts of the configuration, and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from configured import ACCOUNT, TWO, from_file, refusal_of

from dns01 import providers
from dns01.errors import ConfigError
from dns01.hooks.config.load import open_account
from dns01.hooks.config.validators import TERMS
from dns01.providers.base import Profile


class TestAccounts:
    @pytest.mark.parametrize("text", ["", "[account]\n", '[zone."example.org"]\n'])
    def test_there_must_be_one(self, file: Path, text: str) -> None:
        expected = ("it has no account", 'write [account.web] and below it provider = "…"')
        assert refusal_of(file, text) == expected

    def test_each_overrides_its_providers_profile(self, file: Path) -> None:
        account = from_file(file, ACCOUNT + "ttl = 120\ntimeout = 900\npace = 0.2\n").account_named("web")
        assert account.profile == Profile(ttl=120, timeout=900, pace=0.2, rounds=1)

    def test_a_number_may_be_an_option(self, file: Path) -> None:
        settings = from_file(file, '[account.a]\nprovider = "standalone"\nport = 5353\n')
        assert settings.account_named("a").options["port"] == "5353"

    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            ("[account.web]\n", "[account.web]: it has no provider", 'write provider = "…" below it'),
            (
                '[account.""]\n',
                '[account.""]: that is no name for an account',
                "write, for example, [account.web]",
            ),
            ("[account]\nttl = 7", "[account] lacks the name that it is for", 'write [account."NAME"]'),
            (
                "timeout = 300",
                "timeout at the top is nobody's",
                "write it below [account.…] or [zone.…]: timeout = …",
            ),
            (
                'provider = "rfc2136"',
                "provider at the top is nobody's",
                "write it below [account.own]: provider = …",
            ),
        ],
    )
    def test_what_is_no_account_is_refused_with_what_would_be_one(
        self, file: Path, text: str, message: str, hint: str
    ) -> None:
        assert refusal_of(file, text) == (message, hint)

    @pytest.mark.parametrize(
        ("text", "place", "named"),
        [
            ('[account.web]\nprovider = "rfc2163"', "[account.web]: ", ["'rfc2163'", "rfc2136"]),
            ("[account.web]\nprovider = 7", "[account.web]: provider: 7 ", []),
            (ACCOUNT + 'nameservr = ""', "[account.web]: ", ["'nameservr'", "'nameserver'", "tsig_file"]),
            (ACCOUNT + 'RFC2136_TSIG_KEY = "a"', "[account.web]: ", ["'RFC2136_TSIG_KEY'", "'tsig_key'"]),
            ('[account.web]\nprovder = "rfc2136"', "[account.web]: ", ["'provder'", "'provider'"]),
            (
                '[account.web]\nprovider = "rfc2136"',
                "[account.web]: it ",
                ["nameserver (RFC2136_NAMESERVER)", 'env = "RFC2136_NAMESERVER"'],
            ),
            (ACCOUNT + "tsig_key = true", "[account.web]: tsig_key: ", ["{ file = "]),
            (ACCOUNT + "ttl = 0", "[account.web]: ttl: 0 ", []),
            (ACCOUNT + 'ttl = "60"', "[account.web]: ttl: '60' ", ["without quotes: ttl = 60"]),
            (
                ACCOUNT + 'timeout = "10m"',
                "[account.web]: timeout: '10m' ",
                ["without quotes: timeout = 600"],
            ),
            (ACCOUNT + 'timeout = "90 seconds"', "[account.web]: timeout: '90 s", ["timeout = 90"]),
            (ACCOUNT + 'patience = "1.5s"', "[account.web]: patience: '1.5s' ", ["patience = 1.5"]),
            (ACCOUNT + 'settle = "soon"', "[account.web]: settle: 'soon' ", ["times are in seconds"]),
            (ACCOUNT + 'ca = "letsencrypt"', "[account.web]: ca does not ", ["at the top of the file"]),
            (ACCOUNT + 'resolvers = ["192.0.2.1"]', "[account.web]: resolvers ", ["at the top of the file"]),
            (ACCOUNT + 'nameservers = ["192.0.2.1"]', "[account.web]: nameservers ", ['below [zone."…"]']),
            (
                f'{ACCOUNT}[zone."a.example"]\nprovider = "rfc2136"',
                '[zone."a.example"]: provider does not ',
                ["below [account.NAME]", 'account = "NAME"'],
            ),
            (f'{ACCOUNT}[zone."a.example"]\nca = "letsencrypt"', '[zone."a.example"]: ca ', ["at the top"]),
            (ACCOUNT + "rounds = true", "[account.web]: rounds: True ", []),
            (ACCOUNT + "timeout = 3000.5", "[account.web]: timeout: 3000.5 ", []),
            ("[accounts.web]", "", ["'accounts'", "'account'", "resolvers"]),
            ('readiness = "sure"\n' + ACCOUNT, "readiness: 'sure' ", ["strict"]),
            ('resolvers = "192.0.2.1"\n' + ACCOUNT, "resolvers: '192.0.2.1' ", []),
            ("resolvers = []\n" + ACCOUNT, "resolvers: [] ", []),
            ('resolvers = ["dns.example"]\n' + ACCOUNT, "resolvers: 'dns.example' ", []),
        ],
    )
    def test_a_value_that_is_wrong_is_named_with_its_section_and_key(
        self, file: Path, text: str, place: str, named: list[str]
    ) -> None:
        message, hint = refusal_of(file, text)
        assert message.startswith(place)
        assert [name for name in named if name not in message + hint] == []
        assert hint

    def test_one_that_was_removed_is_said(self, file: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            from_file(file, TWO).account_named("old")
        assert str(caught.value) == f"{file} has no account 'old' any more; there are web, mail"
        assert caught.value.hint == (
            "configure it once more, or remove by hand what it published: `dns01 sweep --forget` gives it up"
        )

    @pytest.mark.parametrize("then", ["rfc2136", "RFC-2136", "bind", "nsupdate", "knot"])
    def test_its_provider_may_be_called_by_another_name(self, file: Path, then: str) -> None:
        assert from_file(file, ACCOUNT).account_named("web", then).provider == "rfc2136"

    @pytest.mark.parametrize("then", ["cloudflare", "cf", "memory", "acmesh", "somebody's-own"])
    def test_one_that_is_another_providers_by_now_is_said(self, file: Path, then: str) -> None:
        with pytest.raises(ConfigError) as caught:
            from_file(file, ACCOUNT).account_named("web", then)
        assert str(caught.value) == (
            f"{file}: the account web was {then}'s when this was published, and is rfc2136's now"
        )
        assert "`dns01 sweep --forget` gives it up" in caught.value.hint

    def test_an_error_of_the_provider_itself_names_the_account(self, file: Path) -> None:
        settings = from_file(file, ACCOUNT + 'tsig_key = "k"\ntsig_secret = "AAAA"\ntsig_algorithm = "rot13"')
        with pytest.raises(ConfigError, match=r"^account web: "):
            open_account(settings.account_named("web"))


@pytest.mark.parametrize("name", providers.names())
def test_no_option_of_a_provider_is_called_like_a_key_of_every_account(name: str) -> None:
    keys: set[Any] = {option.key for option in providers.load(name).options}
    assert not keys & {"provider", *TERMS}


@pytest.mark.parametrize("name", providers.names())
def test_every_option_of_a_provider_has_a_variable_of_its_own(name: str) -> None:
    options = providers.load(name).options
    variables = [said for option in options for own in option.env for said in (own, f"{own}_FILE")]
    assert all(option.env for option in options)
    assert len(variables) == len(set(variables))
