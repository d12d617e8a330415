"""The configuration: variables alone for one account, a TOML file for several."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dns01 import providers
from dns01.errors import ConfigError
from dns01.hooks.config.load import load_settings, open_account
from dns01.hooks.config.settings import Account, Settings
from dns01.hooks.config.validators import TERMS
from dns01.hooks.deploy.section import load_deployments, outline_deployments
from dns01.hooks.notify.section import load_receivers
from dns01.hooks.state.folder import state_dir
from dns01.providers.base import Profile
from dns01.secret import redact

VARIABLES = {"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": "192.0.2.53"}
ACCOUNT = '[account.web]\nprovider = "rfc2136"\nnameserver = "192.0.2.53"\n'
TWO = ACCOUNT + '[account.mail]\nprovider = "standalone"\n'


@pytest.fixture(autouse=True)
def default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is /etc/dns01/config.toml elsewhere; not there unless the test writes it."""
    path = tmp_path / "etc" / "config.toml"
    path.parent.mkdir()
    monkeypatch.setattr("dns01.hooks.config.load.DEFAULT_FILE", str(path))
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def from_file(file: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    file.write_text(text)
    file.chmod(0o600)
    return load_settings({"DNS01_CONFIG": str(file), **(environ or {})})


def called(accounts: Iterable[Account]) -> list[str]:
    return [account.name for account in accounts]


def refusal(environ: Mapping[str, str]) -> tuple[str, str]:
    """What the error says, and its hint."""
    with pytest.raises(ConfigError) as caught:
        load_settings(environ)
    return str(caught.value), caught.value.hint


def refusal_of(file: Path, text: str, environ: Mapping[str, str] | None = None) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        from_file(file, text, environ)
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value).removeprefix(f"{file}: "), caught.value.hint


def secret_file(path: Path, text: str = "aHVzaCBodXNo", mode: int = 0o600) -> Path:
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


class TestVariablesAlone:
    @pytest.mark.parametrize(
        ("slip", "meant"), [("DNS01_TIMEOT", "DNS01_TIMEOUT"), ("RFC2136_TSIG_KEYY", "RFC2136_TSIG_KEY")]
    )
    def test_a_slip_in_a_variable_is_said(
        self, capsys: pytest.CaptureFixture[str], slip: str, meant: str
    ) -> None:
        load_settings({**VARIABLES, slip: "1"})
        assert f"{slip} is set, and means nothing here: did you mean {meant}?" in capsys.readouterr().err

    def test_other_people_s_variables_are_nobody_s_slips(self, capsys: pytest.CaptureFixture[str]) -> None:
        load_settings({**VARIABLES, "RFC2136_PROPAGATION_TIMEOUT": "120", "PATH": "/bin"})
        assert capsys.readouterr().err == ""

    def test_make_one_account_with_the_providers_profile(self, state_dir: Path) -> None:
        settings = load_settings({**VARIABLES, "DNS01_STATE_DIR": str(state_dir)})
        (account,) = settings.accounts_for("_acme-challenge.example.org")
        assert (account.name, account.provider) == ("rfc2136", "rfc2136")
        assert account.options["nameserver"] == "192.0.2.53"
        assert account.options["tsig_algorithm"] == "hmac-sha256"
        assert "tsig_secret" not in account.options
        assert settings.profile_for(account, "_acme-challenge.example.org") == Profile(rounds=1)
        assert settings.state == str(state_dir)

    def test_construct_the_provider(self) -> None:
        settings = load_settings(VARIABLES)
        assert callable(open_account(settings.account_named("rfc2136")).publish)

    def test_nothing_at_all_shows_two_lines_that_are_enough(self) -> None:
        message, hint = refusal({})
        exports = [
            line.split("export ")[1].split("=")
            for line in hint.splitlines()
            if "export " in line and "=" in line
        ]
        assert message == "no DNS provider is configured"
        assert load_settings(dict(exports)).accounts

    def test_an_unknown_provider_names_the_nearest(self) -> None:
        message, hint = refusal({"DNS01_PROVIDER": "rfc2163"})
        assert message.startswith("DNS01_PROVIDER: ")
        assert "did you mean rfc2136?" in message
        assert "standalone" in hint

    def test_a_missing_option_names_key_variable_and_account(self) -> None:
        message, hint = refusal({"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": ""})
        assert "the account rfc2136 lacks nameserver (RFC2136_NAMESERVER)" in message
        assert "RFC2136_NAMESERVER_FILE" in hint

    def test_any_variable_may_name_a_file_instead(self, tmp_path: Path) -> None:
        secret = secret_file(tmp_path / "secret")
        server = secret_file(tmp_path / "server", "192.0.2.54", mode=0o644)
        settings = load_settings(
            {
                "DNS01_PROVIDER": "rfc2136",
                "RFC2136_NAMESERVER_FILE": str(server),
                "RFC2136_TSIG_SECRET_FILE": str(secret),
            }
        )
        options = settings.account_named("rfc2136").options
        assert (options["nameserver"], options["tsig_secret"]) == ("192.0.2.54", "aHVzaCBodXNo")

    def test_a_secret_file_that_others_can_read_is_refused_with_the_chmod(self, tmp_path: Path) -> None:
        secret = secret_file(tmp_path / "secret", mode=0o640)
        message, hint = refusal({**VARIABLES, "RFC2136_TSIG_SECRET_FILE": str(secret)})
        assert message.startswith(f"RFC2136_TSIG_SECRET_FILE: {secret} can be read by others")
        assert hint == f"chmod 600 {secret}"

    def test_that_file_may_be_a_credential_of_systemd(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret = secret_file(tmp_path / "secret", mode=0o440)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
        settings = load_settings({**VARIABLES, "RFC2136_TSIG_SECRET_FILE": str(secret)})
        assert settings.account_named("rfc2136").options["tsig_secret"] == "aHVzaCBodXNo"

    @pytest.mark.parametrize("option", ["NAMESERVER", "TSIG_SECRET"])
    def test_a_file_that_is_not_there_is_named(self, tmp_path: Path, option: str) -> None:
        message, _ = refusal({**VARIABLES, "RFC2136_NAMESERVER": "", f"RFC2136_{option}_FILE": "/no/such"})
        assert message.startswith(f"RFC2136_{option}_FILE: /no/such cannot be read")

    def test_the_profile_can_be_overridden(self) -> None:
        terms = {
            "TTL": "120",
            "TIMEOUT": "900.5",
            "PACE": "0.5",
            "ROUNDS": "2",
            "PATIENCE": "9",
            "SETTLE": "0",
        }
        settings = load_settings({**VARIABLES, **{f"DNS01_{key}": value for key, value in terms.items()}})
        account = settings.account_named("rfc2136")
        assert settings.profile_for(account, "any.example") == Profile(120, 900.5, 0.5, 2, 9, 0)

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("DNS01_TTL", "0"),
            ("DNS01_TTL", "1.5"),
            ("DNS01_TIMEOUT", "3001"),
            ("DNS01_TIMEOUT", "10 minutes"),
            ("DNS01_TIMEOUT", "nan"),
            ("DNS01_PACE", "-1"),
            ("DNS01_ROUNDS", "0"),
            ("DNS01_PATIENCE", "inf"),
            ("DNS01_SETTLE", "-0.1"),
            ("DNS01_READINESS", "sure"),
            ("DNS01_NAMESERVERS", "ns1.example.org"),
            ("DNS01_RESOLVERS", "192.0.2.1:70000"),
            ("DNS01_RESOLVERS", "192.0.2.1,"),
        ],
    )
    def test_a_value_that_cannot_be_is_refused_by_its_variable(self, variable: str, value: str) -> None:
        message, hint = refusal({**VARIABLES, variable: value})
        assert message.startswith(f"{variable}: ")
        assert hint

    def test_addresses_may_have_ports(self) -> None:
        said = "192.0.2.1, 192.0.2.2:5353,2001:db8::1,[2001:DB8::2]:5353,[2001:db8::3]"
        expected = (
            ("192.0.2.1", 53),
            ("192.0.2.2", 5353),
            ("2001:db8::1", 53),
            ("2001:db8::2", 5353),
            ("2001:db8::3", 53),
        )
        settings = load_settings({**VARIABLES, "DNS01_RESOLVERS": said, "DNS01_NAMESERVERS": said})
        assert settings.resolvers == expected
        assert settings.nameservers_for("any.example") == expected

    def test_what_is_not_said_has_its_default(self) -> None:
        settings = load_settings(VARIABLES)
        assert settings.resolvers == (("1.1.1.1", 53), ("8.8.8.8", 53), ("9.9.9.9", 53))
        assert settings.readiness_for("any.example") is None
        assert settings.nameservers_for("any.example") == ()
        assert settings.zone_id_for("any.example") == ""
        assert settings.apex_for("any.example") == ""

    def test_readiness_can_be_chosen(self) -> None:
        assert (
            load_settings({**VARIABLES, "DNS01_READINESS": "strict"}).readiness_for("any.example") == "strict"
        )


class TestWhichFile:
    def test_the_default_is_read_if_it_is_there(self, default_file: Path) -> None:
        default_file.write_text(ACCOUNT)
        assert list(load_settings({}).accounts) == ["web"]

    def test_the_one_that_is_named_is_read_instead(self, default_file: Path, file: Path) -> None:
        default_file.write_text("this is not TOML")
        assert list(from_file(file, ACCOUNT).accounts) == ["web"]

    def test_one_that_is_named_must_be_there(self) -> None:
        message, hint = refusal({"DNS01_CONFIG": "/no/such/file"})
        assert message == "/no/such/file: it cannot be read: No such file or directory"
        assert "DNS01_CONFIG" in hint

    @pytest.mark.parametrize(
        "rivals",
        [["DNS01_PROVIDER"], ["DNS01_TTL"], ["DNS01_PROVIDER", "DNS01_NAMESERVERS", "DNS01_TIMEOUT"]],
    )
    def test_neither_the_file_nor_variables_win_where_both_are_there(
        self, default_file: Path, rivals: list[str]
    ) -> None:
        default_file.write_text(ACCOUNT)
        message, hint = refusal(dict.fromkeys(rivals, "7"))
        assert f"{' and '.join(rivals)} and the file {default_file}" in message
        assert f"unset {' '.join(rivals)}" in hint

    def test_an_empty_name_leaves_the_default_aside(self, default_file: Path) -> None:
        default_file.write_text(ACCOUNT)
        assert list(load_settings({**VARIABLES, "DNS01_CONFIG": ""}).accounts) == ["rfc2136"]

    def test_resolvers_and_readiness_in_variables_go_before_the_file(self, file: Path) -> None:
        text = 'resolvers = ["192.0.2.1"]\nreadiness = "public"\n' + ACCOUNT
        settings = from_file(file, text, {"DNS01_RESOLVERS": "192.0.2.2:54", "DNS01_READINESS": "strict"})
        assert settings.resolvers == (("192.0.2.2", 54),)
        assert settings.readiness == "strict"

    @pytest.mark.parametrize("content", [b"a = ", b"[account.web\n", b'a = "\xff"'])
    def test_what_is_not_toml_is_said(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)
        message, _ = refusal({"DNS01_CONFIG": str(file)})
        assert message.startswith(f"{file}: it is not TOML: ")


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


SECRET = "q7Zt_9LkXvB2mNc8RsYpWfJ4hGd1aEuT6oIyQwKz"


class TestSecretsInTheWrongPlace:
    @pytest.mark.parametrize("kind", ["file", "env", "credential"])
    @pytest.mark.parametrize("folder", ["", "/run/credentials/dns01"])
    def test_a_secret_in_the_place_of_its_place_is_not_shown(
        self, file: Path, kind: str, folder: str
    ) -> None:
        text = f'{ACCOUNT}tsig_secret = {{ {kind} = "{SECRET}" }}\n'
        message, hint = refusal_of(file, text, {"CREDENTIALS_DIRECTORY": folder})
        assert message.startswith(f"[account.web]: tsig_secret: {kind} = … wants ")
        assert SECRET not in message + hint
        assert SECRET not in redact(f"nor later: {SECRET}")

    def test_nor_one_of_an_option_that_is_no_secret(self, file: Path) -> None:
        message, hint = refusal_of(file, f'{ACCOUNT}tsig_key = {{ file = "{SECRET}" }}\n')
        assert SECRET not in message + hint

    def test_a_file_whose_name_looks_like_a_secret_is_read(self, file: Path) -> None:
        (file.parent / SECRET).touch(0o600)
        (file.parent / SECRET).write_text("from a file\n")
        settings = from_file(file, f'{ACCOUNT}tsig_secret = {{ file = "{SECRET}" }}\n')
        assert settings.account_named("web").options["tsig_secret"] == "from a file"

    def test_nor_one_in_the_place_of_the_provider_s_name(self, file: Path) -> None:
        message, hint = refusal({"DNS01_PROVIDER": SECRET})
        assert message.startswith("DNS01_PROVIDER: there is no provider called what is given there")
        in_file, hint_in_file = refusal_of(file, f'[account.web]\nprovider = "{SECRET}"\n')
        assert SECRET not in message + hint + in_file + hint_in_file


class TestSecrets:
    def read(self, file: Path, said: str, environ: Mapping[str, str] | None = None) -> str:
        settings = from_file(file, f"{ACCOUNT}tsig_secret = {said}\n", environ)
        return settings.account_named("web").options["tsig_secret"]

    def test_may_stand_in_the_file_if_nobody_else_reads_it(self, file: Path) -> None:
        assert self.read(file, '"by value"') == "by value"
        file.chmod(0o604)
        message, hint = refusal({"DNS01_CONFIG": str(file)})
        assert message.startswith(f"{file}: [account.web]: tsig_secret: a secret stands in this file")
        assert "0604" in message
        assert hint == f"chmod 600 {file}"

    def test_a_file_without_secrets_may_be_read_by_all(self, file: Path) -> None:
        file.write_text(ACCOUNT + "tsig_secret = { env = 'SECRET' }")
        file.chmod(0o644)
        assert load_settings({"DNS01_CONFIG": str(file), "SECRET": "by name"}).accounts

    def test_may_stand_in_a_file_of_their_own_beside_it(self, file: Path) -> None:
        secret_file(file.parent / "key", "by file")
        assert self.read(file, '{ file = "key" }') == "by file"
        assert self.read(file, f'{{ file = "{file.parent}/key" }}') == "by file"

    def test_that_file_must_be_the_owners_alone(self, file: Path) -> None:
        key = secret_file(file.parent / "key", mode=0o644)
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { file = "key" }')
        assert message.startswith(f"[account.web]: tsig_secret: {key} can be read by others")
        assert hint == f"chmod 600 {key}"

    def test_may_stand_in_a_variable(self, file: Path) -> None:
        assert self.read(file, '{ env = "SECRET" }', {"SECRET": "by name"}) == "by name"
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { env = "SECRET" }')
        assert message == "[account.web]: tsig_secret: the variable SECRET is not set"
        assert "export SECRET=" in hint

    def test_may_be_a_credential_of_systemd_whose_mode_shows_an_acl(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret_file(file.parent / "key", "by systemd", mode=0o440)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
        environ = {"CREDENTIALS_DIRECTORY": str(file.parent)}
        assert self.read(file, '{ credential = "key" }', environ) == "by systemd"
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { credential = "key" }')
        assert "systemd gives this process no credentials" in message
        assert "LoadCredential=key:" in hint

    @pytest.mark.parametrize("secret", ["in-the-file", "in-the-env"])
    def test_are_hidden_once_they_are_read(self, file: Path, secret: str) -> None:
        said = '{ env = "SECRET" }' if secret == "in-the-env" else f'"{secret}"'
        self.read(file, said, {"SECRET": secret})
        assert secret not in redact(f"the key {secret} is wrong")

    def test_are_hidden_where_variables_alone_say_them(self) -> None:
        load_settings({**VARIABLES, "RFC2136_TSIG_SECRET": "said-by-variable"})
        assert "said-by-variable" not in redact("the key said-by-variable is wrong")


class TestZones:
    def test_the_longest_suffix_wins_by_labels(self, file: Path) -> None:
        text = TWO + '[zone."example.org"]\naccount = "web"\n[zone."sub.example.org"]\naccount = "mail"\n'
        settings = from_file(file, text)
        assert called(settings.accounts_for("_acme-challenge.example.org")) == ["web"]
        assert called(settings.accounts_for("_acme-challenge.a.sub.example.org")) == ["mail"]
        assert called(settings.accounts_for("_acme-challenge.notsub.example.org")) == ["web"]
        with pytest.raises(ConfigError):
            settings.accounts_for("_acme-challenge.anexample.org")

    def test_the_order_in_the_file_does_not_matter(self, file: Path) -> None:
        text = TWO + '[zone."sub.example.org"]\naccount = "mail"\n[zone."example.org"]\naccount = "web"\n'
        assert called(from_file(file, text).accounts_for("_acme-challenge.sub.example.org")) == ["mail"]

    def test_the_target_decides_before_the_original_name(self, file: Path) -> None:
        text = TWO + '[zone."example.org"]\naccount = "web"\n[zone."example.net"]\naccount = "mail"\n'
        settings = from_file(file, text)
        original = "_acme-challenge.example.org"
        assert called(settings.accounts_for("x.example.net", original)) == ["mail"]
        assert called(settings.accounts_for("x.example.com", original)) == ["web"]

    def test_the_only_account_serves_whatever_no_section_names(self, file: Path) -> None:
        settings = from_file(file, ACCOUNT + '[zone."example.org"]\nttl = 5\n')
        assert called(settings.accounts_for("_acme-challenge.example.org")) == ["web"]
        assert called(settings.accounts_for("_acme-challenge.example.com")) == ["web"]

    def test_several_accounts_may_serve_one_zone_side_by_side(self, file: Path) -> None:
        text = '[zone."example.org"]\naccount = ["mail", "web"]\n[zone."a.example.org"]\nttl = 5\n'
        settings = from_file(file, TWO + text)
        assert called(settings.accounts_for("_acme-challenge.example.org")) == ["mail", "web"]
        assert called(settings.accounts_for("_acme-challenge.a.example.org")) == ["mail", "web"]

    def test_a_list_of_one_account_is_that_account(self, file: Path) -> None:
        settings = from_file(file, TWO + '[zone."example.org"]\naccount = ["mail"]\nid = "Z1"\n')
        assert called(settings.accounts_for("_acme-challenge.example.org")) == ["mail"]
        assert settings.zone_id_for("example.org") == "Z1"

    @pytest.mark.parametrize(
        ("accounts", "said", "hinted"),
        [
            ("[]", "account: the list has no account in it", '["NAME", "OTHER"]'),
            ('["web", "web"]', "account: the account 'web' stands there 2 times", "write each account once"),
            ('["web", "mail", "web"]', "account: the account 'web' stands there 2 times", "once"),
            ('["web", "mial"]', "unknown account 'mial'; did you mean 'mail'?", "web, mail"),
            ('["web", ""]', "account: '' is not a string", 'write it as "…"'),
            ('["web", 7]', "account: 7 is not a string", 'write it as "…"'),
            ('[["web", "mail"]]', "account: ['web', 'mail'] is not a string", 'write it as "…"'),
            ('"web, mail"', "unknown account 'web, mail'", "web, mail"),
            (
                '["web", "mail"]\nid = "Z1"',
                "the id Z1 of the zone example.org is",
                "take id out",
            ),
        ],
    )
    def test_a_list_of_accounts_that_makes_no_sense_is_refused(
        self, file: Path, accounts: str, said: str, hinted: str
    ) -> None:
        message, hint = refusal_of(file, TWO + f'[zone."example.org"]\naccount = {accounts}\n')
        assert said in message
        assert hinted in hint

    def test_an_id_does_not_go_with_the_accounts_of_a_zone_above_it_either(self, file: Path) -> None:
        text = '[zone."example.org"]\naccount = ["web", "mail"]\n[zone."a.example.org"]\nid = "Z1"\n'
        message, _ = refusal_of(file, TWO + text)
        assert "the id Z1 of the zone a.example.org is one provider's word for it" in message

    def test_of_several_accounts_none_is_guessed(self, file: Path) -> None:
        with pytest.raises(ConfigError, match="there are web, mail") as caught:
            from_file(file, TWO).accounts_for("_acme-challenge.example.com")
        assert str(file) in str(caught.value)
        assert '[zone."example.com"]' in caught.value.hint
        assert 'account = "web"' in caught.value.hint

    def test_a_shorter_one_holds_where_the_longest_says_nothing(self, file: Path) -> None:
        longer = '[zone."sub.example.org"]\nttl = 90\n'
        shorter = """
            [zone."example.org"]
            account = "mail"
            nameservers = ["192.0.2.1:54"]
            readiness = "strict"
            ttl = 30
            timeout = 100
        """
        settings = from_file(file, TWO + longer + shorter)
        name = "_acme-challenge.sub.example.org"
        (account,) = settings.accounts_for(name)
        assert account.name == "mail"
        assert settings.nameservers_for(name) == (("192.0.2.1", 54),)
        assert settings.readiness_for(name) == "strict"
        assert settings.profile_for(account, name) == account.profile._replace(ttl=90, timeout=100)

    def test_a_zone_overrides_the_account_and_the_account_the_provider(self, file: Path) -> None:
        settings = from_file(file, ACCOUNT + 'ttl = 30\ntimeout = 100\n[zone."example.org"]\nttl = 90\n')
        account = settings.account_named("web")
        inside, outside = (settings.profile_for(account, name) for name in ("a.example.org", "a.example.com"))
        assert (inside.ttl, inside.timeout, inside.rounds) == (90, 100, 1)
        assert (outside.ttl, outside.timeout, outside.rounds) == (30, 100, 1)

    def test_an_id_is_that_of_the_very_zone(self, file: Path) -> None:
        settings = from_file(file, ACCOUNT + '[zone."example.org"]\nid = "Z1"\n')
        assert settings.zone_id_for("example.org") == "Z1"
        assert settings.zone_id_for("sub.example.org") == ""

    @pytest.mark.parametrize(
        ("longer", "apex"),
        [("ttl = 90", "example.org"), ('id = "Z2"', "sub.example.org"), ("", "example.org")],
    )
    def test_the_zone_of_a_name_is_said_by_the_servers_or_the_id_of_a_section(
        self, file: Path, longer: str, apex: str
    ) -> None:
        sections = f'[zone."sub.example.org"]\n{longer}\n[zone."example.org"]\nnameservers = ["192.0.2.1"]\n'
        assert from_file(file, ACCOUNT + sections).apex_for("_acme-challenge.sub.example.org") == apex

    @pytest.mark.parametrize("name", ["Example.ORG", "example.org.", "EXAMPLE.org."])
    def test_names_are_compared_as_the_dns_does(self, file: Path, name: str) -> None:
        settings = from_file(file, f'{ACCOUNT}[zone."{name}"]\nid = "Z1"\n')
        assert settings.apex_for("_acme-challenge.example.org") == "example.org"
        assert settings.zone_id_for("example.org") == "Z1"

    def test_a_name_may_be_internationalised(self, file: Path) -> None:
        settings = from_file(file, ACCOUNT + '[zone."bücher.example"]\nid = "Z1"\n')
        assert settings.zone_id_for("xn--bcher-kva.example") == "Z1"

    @pytest.mark.parametrize(
        ("text", "said", "hinted"),
        [
            ('[zone."*.example.org"]', '[zone."*.example.org"]: a zone has no *', "example.org stands for"),
            ('[zone."example..org"]', '[zone."example..org"]: the name of a zone has no empty label', "dot"),
            ('[zone.""]', '[zone.""]: the name of a zone has no empty label', "dot"),
            ("[zone.example.org]\nttl = 5", "[zone.\"example\"]: 'org' is no key", '[zone."example.org"]'),
            (
                '[zone."a.org"]\naccount = "wbe"',
                "[zone.\"a.org\"]: unknown account 'wbe'; did you mean 'web'?",
                "web",
            ),
            (
                '[zone."a.org"]\nacount = "web"',
                "[zone.\"a.org\"]: unknown key 'acount'; did you mean 'account'?",
                "id",
            ),
            (
                '[zone."a.org"]\nzone_id = "Z0"',
                "[zone.\"a.org\"]: unknown key 'zone_id': here, that is 'id'",
                "write id",
            ),
            ('[zone."a.org"]\nid = 7', '[zone."a.org"]: id: 7 is not a string', '"…"'),
            (
                '[zone."a.org"]\nnameservers = ["ns.a.org"]',
                "[zone.\"a.org\"]: nameservers: 'ns.a.org'",
                "192.0.2.53",
            ),
            ('[zone."a.org"]\nrounds = 0', '[zone."a.org"]: rounds: 0 is not a whole number from 1', "own"),
            ('[zone."a.org"]\n[zone."A.org."]', '[zone."A.org."]: there is another section for a.org', "one"),
            ("[zone]\nttl = 7", "[zone] lacks the name that it is for", '[zone."NAME"]'),
        ],
    )
    def test_what_is_wrong_is_said_by_section_and_key(
        self, file: Path, text: str, said: str, hinted: str
    ) -> None:
        message, hint = refusal_of(file, ACCOUNT + text)
        assert message.startswith(said)
        assert hinted in hint


class TestStateFolder:
    @pytest.mark.parametrize(
        ("user", "environ", "expected"),
        [
            (0, {}, "/var/lib/dns01"),
            (0, {"STATE_DIRECTORY": "/a:/b"}, "/a"),
            (0, {"DNS01_STATE_DIR": "/mine", "STATE_DIRECTORY": "/a:/b"}, "/mine"),
            (7, {"HOME": "/home/ada"}, "/home/ada/.local/state/dns01"),
            (7, {"HOME": "/home/ada", "XDG_STATE_HOME": "/x"}, "/x/dns01"),
            (7, {"HOME": "/home/ada", "XDG_STATE_HOME": "relative"}, "/home/ada/.local/state/dns01"),
        ],
    )
    def test_is_where_the_environment_and_the_user_say(
        self, monkeypatch: pytest.MonkeyPatch, user: int, environ: dict[str, str], expected: str
    ) -> None:
        monkeypatch.setattr(os, "geteuid", lambda: user)
        assert state_dir(environ) == expected

    def test_stands_in_the_defaults_that_speak_of_it(self, state_dir: Path) -> None:
        settings = load_settings({"DNS01_PROVIDER": "standalone", "DNS01_STATE_DIR": str(state_dir)})
        defaults = {option.key: option.default for option in providers.load("standalone").options}
        options = settings.account_named("standalone").options
        assert [key for key, default in defaults.items() if "{state}" in default]
        assert all(
            options[key] == default.replace("{state}", str(state_dir))
            for key, default in defaults.items()
            if "{state}" in default
        )


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


@pytest.fixture
def hidden(default_file: Path) -> Iterator[Path]:
    """The folder of the default file, which the effective user may not look into meanwhile."""
    default_file.write_text(ACCOUNT)
    default_file.parent.chmod(0o700)
    os.seteuid(65534)
    yield default_file.parent
    os.seteuid(0)


@pytest.mark.parametrize("load", [load_settings, load_deployments, outline_deployments, load_receivers])
def test_a_default_file_that_may_not_be_seen_is_not_one_that_is_missing(
    load: Callable[[Mapping[str, str]], object], hidden: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({})
    assert str(caught.value) == f"{hidden} cannot be read: Permission denied"
    assert caught.value.hint == "run it as the user who runs the client (sudo)"


@pytest.mark.parametrize("environ", [VARIABLES, {**VARIABLES, "DNS01_CONFIG": ""}])
def test_who_may_not_see_the_default_file_can_do_with_variables(
    environ: Mapping[str, str], hidden: Path
) -> None:
    assert called(load_settings(environ).accounts.values()) == ["rfc2136"]
