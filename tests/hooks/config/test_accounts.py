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
        message, hint = refusal_of(file, text)
        assert message == "it has no account"
        assert "[account.web]" in hint

    def test_each_overrides_its_providers_profile(self, file: Path) -> None:
        account = from_file(file, ACCOUNT + "ttl = 120\ntimeout = 900\npace = 0.2\n").account_named("web")
        assert account.profile == Profile(ttl=120, timeout=900, pace=0.2, rounds=1)

    def test_a_number_may_be_an_option(self, file: Path) -> None:
        settings = from_file(file, '[account.a]\nprovider = "standalone"\nport = 5353\n')
        assert settings.account_named("a").options["port"] == "5353"

    @pytest.mark.parametrize(
        ("text", "said", "hinted"),
        [
            ("[account.web]\n", "[account.web]: it has no provider", "provider = "),
            ('[account.web]\nprovider = "rfc2163"', "[account.web]: there is no provider", "standalone"),
            ("[account.web]\nprovider = 7", "[account.web]: provider: 7 is not a string", '"…"'),
            (
                ACCOUNT + 'nameservr = ""',
                "[account.web]: unknown key 'nameservr'; did you mean 'nameserver'?",
                "tsig",
            ),
            (ACCOUNT + 'tsig_key = ["a"]', "[account.web]: tsig_key: it is neither", "credential"),
            (ACCOUNT + "tsig_key = true", "[account.web]: tsig_key: it is neither", "credential"),
            (ACCOUNT + "tsig_key = { files = '/x' }", "[account.web]: tsig_key: it is neither", "{ file = "),
            (
                ACCOUNT + "tsig_key = { file = '/x', env = 'X' }",
                "[account.web]: tsig_key: it is neither",
                "file",
            ),
            (ACCOUNT + "ttl = 0", "[account.web]: ttl: 0 is not a whole number from 1", "the provider's own"),
            (ACCOUNT + 'ttl = "60"', "[account.web]: ttl: '60' is not a whole number", "the provider's own"),
            (ACCOUNT + "rounds = true", "[account.web]: rounds: True is not", "the provider's own"),
            (
                ACCOUNT + "timeout = 3000.5",
                "[account.web]: timeout: 3000.5 is not a number from 0 to 3000",
                "own",
            ),
            (
                '[account.web]\nprovider = "rfc2136"',
                "[account.web]: it lacks nameserver (RFC2136_NAMESERVER)",
                "env =",
            ),
            (
                '[account]\nprovider = "rfc2136"',
                "[account] lacks the name that it is for",
                '[account."NAME"]',
            ),
            ("[accounts.web]", "unknown key 'accounts'; did you mean 'account'?", "resolvers"),
            ("timeout = 300", "timeout at the top is nobody's", "below [account.…] or [zone.…]"),
            ('provider = "rfc2136"', "provider at the top is nobody's", "below [account.own]"),
            (
                ACCOUNT + 'RFC2136_TSIG_KEY = "a"',
                "[account.web]: unknown key 'RFC2136_TSIG_KEY': here, that is 'tsig_key'",
                "write tsig_key",
            ),
            (
                'readiness = "sure"\n' + ACCOUNT,
                "readiness: 'sure' is no readiness",
                "authoritative, public, strict",
            ),
            ('resolvers = "192.0.2.1"\n' + ACCOUNT, "resolvers: '192.0.2.1' is no list", "["),
            ("resolvers = []\n" + ACCOUNT, "resolvers: [] is no list", "["),
            (
                'resolvers = ["dns.example"]\n' + ACCOUNT,
                "resolvers: 'dns.example' is not an IP address",
                "[2001:",
            ),
        ],
    )
    def test_what_is_wrong_is_said_by_section_and_key(
        self, file: Path, text: str, said: str, hinted: str
    ) -> None:
        message, hint = refusal_of(file, text)
        assert message.startswith(said)
        assert hinted in hint

    def test_one_that_was_removed_is_said(self, file: Path) -> None:
        with pytest.raises(ConfigError, match="no account 'old' any more; there are web, mail") as caught:
            from_file(file, TWO).account_named("old")
        assert "sweep --forget" in caught.value.hint

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
