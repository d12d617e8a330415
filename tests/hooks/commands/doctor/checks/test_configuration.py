"""What the doctor says of the configuration: is it right, and who else can read the secrets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from examined import codes, examine
from testbed import World

from dns01.hooks.clients.setup.users import User
from dns01.hooks.commands.doctor.checks.configuration import check, load, serving
from dns01.hooks.commands.doctor.finding import Finding, Severity

TWO = """
resolvers = ["{resolver}"]
[account.web]
provider = "memory"
zones = "example.org"
[account.other]
provider = "memory"
zones = "example.net"
[zone."org"]
account = "other"
[zone."example.org"]
account = "web"
"""


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", {"ns1.example.org": "127.1.0.1"})
        world.zone("example.net", {"ns1.example.net": "127.1.0.1"})
        yield world


@pytest.fixture
def file(tmp_path: Path, world: World) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TWO.format(resolver=world.resolver.address))
    return path


def configured(world: World, domain: str, file: Path) -> list[Finding]:
    environ = {"DNS01_PROVIDER": "", "DNS01_CONFIG": str(file)}
    return list(check(examine(world, domain, "", **environ)))


def loaded(**environ: str) -> Finding:
    settings, (finding,) = load({"DNS01_RESOLVERS": "127.0.0.53", **environ})
    assert not settings.accounts
    return finding


def test_a_right_configuration_has_no_finding(world: World, file: Path) -> None:
    assert configured(world, "example.org", file) == []


def test_the_account_is_that_of_the_longest_suffix(world: World, file: Path) -> None:
    settings = examine(world, "example.org", "", DNS01_PROVIDER="", DNS01_CONFIG=str(file)).settings
    name = "_acme-challenge.www.example.org"

    (account,), why = serving(settings, name, name)

    assert account.name == "web"
    assert why == f'[zone."example.org"] of {file} is the longest suffix of {name}'


def test_the_only_account_needs_no_section(world: World) -> None:
    name = "_acme-challenge.example.org"
    (account,), why = serving(examine(world, "example.org").settings, name, name)
    assert (account.name, why) == ("memory", "the only account in the environment")


def test_a_name_that_no_account_is_named_for(world: World, file: Path) -> None:
    (finding,) = configured(world, "example.net", file)

    assert (finding.code, finding.severity) == ("bad-configuration", Severity.ERROR)
    assert "_acme-challenge.example.net" in finding.message
    assert '[zone."example.net"]' in finding.remedy[0]


def test_no_configuration_at_all_leaves_settings_to_look_at_the_dns_by() -> None:
    finding = loaded(DNS01_CONFIG="")

    assert (finding.code, finding.severity) == ("no-configuration", Severity.ERROR)
    assert "DNS01_PROVIDER" in finding.remedy[0]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    finding = loaded(DNS01_CONFIG=str(tmp_path / "gone.toml"))
    assert (finding.code, finding.subject) == ("bad-configuration", str(tmp_path / "gone.toml"))


def test_a_file_without_any_account(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[deploy."example.org".files]\ndirectory = "{tmp_path}"\n')
    finding = loaded(DNS01_CONFIG=str(file))
    assert (finding.code, finding.severity) == ("no-configuration", Severity.ERROR)
    assert finding.subject == str(file)


def test_resolvers_that_are_none_do_not_keep_the_rest_from_being_looked_at() -> None:
    finding = loaded(DNS01_PROVIDER="memory", DNS01_MEMORY_ZONES="example.org", DNS01_RESOLVERS="nowhere")
    assert finding.code == "bad-configuration"
    assert "DNS01_RESOLVERS: 'nowhere' " in finding.message


def test_an_unknown_key_is_named_with_its_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[account.web]\nprovider = "memory"\nzone = "example.org"\n')

    finding = loaded(DNS01_CONFIG=str(file))

    assert (finding.code, finding.subject) == ("bad-configuration", str(file))
    assert "[account.web]: " in finding.message
    assert "'zone'" in finding.message
    assert finding.remedy[-1] == "dns01 config check"


def test_a_secret_in_a_file_that_others_read(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("s3cret-token")
    secret.chmod(0o644)
    file = tmp_path / "config.toml"
    file.write_text(f'[account.web]\nprovider = "cloudflare"\ntoken = {{ file = "{secret}" }}\n')

    finding = loaded(DNS01_CONFIG=str(file))

    assert (finding.code, finding.severity) == ("world-readable-secret", Severity.ERROR)
    assert finding.subject == str(secret)
    assert finding.remedy[0] == f"chmod 600 {secret}"


def test_a_secret_that_only_the_provider_reads(world: World, tmp_path: Path) -> None:
    key = tmp_path / "tsig.key"
    key.write_text('key "hook" { algorithm hmac-sha256; secret "c2VjcmV0"; };')
    key.chmod(0o640)
    environ = {"RFC2136_NAMESERVER": "127.1.0.1", "RFC2136_TSIG_FILE": str(key)}

    (finding,) = check(examine(world, "example.org", "", DNS01_PROVIDER="rfc2136", **environ))

    assert finding.code == "world-readable-secret"
    assert finding.remedy[0] == f"chmod 600 {key}"


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_a_file_that_others_write(file: Path, mode: int) -> None:
    file.chmod(mode)
    finding = loaded(DNS01_CONFIG=str(file))
    assert (finding.code, finding.severity) == ("writable-configuration", Severity.ERROR)
    assert finding.message.startswith(f"{file}: ")
    assert f"(mode {mode:04o})" in finding.message
    assert finding.remedy == (f"chmod go-w {file}",)


def test_a_secret_that_dehydrateds_configuration_exports(world: World, tmp_path: Path) -> None:
    config = tmp_path / "etc/dehydrated/config"
    config.parent.mkdir(parents=True)
    config.write_text("export DNS01_PROVIDER=rfc2136\nexport RFC2136_TSIG_SECRET=c2VjcmV0\n")
    config.chmod(0o644)
    examined = examine(world, "example.org")._replace(root=str(tmp_path))

    (finding,) = check(examined)
    assert (finding.code, finding.subject) == ("world-readable-secret", "/etc/dehydrated/config")
    assert finding.message == "RFC2136_TSIG_SECRET stands in it, and others can read it (mode 0644)"
    assert finding.remedy[0] == "chmod 600 /etc/dehydrated/config"

    config.chmod(0o600)
    assert codes(check(examined)) == []


def test_a_secret_that_is_commented_out_is_none(world: World, tmp_path: Path) -> None:
    config = tmp_path / "etc/dehydrated/config"
    config.parent.mkdir(parents=True)
    config.write_text("export DNS01_PROVIDER=rfc2136\n# export RFC2136_TSIG_SECRET=c2VjcmV0\n")
    assert codes(check(examine(world, "example.org")._replace(root=str(tmp_path)))) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (
            "DNS01_PROVIDER=rfc2136\nRFC2136_TSIG_SECRET_FILE=/etc/key\n",
            "DNS01_PROVIDER RFC2136_TSIG_SECRET_FILE",
        ),
        ("export DNS01_PROVIDER=rfc2136\nRFC2136_NAMESERVER=192.0.2.1\n", "RFC2136_NAMESERVER"),
        ("DNS01_TTL=60\n# export DNS01_TTL\n", "DNS01_TTL"),
        ("DNS01_TTL=60\nexport DNS01_TTL\n", ""),
        ("DNS01_PROVIDER=rfc2136 DNS01_TTL=60\nexport HOME DNS01_PROVIDER DNS01_TTL\n", ""),
        ("declare -x DNS01_TTL=60\n", ""),
        ("set -a\nDNS01_TTL=60\n", ""),
        ("OTHER=60\n", ""),
    ],
)
def test_what_dehydrateds_configuration_does_not_export(
    world: World, tmp_path: Path, text: str, missing: str
) -> None:
    found = of_dehydrated(world, tmp_path, text)
    assert [finding.code for finding in found] == ["not-exported"] * bool(missing)
    assert [step for finding in found for step in finding.remedy] == [
        f"write in /etc/dehydrated/config: export {missing}"
    ] * bool(missing)


def test_a_configuration_that_dehydrateds_hook_does_not_find(world: World, tmp_path: Path) -> None:
    text = "export DNS01_CONFIG=/etc/dns01/web.toml\n"
    (finding,) = of_dehydrated(world, tmp_path, text)
    assert (finding.code, finding.severity) == ("configuration-missing", Severity.ERROR)

    (tmp_path / "etc/dns01").mkdir()
    (tmp_path / "etc/dns01/web.toml").touch()
    (finding,) = of_dehydrated(world, tmp_path, text)
    assert (finding.code, finding.severity) == ("other-configuration", Severity.WARNING)
    assert finding.remedy == ("DNS01_CONFIG=/etc/dns01/web.toml dns01 doctor 'example.org'",)


def of_dehydrated(world: World, root: Path, text: str) -> list[Finding]:
    """What is found in the configuration of dehydrated, in the file that has it."""
    config = root / "etc/dehydrated/config"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(text)
    config.chmod(0o600)
    return list(check(examine(world, "example.org")._replace(root=str(root))))


@pytest.mark.parametrize(
    ("program", "become"),
    [("sudo", "sudo -Hu acme"), ("runuser", "runuser -u acme -- env HOME=/home/acme")],
)
def test_a_file_of_the_user_whom_the_clients_run_as(
    file: Path, tmp_path: Path, program: str, become: str
) -> None:
    """It is right for their runs, and root, who could be led astray by it, does not go by it."""
    acme = User("acme", 65534, frozenset({65534}), "acme", "/home/acme")
    installed = tmp_path / "bin" / program
    installed.parent.mkdir()
    installed.touch(0o755)
    environ = {"DNS01_RESOLVERS": "127.0.0.53", "DNS01_CONFIG": str(file), "PATH": str(installed.parent)}
    os.chown(file, 65534, 65534)

    (finding,) = load(environ, acme)[1]

    assert (finding.code, finding.severity) == ("other-user", Severity.WARNING)
    assert finding.remedy == (f"look as acme: {become} dns01 doctor DOMAIN",)
    assert load(environ, acme._replace(uid=990))[1][0].code == "writable-configuration"


def test_a_folder_of_the_user_whom_the_clients_run_as(world: World, tmp_path: Path) -> None:
    acme = User("acme", 65534, frozenset({65534}), "acme", "/home/acme")
    key = tmp_path / "acme" / "tsig.key"
    key.parent.mkdir(mode=0o700)
    key.write_text('key "hook" { algorithm hmac-sha256; secret "c2VjcmV0"; };')
    key.chmod(0o600)
    os.chown(key.parent, 65534, 65534)
    environ = {"RFC2136_NAMESERVER": "127.1.0.1", "RFC2136_TSIG_FILE": str(key)}
    examined = examine(world, "example.org", "", DNS01_PROVIDER="rfc2136", **environ)

    assert codes(list(check(examined._replace(user=acme)))) == ["other-user"]
