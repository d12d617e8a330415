"""Where the configuration is read from: variables alone for one account, a TOML file for several."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from configured import ACCOUNT, VARIABLES, called, from_file, refusal, secret_file

from dns01 import providers
from dns01.errors import ConfigError
from dns01.hooks.config.load import configuration_file, load_settings, open_account
from dns01.hooks.state.folder import state_dir
from dns01.providers.base import Profile


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

    @pytest.mark.parametrize(
        ("provider", "theirs", "ours"),
        [
            ("digitalocean", "DIGITALOCEAN_ACCESS_TOKEN", "DO_AUTH_TOKEN"),
            ("digitalocean", "DO_TOKEN", "DO_AUTH_TOKEN"),
            ("gandi", "GANDI_PAT", "GANDIV5_PERSONAL_ACCESS_TOKEN"),
            ("cloudflare", "CLOUDFLARE_TOKEN", "CF_DNS_API_TOKEN"),
            ("powerdns", "POWERDNS_API_KEY", "PDNS_API_KEY"),
            ("dnsimple", "DNSIMPLE_TOKEN", "DNSIMPLE_OAUTH_TOKEN"),
            ("porkbun", "PORKBUN_API_SECRET_KEY", "PORKBUN_SECRET_API_KEY"),
            ("acmedns", "ACMEDNS_UPDATE_URL", "ACME_DNS_API_BASE"),
            ("alidns", "ALIYUN_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"),
            ("duckdns", "DUCKDNSTOKEN", "DUCKDNS_TOKEN"),
            ("ovh", "OVH_APP_KEY", "OVH_CONSUMER_KEY"),
        ],
    )
    def test_where_credentials_are_lacking_those_of_other_programs_are_said(
        self, capsys: pytest.CaptureFixture[str], provider: str, theirs: str, ours: str
    ) -> None:
        with suppress(ConfigError):
            load_settings({"DNS01_CONFIG": "", "DNS01_PROVIDER": provider, theirs: "dG9rZW4K-value"})
        (line,) = capsys.readouterr().err.splitlines()
        assert {theirs, provider} <= set(re.findall(r"\w+", line))
        assert ours in line

    @pytest.mark.parametrize(
        "environ",
        [
            {"DNS01_PROVIDER": "scaleway", "SCW_SECRET_KEY": "dG9rZW4K", "SCW_ACCESS_KEY": "SCWXXX"},
            {"DNS01_PROVIDER": "cloudflare", "CF_DNS_API_TOKEN": "dG9rZW4K", "CF_Zone_ID": "0123"},
            {"DNS01_PROVIDER": "route53", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials"},
            {"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": "dG9rZW4K", "DO_PROPAGATION_TIMEOUT": "9"},
        ],
    )
    def test_where_nothing_is_lacking_they_are_nobody_s_business(
        self, capsys: pytest.CaptureFixture[str], environ: Mapping[str, str]
    ) -> None:
        load_settings(environ)
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ('"dG9rZW4K-value"', "quotation marks"),  # go-acme/lego#912: docker's --env-file
            ("'dG9rZW4K-value'", "quotation marks"),
            ("\N{LEFT DOUBLE QUOTATION MARK}dG9rZW4K\N{RIGHT DOUBLE QUOTATION MARK}", "quotation marks"),
            ("<dG9rZW4K-value>", "brackets"),  # jbbodart/gandi-livedns#10
            ("Bearer dG9rZW4K-value", "a word of HTTP's"),
            ("Apikey dG9rZW4K-value", "a word of HTTP's"),
            ("DO_AUTH_TOKEN=dG9rZW4K-value", "a whole line"),
            ("export CF_DNS_API_TOKEN=dG9rZW4K", "a whole line"),
            ('export CF_Token="dG9rZW4K-value"', "a whole line"),
            ("dns_cloudflare_api_token = dG9rZW4K", "a whole line"),
            ("KEY=dG9rZW4K", "a whole line"),
            ("api_token: dG9rZW4K", "a whole line"),
            ("Authorization: Bearer dG9rZW4K", "a word of HTTP's"),
            ("X-Auth-Key:dG9rZW4K", "a word of HTTP's"),
            ("{{ vault_token }}", "brackets"),
            ("${CF_Token}", "the name of a variable"),
            ("$DO_AUTH_TOKEN", "the name of a variable"),
            ("https://cloud.digitalocean.com/account/api/tokens", "a web address"),
            ('{"token": "dG9rZW4K"}', "is JSON"),
            ("# of the web server\ndG9rZW4K-value", "several lines"),
            ("\ufeffdG9rZW4K", "byte order mark"),
            ("dG9rZW4K-value\r", "carriage return"),
            ("YOUR_API_TOKEN", "a placeholder"),
            ("your-cloudflare-api-token", "a placeholder"),
            ("changeme", "a placeholder"),
            ("xxxxxxxx", "a placeholder"),
            ("TODO", "a placeholder"),
            ("api-key", "a placeholder"),
            ("...", "a placeholder"),
        ],
    )
    def test_a_secret_that_cannot_be_meant_so_is_refused_and_not_shown(self, value: str, reason: str) -> None:
        message, hint = refusal({"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": value})
        assert message.startswith("DO_AUTH_TOKEN: ")
        assert reason in message
        assert value.strip() not in message + hint

    @pytest.mark.parametrize(
        "value",
        [
            "dG9rZW4K_value==",
            "user:p4ss:word",
            "my key is a sentence",
            "$ecret",
            "a=b",
            "c2VjcmV0c2VjcmV0\nc2VjcmV0c2VjcmV0==",  # as openssl rand -base64 breaks it
            "-----BEGIN PRIVATE KEY-----\nTOKEN=\n-----END PRIVATE KEY-----",
        ],
    )
    def test_a_secret_that_may_be_meant_so_is_taken(self, value: str) -> None:
        settings = load_settings({"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": value})
        assert settings.account_named("digitalocean").options["token"] == value

    def test_a_carriage_return_is_no_part_of_anything_else_either(self) -> None:
        environ = {"DNS01_PROVIDER": "inwx", "INWX_USERNAME": "me\r", "INWX_PASSWORD": "dG9rZW4K1"}
        message, hint = refusal(environ)
        assert message == (
            "INWX_USERNAME: the value ends with a carriage return: the file that it comes from has the line"
            " ends of Windows"
        )
        assert hint.startswith("take the carriage return out of what INWX_USERNAME is set from; ")

    @pytest.mark.parametrize("value", ['"me"', "'me'"])
    def test_quotes_are_no_part_of_anything_else_either(self, value: str) -> None:
        """go-acme/lego#912: docker's --env-file keeps them."""
        environ = {"DNS01_PROVIDER": "inwx", "INWX_USERNAME": value, "INWX_PASSWORD": "dG9rZW4K1"}
        message, hint = refusal(environ)
        assert message == (
            "INWX_USERNAME: the value stands in quotation marks, which are taken for a part of it"
        )
        assert hint.startswith("write it into INWX_USERNAME without them: docker's --env-file")

    def test_a_path_in_the_place_of_a_secret_is_said_with_the_variable_for_it(self, tmp_path: Path) -> None:
        """traefik/traefik#9522: CF_DNS_API_TOKEN=/run/secrets/…"""
        path = str(secret_file(tmp_path / "token"))
        message, hint = refusal({"DNS01_PROVIDER": "cloudflare", "CF_DNS_API_TOKEN": path})
        assert message == "CF_DNS_API_TOKEN: the value is the path of a file, and not what it holds"
        assert "CF_DNS_API_TOKEN_FILE" in hint

    @pytest.mark.parametrize(
        "value", ["a'b\"c", "it's", "a<b>c", "my dog's key is long", "/no/such/file", '"']
    )
    def test_a_secret_that_is_merely_odd_is_taken_as_it_is(self, value: str) -> None:
        settings = load_settings(
            {"DNS01_CONFIG": "", "DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": value}
        )
        assert settings.account_named("digitalocean").options["token"] == value

    def test_one_that_is_right_all_the_same_is_taken_from_a_file(self, tmp_path: Path) -> None:
        path = str(secret_file(tmp_path / "token", "<dG9rZW4K>"))
        settings = load_settings(
            {"DNS01_CONFIG": "", "DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN_FILE": path}
        )
        assert settings.account_named("digitalocean").options["token"] == "<dG9rZW4K>"

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
        first, *_, last = refusal({}, "/etc/dns01/config.toml")[1].splitlines()
        assert first == (
            "run `dns01 init`, write /etc/dns01/config.toml, or export in the client's configuration,"
            " for example:"
        )
        assert last == (
            "      (by hand, lend it what dehydrated has: bash -c '. /etc/dehydrated/config; dns01 …')"
        )
        assert load_settings(dict(exports)).accounts

    def test_an_unknown_provider_names_the_nearest(self) -> None:
        message, hint = refusal({"DNS01_PROVIDER": "rfc2163"})
        assert message.startswith("DNS01_PROVIDER: ")
        assert "rfc2136" in message
        assert "standalone" in hint

    def test_a_missing_option_names_key_variable_and_account(self) -> None:
        message, hint = refusal({"DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": ""})
        assert message.startswith("the account rfc2136 ")
        assert "nameserver (RFC2136_NAMESERVER)" in message
        assert hint == (
            "export RFC2136_NAMESERVER=…, or RFC2136_NAMESERVER_FILE=/path/of/a/file that holds it"
        )

    def test_any_variable_may_name_a_file_instead(self, tmp_path: Path) -> None:
        secret = secret_file(tmp_path / "secret")
        server = secret_file(tmp_path / "server", "192.0.2.54", mode=0o644)
        settings = load_settings(
            {
                "DNS01_CONFIG": "",
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
        assert message.startswith(f"RFC2136_TSIG_SECRET_FILE: {secret} ")
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
        assert message.startswith(f"RFC2136_{option}_FILE: /no/such ")

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
        assert list(load_settings({}, str(default_file)).accounts) == ["web"]

    def test_the_one_that_is_named_is_read_instead(self, default_file: Path, file: Path) -> None:
        default_file.write_text("this is not TOML")
        file.write_text(ACCOUNT)
        assert list(load_settings({"DNS01_CONFIG": str(file)}, str(default_file)).accounts) == ["web"]

    def test_one_that_is_named_must_be_there(self) -> None:
        message, hint = refusal({"DNS01_CONFIG": "/no/such/file"})
        assert message == "/no/such/file: it cannot be read: No such file or directory"
        assert hint == "DNS01_CONFIG names the file"

    @pytest.mark.parametrize(
        "rivals",
        [["DNS01_PROVIDER"], ["DNS01_TTL"], ["DNS01_PROVIDER", "DNS01_NAMESERVERS", "DNS01_TIMEOUT"]],
    )
    def test_neither_the_file_nor_variables_win_where_both_are_there(
        self, default_file: Path, rivals: list[str]
    ) -> None:
        default_file.write_text(ACCOUNT)
        message, hint = refusal(dict.fromkeys(rivals, "7"), default_file)
        both = f"{' and '.join(rivals)} and the file {default_file}"
        assert message == f"there are both {both}: either could be meant"
        assert hint == (
            f"unset {' '.join(rivals)}, and write what is meant into the file; or export DNS01_CONFIG="
            " (empty) to leave the file aside"
        )

    def test_an_empty_name_leaves_the_default_aside(self, default_file: Path) -> None:
        default_file.write_text(ACCOUNT)
        assert list(load_settings({**VARIABLES, "DNS01_CONFIG": ""}, str(default_file)).accounts) == [
            "rfc2136"
        ]

    def test_resolvers_and_readiness_in_variables_go_before_the_file(self, file: Path) -> None:
        text = 'resolvers = ["192.0.2.1"]\nreadiness = "public"\n' + ACCOUNT
        settings = from_file(file, text, {"DNS01_RESOLVERS": "192.0.2.2:54", "DNS01_READINESS": "strict"})
        assert settings.resolvers == (("192.0.2.2", 54),)
        assert settings.readiness == "strict"

    @pytest.mark.parametrize(("content", "line"), [(b"\na = ", 2), (b"[account.web\n", 1)])
    def test_what_is_not_toml_is_said_with_its_line(self, file: Path, content: bytes, line: int) -> None:
        file.write_bytes(content)
        message, hint = refusal({"DNS01_CONFIG": str(file)})
        assert message.startswith(f"{file}: ")
        assert f" line {line}: " in message
        assert hint

    def test_what_is_not_utf_8_is_said_with_its_line(self, file: Path) -> None:
        file.write_bytes(b'a = "b"\nb = "\xff"')
        expected = (f"{file}: it is not TOML: line 2 is not UTF-8", "save it as UTF-8")
        assert refusal({"DNS01_CONFIG": str(file)}) == expected


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
            (1, {"HOME": "relative"}, "/usr/sbin/.local/state/dns01"),  # Debian's "daemon"
            (1, {"HOME": ""}, "/usr/sbin/.local/state/dns01"),
            (1, {}, "/usr/sbin/.local/state/dns01"),
        ],
    )
    def test_is_where_the_environment_and_the_user_say(
        self, user: int, environ: dict[str, str], expected: str
    ) -> None:
        assert state_dir(environ, user) == expected

    def test_stands_in_the_defaults_that_speak_of_it(self, state_dir: Path) -> None:
        settings = load_settings(
            {"DNS01_CONFIG": "", "DNS01_PROVIDER": "standalone", "DNS01_STATE_DIR": str(state_dir)}
        )
        defaults = {option.key: option.default for option in providers.load("standalone").options}
        options = settings.account_named("standalone").options
        assert [key for key, default in defaults.items() if "{state}" in default]
        assert all(
            options[key] == default.replace("{state}", str(state_dir))
            for key, default in defaults.items()
            if "{state}" in default
        )


@pytest.fixture
def hidden(default_file: Path) -> Iterator[Path]:
    """The folder of the default file, which the effective user may not look into meanwhile."""
    providers.load("rfc2136")  # it may be where that user may not look into, either
    default_file.write_text(ACCOUNT)
    default_file.parent.chmod(0o700)
    os.seteuid(65534)
    yield default_file.parent
    os.seteuid(0)


@pytest.mark.parametrize("load", [load_settings, configuration_file])
def test_a_default_file_that_may_not_be_seen_is_not_one_that_is_missing(
    load: Callable[[Mapping[str, str], str], object], hidden: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        load({}, f"{hidden}/config.toml")
    assert str(caught.value) == f"{hidden} cannot be read: Permission denied"
    assert caught.value.hint == "run it as the user who runs the client (sudo)"


UNNAMED = {key: value for key, value in VARIABLES.items() if key != "DNS01_CONFIG"}


@pytest.mark.parametrize("environ", [UNNAMED, {**UNNAMED, "DNS01_CONFIG": ""}])
def test_who_may_not_see_the_default_file_can_do_with_variables(
    environ: Mapping[str, str], hidden: Path
) -> None:
    settings = load_settings(environ, f"{hidden}/config.toml")
    assert called(settings.accounts.values()) == ["rfc2136"]
