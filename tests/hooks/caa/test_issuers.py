"""Which CA an order goes to, as far as the configuration or the client tells."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.caa.issuers import (
    PRESETS,
    AcmeAccount,
    Issuer,
    account_uri,
    ca,
    issuer_of,
    issuers,
    of_call,
    of_certbot,
    of_dehydrated,
)
from dns01.hooks.clients.process import ClientProcess
from dns01.hooks.clients.setup import dehydrated_config
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Settings

VARIABLES = {"DNS01_PROVIDER": "memory", "DNS01_MEMORY_ZONES": "example.org", "DNS01_CONFIG": ""}
LETSENCRYPT = PRESETS["letsencrypt"]
STAGING = PRESETS["letsencrypt-test"]
ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/1234"


def configured(**environ: str) -> Settings:
    return load_settings({**VARIABLES, **environ})


@contextmanager
def running(*words: str, name: str) -> Iterator[ClientProcess]:
    """A process of that command line, as an ACME client."""
    command = [sys.executable, "-c", "input(1)", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.read(1)  # it is there
        yield ClientProcess(name, process.pid, 0, "")
        process.communicate(b"\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """dehydrated's, with an account at Let's Encrypt."""
    account = (
        tmp_path / "accounts" / base64.urlsafe_b64encode(f"{LETSENCRYPT}\n".encode()).decode().rstrip("=")
    )
    account.mkdir(parents=True)
    (account / "account_id.json").write_text(json.dumps({"url": ACCOUNT}))
    return tmp_path


def order(folder: Path, text: str, said: str = "") -> AcmeAccount:
    (folder / "config").write_text(text)
    found = dehydrated_config.read_config({"CONFIG": str(folder / "config")})
    assert found
    return of_dehydrated(found, said)


# What a CA may be called


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("letsencrypt", "letsencrypt.org"),
        ("letsencrypt-staging", "letsencrypt.org"),
        ("letsencrypt.org", "letsencrypt.org"),
        (STAGING, "letsencrypt.org"),
        ("zerossl", "sectigo.com"),
        ("https://acme.zerossl.com/v2/DV90", "sectigo.com"),
        ("google", "pki.goog"),
        ("https://dv.acme-v02.test-api.pki.goog/directory", "pki.goog"),
        ("https://api.test4.buypass.no/acme/directory", "buypass.com"),
        ("ssl.com", "ssl.com"),
        ("https://acme.ssl.com/sslcom-dv-ecc", "ssl.com"),
        ("https://acme.sectigo.com/v2/InCommonRSAOV", "sectigo.com"),
        ("https://acme.digicert.com/v2/acme/directory/", "digicert.com"),
        ("CA.Example.NET", "ca.example.net"),
    ],
)
def test_a_ca_is_known_by_a_short_name_its_own_or_its_directory(said: str, expected: str) -> None:
    assert ca(said) == said
    assert issuers(said)[0] == expected


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:14000/dir", "https://acme.corp.example/directory", "https://notssl.com/x", ""]
)
def test_a_directory_that_nobody_has_heard_of_is_of_no_known_ca(url: str) -> None:
    assert issuers(url) == ()


def test_a_word_that_is_no_ca_is_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as caught:
        configured(DNS01_CA="letsencript")

    assert str(caught.value) == "DNS01_CA: unknown CA 'letsencript'; did you mean 'letsencrypt'?"
    assert "zerossl" in caught.value.hint
    assert caught.value.hint.endswith("else its issuer domain name, or the URL of its ACME directory")


def test_an_account_is_a_uri() -> None:
    with pytest.raises(ConfigError, match="DNS01_CA_ACCOUNT: '1234' is no account URI"):
        configured(DNS01_CA_ACCOUNT="1234")


# Who goes before whom


def by_settings(settings: Settings, order: AcmeAccount) -> Issuer:
    return issuer_of(settings.ca, settings.ca_account, order)


def test_without_any_word_the_ca_is_unknown() -> None:
    assert by_settings(configured(), AcmeAccount()).names == ()


def test_the_file_says_it_and_the_variable_goes_before(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'ca = "zerossl"\nca_account = "{ACCOUNT}"\n[account.web]\nprovider = "standalone"\n')

    settings = load_settings({"DNS01_CONFIG": str(file), "DNS01_CA": "google"})

    assert by_settings(settings, AcmeAccount()) == (("pki.goog",), ACCOUNT)
    assert load_settings({"DNS01_CONFIG": str(file)}).ca == "zerossl"


def test_the_configuration_goes_before_the_client_whose_account_is_another_ca_s_then() -> None:
    said = AcmeAccount(LETSENCRYPT, ACCOUNT)

    assert by_settings(configured(), said) == (("letsencrypt.org",), ACCOUNT)
    assert by_settings(configured(DNS01_CA="letsencrypt-staging"), said).account == ACCOUNT
    assert by_settings(configured(DNS01_CA="google"), said) == (("pki.goog",), "")
    assert by_settings(configured(DNS01_CA_ACCOUNT="https://a/1"), said).account == "https://a/1"


# dehydrated's configuration


def test_dehydrated_s_own_is_let_s_encrypt_and_its_files_tell_the_account(folder: Path) -> None:
    assert order(folder, "HOOK=/usr/bin/dns01\n") == AcmeAccount(LETSENCRYPT, ACCOUNT)


@pytest.mark.parametrize(
    "line", [f'CA="{STAGING}"', "CA=letsencrypt-test", "export CA='letsencrypt-test' # x"]
)
def test_dehydrated_s_config_names_another(folder: Path, line: str) -> None:
    assert order(folder, f"{line}\n") == AcmeAccount(STAGING)


def test_dehydrated_s_command_line_goes_before(folder: Path) -> None:
    assert order(folder, 'CA="zerossl"\n', said="letsencrypt") == AcmeAccount(LETSENCRYPT, ACCOUNT)


@pytest.mark.parametrize(
    "text",
    ['CA="$(cat /etc/ca)"', 'CA="${MY_CA}"', "if true; then\n  CA=zerossl\nfi", ". /etc/dehydrated/secrets"],
)
def test_what_only_a_shell_could_tell_is_unknown_and_nothing_is_executed(folder: Path, text: str) -> None:
    assert order(folder, f"{text}\n") == AcmeAccount()


def test_a_ca_that_is_named_beside_a_sourced_file_is_believed(folder: Path) -> None:
    assert order(folder, ". /etc/dehydrated/secrets\nCA=zerossl\n").directory == PRESETS["zerossl"]


def test_dehydrated_s_accounts_may_be_elsewhere(folder: Path) -> None:
    os.rename(folder / "accounts", folder / "keys")

    assert order(folder, "").uri == ""
    assert order(folder, f"ACCOUNTDIR={folder}/keys\n").uri == ACCOUNT
    assert order(folder, 'ACCOUNTDIR="${BASEDIR}/keys"\n').uri == ACCOUNT


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": null}'])
def test_an_account_file_that_tells_nothing_leaves_it_unknown(folder: Path, text: str) -> None:
    (next((folder / "accounts").iterdir()) / "account_id.json").write_text(text)

    assert order(folder, "") == AcmeAccount(LETSENCRYPT)


# A call


def test_a_call_of_dehydrated_s_is_known_by_the_config_that_it_exports(folder: Path) -> None:
    (folder / "config").write_text("CA=letsencrypt\n")
    with running("--cron", name="dehydrated") as client:
        assert of_call({"CONFIG": str(folder / "config")}, client) == AcmeAccount(LETSENCRYPT, ACCOUNT)
        assert of_call({"CONFIG": str(folder / "nowhere")}, client) == AcmeAccount()
        assert of_call({}, client) == AcmeAccount()


def test_options_of_dehydrated_s_go_before_its_config(folder: Path) -> None:
    (folder / "config").write_text("")
    environ = {"CONFIG": str(folder / "config")}
    with running("-c", "--ca", "zerossl", name="dehydrated") as client:
        assert of_call(environ, client).directory == PRESETS["zerossl"]
    with running("-c", "--privkey", "other.pem", name="dehydrated") as client:
        assert of_call(environ, client) == AcmeAccount(LETSENCRYPT)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("certbot", ("renew", "--server", STAGING)),
        ("certbot", (f"--server={STAGING}",)),
        ("lego", ("-s", STAGING)),
    ],
)
def test_other_clients_tell_by_their_command_line(name: str, words: tuple[str, ...]) -> None:
    with running(*words, name=name) as client:
        assert of_call({}, client) == AcmeAccount(STAGING)


def test_a_client_that_says_nothing_is_not_guessed_about(folder: Path) -> None:
    (folder / "config").write_text("CA=letsencrypt\n")  # is not certbot's
    with running("renew", name="certbot") as client:
        assert of_call({"CONFIG": str(folder / "config")}, client) == AcmeAccount()
    assert of_call({"CONFIG": str(folder / "config")}, None) == AcmeAccount()


def test_certbot_s_renewal_file_tells_ca_and_account(tmp_path: Path) -> None:
    folder = tmp_path / "etc/letsencrypt/accounts/acme-v02.api.letsencrypt.org/directory/0123"
    folder.mkdir(parents=True)
    (folder / "regr.json").write_text(json.dumps({"body": {}, "uri": ACCOUNT}))

    assert of_certbot({"server": LETSENCRYPT, "account": "0123"}, str(tmp_path)) == AcmeAccount(
        LETSENCRYPT, ACCOUNT
    )
    assert of_certbot({}, str(tmp_path)) == AcmeAccount()


def test_an_account_s_uri_may_have_its_scheme_in_capitals() -> None:
    assert account_uri("HTTPS://acme.example/acct/1") == "HTTPS://acme.example/acct/1"
