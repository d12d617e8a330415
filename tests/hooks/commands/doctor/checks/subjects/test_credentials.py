"""What the doctor says of an account's own settings: disguised secrets, and where each setting stands."""

from __future__ import annotations

import pkgutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from configured import secret_file
from examined import codes, examine
from testbed import World

from dns01 import providers
from dns01.errors import ConfigError
from dns01.hooks.commands.doctor.checks import account, configuration
from dns01.hooks.commands.doctor.checks.subjects.credentials import as_written, disguised
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Account, Settings
from dns01.options import Option

DISGUISES = (
    'export CF_Token="dG9rZW4K-value"',
    "api_key = dG9rZW4K-value",
    "KEY=dG9rZW4K-value",
    "<your-api-token>",
    "YOUR_TOKEN",
    "changeme",
    "Bearer dG9rZW4K-value",
    "Authorization: Bearer dG9rZW4K-value",
    "'dG9rZW4K-value'",
    "https://example.net/tokens",
    '{"token": "dG9rZW4K-value"}',
    "\ufeffdG9rZW4K-value",
    "dG9rZW4K-value\r\r",
    "# of the web server\ndG9rZW4K-value",
)


def secrets() -> Iterator[tuple[str, Option]]:
    """Every secret of every provider that is a word, and no document."""
    for module in sorted(each.name for each in pkgutil.iter_modules(providers.__path__)):
        with suppress(ConfigError):
            for option in providers.load(module).options:
                if option.secret and not option.table and "private" not in option.key:
                    yield module, option


SECRETS = list(secrets())


def the_account(provider: str, option: Option, path: Path) -> tuple[Settings, Mapping[str, str], Account]:
    """The one account of a provider, one of whose secrets is in a file."""
    kind = providers.load(provider)
    required = {each.env[0]: "127.0.0.1" for each in kind.options if each.required and each.key != option.key}
    environ = {"DNS01_CONFIG": "", "DNS01_PROVIDER": provider, **required, f"{option.env[0]}_FILE": str(path)}
    settings = load_settings(environ)
    return settings, environ, settings.account_named(provider)


@pytest.mark.parametrize(
    ("provider", "option"), SECRETS, ids=[f"{name}-{option.key}" for name, option in SECRETS]
)
def test_a_secret_of_any_provider_that_is_disguised_is_named_by_its_file(
    tmp_path: Path, provider: str, option: Option
) -> None:
    path = tmp_path / "secret"
    for disguise in DISGUISES:
        secret_file(path, disguise)
        (finding,) = disguised(*the_account(provider, option, path))
        assert (finding.code, finding.severity) == ("secret-disguised", Severity.ERROR)
        assert f"{path} ({option.env[0]}_FILE)" in finding.remedy[0]
        assert "dG9rZW4K" not in "".join((finding.message, *finding.remedy))
    secret_file(path, "dG9rZW4K-v4lue")
    assert list(disguised(*the_account(provider, option, path))) == []


@pytest.mark.parametrize(
    "disguise",
    [
        'export CF_Token="dG9rZW4K-v4lue"',
        "api_key = dG9rZW4K-v4lue",
        "api_key: 'dG9rZW4K-v4lue'",
        "Bearer dG9rZW4K-v4lue",
        "Authorization: Bearer dG9rZW4K-v4lue",
        "'dG9rZW4K-v4lue'",
        "\ufeffdG9rZW4K-v4lue",
        "dG9rZW4K-v4lue\r\r",
    ],
)
def test_the_command_that_is_said_mends_the_file(tmp_path: Path, disguise: str) -> None:
    path = secret_file(tmp_path / "secret", disguise)
    (option,) = (each for each in providers.load("digitalocean").options if each.secret)
    while found := list(disguised(*the_account("digitalocean", option, path))):
        command = found[0].remedy[0].partition(": sed ")[2]
        subprocess.run(f"sed {command}", shell=True, check=True)
    assert path.read_text().strip() == "dG9rZW4K-v4lue"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", {"ns1.example.org": "127.1.0.1"})
        yield world


def test_nobody_is_asked_with_a_disguised_secret(world: World, tmp_path: Path) -> None:
    nobody = {"DNS01_PROVIDER": "digitalocean", "DO_API_URL": "http://127.0.0.1:9"}
    path = secret_file(tmp_path / "token", "DO_AUTH_TOKEN=dG9rZW4K")
    examined = examine(world, "example.org", **nobody, DO_AUTH_TOKEN_FILE=str(path))
    assert codes(configuration.check(examined)) == ["secret-disguised"]
    assert codes(account.check(examined)) == []

    secret_file(path, "dG9rZW4K-v4lue")
    examined = examine(world, "example.org", **nobody, DO_AUTH_TOKEN_FILE=str(path))
    assert codes(configuration.check(examined)) == []
    assert codes(account.check(examined)) == ["provider-unreachable"]


def test_a_disguised_secret_in_a_variable_or_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    _, (finding,) = configuration.load({"DNS01_PROVIDER": "digitalocean", "DO_AUTH_TOKEN": "changeme"})
    assert (finding.code, finding.severity) == ("secret-disguised", Severity.ERROR)
    assert "into DO_AUTH_TOKEN," in finding.remedy[0]

    file.write_text('[account.web]\nprovider = "digitalocean"\ntoken = "Bearer dG9rZW4K"\n')
    file.chmod(0o600)
    _, (finding,) = configuration.load({"DNS01_CONFIG": str(file)})
    assert finding.code == "secret-disguised"
    assert finding.message.startswith(f"{file}: [account.web]: token: ")


TWO = """
[account.a1]
provider = "rfc2136"
nameserver = "192.0.2.1"
tsig_key = "one"
tsig_secret = { file = "one.key" }
[account.a2]
provider = "rfc2136"
nameserver = { env = "SECOND" }
tsig_key = "two"
tsig_secret = "dHdv"
"""
ADVICE = "RFC2136_NAMESERVER is to name the primary, and RFC2136_TSIG_SECRET is its key's"


@pytest.mark.parametrize(
    ("accounts", "subject", "expected"),
    [
        (
            ("a1",),
            "example.org",
            "nameserver in [account.a1] of {f} is to name the primary, and "
            "{d}/one.key (tsig_secret in [account.a1] of {f}) is its key's",
        ),
        (
            ("a1", "a2"),
            "a2",
            "SECOND (nameserver in [account.a2] of {f}) is to name the primary, and "
            "tsig_secret in [account.a2] of {f} is its key's",
        ),
        (
            ("a1", "a2"),
            "example.org",
            "nameserver in [account.a1] of {f} or SECOND (nameserver in [account.a2] of {f}) is to name the "
            "primary, and {d}/one.key (tsig_secret in [account.a1] of {f}) or tsig_secret in [account.a2] of "
            "{f} is its key's",
        ),
    ],
)
def test_a_step_names_the_place_of_a_setting_in_the_file(
    tmp_path: Path, accounts: tuple[str, ...], subject: str, expected: str
) -> None:
    file = secret_file(tmp_path / "config.toml", TWO)
    secret_file(tmp_path / "one.key")
    environ = {"DNS01_CONFIG": str(file), "SECOND": "192.0.2.2"}
    settings = load_settings(environ)
    finding = Finding("code", Severity.ERROR, subject, "it is so", (ADVICE, "rndc thaw"))

    told = as_written(settings, environ, [settings.account_named(each) for each in accounts], finding)

    assert told.remedy == (expected.format(f=file, d=tmp_path), "rndc thaw")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"DO_AUTH_TOKEN": "a"}, "see that DO_AUTH_TOKEN is right"),
        ({"DO_API_KEY": "a"}, "see that DO_API_KEY is right"),
        ({"DO_API_KEY_FILE": "{path}"}, "see that {path} (DO_API_KEY_FILE) is right"),
        ({"DO_AUTH_TOKEN_FILE": "{path}"}, "see that {path} (DO_AUTH_TOKEN_FILE) is right"),
    ],
)
def test_a_step_names_the_variable_that_is_set(
    tmp_path: Path, environ: Mapping[str, str], expected: str
) -> None:
    path = str(secret_file(tmp_path / "token"))
    environ = {name: value.format(path=path) for name, value in environ.items()}
    environ |= {"DNS01_CONFIG": "", "DNS01_PROVIDER": "digitalocean"}
    settings = load_settings(environ)
    finding = Finding("code", Severity.ERROR, "a", "it is so", ("see that DO_AUTH_TOKEN is right",))

    told = as_written(settings, environ, list(settings.accounts.values()), finding)

    assert told.remedy == (expected.format(path=path),)
