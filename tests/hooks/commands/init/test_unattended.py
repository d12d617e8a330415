"""``dns01 init`` without anybody to ask: for each client, from a key that BIND has."""

from __future__ import annotations

import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pytest
from calls import Said
from fresh import HOME, KEY_FILE, SECRET, FreshMachine

NAMES = ("example.org", "*.example.org")
MINE = ("/etc/dns01", "/etc/dehydrated", "/etc/letsencrypt")
CLIENTS = ("dehydrated", "certbot", "lego", "traefik", "uacme")


@pytest.fixture
def machine() -> Iterator[FreshMachine]:
    with FreshMachine() as machine:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        yield machine


def words(client: str, *more: str) -> list[str]:
    """The command, which needs nothing else."""
    given = ["--client", client, "--email", "ops@example.edu", "--no-doctor", *more]
    return ["dns01", "init", *given, "--yes", *NAMES]


PASTED = """cat >> /etc/dns01/config.toml <<'END'
[deploy."{name}".files]
to = "files"
directory = "{directory}"
END
"""


@pytest.mark.parametrize(
    ("names", "directory"), [(NAMES, "/etc/ssl/dns01"), (("*.example.org",), "/etc/ssl/dns01/{name}")]
)
def test_the_last_step_brings_the_certificate_to_where_it_is_used(
    names: tuple[str, ...], directory: str, machine: FreshMachine
) -> None:
    given = [*words("certbot", "--production")[: -len(NAMES)], *names]
    path = "/opt/dns01/bin"  # where no web server is
    staging = machine.run(*given, "--staging", PATH=path)
    assert "[deploy." not in staging.stdout

    first = machine.run(*given, PATH=path)
    assert first.code == 0, first.stderr
    shown = "\n".join(line.strip() for line in first.stdout.splitlines())
    pasted = PASTED.format(name=names[0], directory=directory)
    assert pasted in shown
    assert machine.run("bash", "-c", pasted).code == 0
    assert machine.run("dns01", "config", "check").code == 0

    second = machine.run(*given, PATH=path)
    assert pasted not in "\n".join(line.strip() for line in second.stdout.splitlines())
    assert second.stdout.rstrip().endswith(f"dns01 deploy {shlex.quote(names[0])} --dry-run")


class Runs(NamedTuple):
    """What came of three runs, the second with --yes, and the files after each."""

    machine: FreshMachine
    refused: Said
    first: Said
    second: Said
    before: Mapping[str, object]
    untouched: Mapping[str, object]
    written: Mapping[str, object]


@pytest.fixture(scope="class", params=CLIENTS)
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    command = words(request.param)
    with FreshMachine() as machine:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        before = machine.files(*MINE)
        refused, untouched = machine.run(*(w for w in command if w != "--yes")), machine.files(*MINE)
        first, written = machine.run(*command), machine.files(*MINE)
        yield Runs(machine, refused, first, machine.run(*command), before, untouched, written)


class TestEachClient:
    def test_without_yes_nothing_is_written(self, runs: Runs) -> None:
        assert runs.refused.code == 2
        assert "--yes" in runs.refused.stderr
        assert runs.untouched == runs.before

    def test_the_account_is_written_with_its_secret_in_a_file_of_its_own(self, runs: Runs) -> None:
        assert runs.first.code == 0, runs.first.stderr
        account = tomllib.loads(runs.machine.path("/etc/dns01/config.toml").read_text())["account"]["rfc2136"]
        account.pop("ttl", None)
        secret = runs.machine.path("/etc/dns01/rfc2136.tsig_secret")
        assert account == {
            "provider": "rfc2136",
            "nameserver": "127.0.0.1",
            "tsig_key": "dns01",
            "tsig_algorithm": "hmac-sha256",
            "tsig_secret": {"file": "/etc/dns01/rfc2136.tsig_secret"},
        }
        assert (secret.read_text(), secret.stat().st_mode & 0o777) == (SECRET + "\n", 0o600)
        assert runs.machine.path("/etc/dns01").stat().st_mode & 0o777 == 0o700

    def test_no_secret_is_shown_and_each_value_has_its_source(self, runs: Runs) -> None:
        assert SECRET not in runs.first.stdout + runs.first.stderr
        assert "tsig_key: dns01, from /etc/bind/dns01.key" in runs.first.stderr
        assert "tsig_secret: (not shown), from /etc/bind/dns01.key" in runs.first.stderr
        assert "nameserver: 127.0.0.1, from the BIND of this machine" in runs.first.stderr

    def test_what_is_written_is_a_configuration_that_is_right(self, runs: Runs) -> None:
        said = runs.machine.run("dns01", "config", "check")
        assert (said.code, said.stderr) == (0, "")
        assert said.stdout.startswith("account rfc2136: every zone\n")

    def test_a_second_run_changes_nothing_and_says_so(self, runs: Runs) -> None:
        assert runs.second.code == 0
        assert "nothing has to be changed in /etc/dns01/config.toml" in runs.second.stdout
        assert "wrote " not in runs.second.stderr
        assert runs.machine.files(*MINE) == runs.written


class TestDehydrated:
    def test_debian_s_lines_stay_and_ours_stand_behind_them(self, machine: FreshMachine) -> None:
        before = machine.path("/etc/dehydrated/config").read_text()
        machine.run(*words("dehydrated"))
        after = machine.path("/etc/dehydrated/config").read_text()
        assert after.startswith(before)
        assert after.removeprefix(before).splitlines() == [
            'CA="letsencrypt-test"',
            'CHALLENGETYPE="dns-01"',
            'HOOK="/opt/dns01/bin/dns01"',
            'HOOK_CHAIN="yes"',
            'CONTACT_EMAIL="ops@example.edu"',
        ]
        assert machine.path("/etc/dehydrated/domains.txt").read_text() == "example.org *.example.org\n"

    def test_production_changes_one_line(self, machine: FreshMachine) -> None:
        machine.run(*words("dehydrated"))
        said = machine.run(*words("dehydrated", "--production"))
        changed = [line for line in said.stdout.splitlines() if line.startswith(("+C", "-C"))]
        assert changed == ['-CA="letsencrypt-test"', '+CA="letsencrypt"']

    def test_production_is_not_undone_by_a_run_that_does_not_name_it(self, machine: FreshMachine) -> None:
        machine.run(*words("dehydrated", "--production"))
        before = machine.files(*MINE)
        assert machine.run(*words("dehydrated")).code == 0
        assert machine.files(*MINE) == before

    def test_a_wildcard_alone_gets_the_alias_that_dehydrated_wants(self, machine: FreshMachine) -> None:
        machine.run("dns01", "init", "--client", "dehydrated", "--no-doctor", "--yes", "*.example.org")
        assert machine.path("/etc/dehydrated/domains.txt").read_text() == "*.example.org > _.example.org\n"

    def test_more_names_of_a_certificate_take_the_place_of_its_line(self, machine: FreshMachine) -> None:
        machine.write(
            "/etc/dehydrated/domains.txt", "# ours\nother.example\nexample.org www.example.org\n", 0o644
        )
        machine.run(*words("dehydrated"))
        text = machine.path("/etc/dehydrated/domains.txt").read_text()
        assert text == "# ours\nother.example\nexample.org *.example.org\n"

    def test_an_account_in_its_variables_moves_to_the_file(self, machine: FreshMachine) -> None:
        exports = "export DNS01_PROVIDER=rfc2136\nexport RFC2136_NAMESERVER=192.0.2.53\n"
        secret = f"export RFC2136_TSIG_KEY=k\nexport RFC2136_TSIG_SECRET='{SECRET}'\n"
        before = machine.path("/etc/dehydrated/config").read_text()
        machine.write("/etc/dehydrated/config", before + exports + secret, 0o600)
        said = machine.run(*words("dehydrated"))
        assert said.code == 0
        assert SECRET not in said.stdout + said.stderr
        assert "RFC2136" not in machine.path("/etc/dehydrated/config").read_text()
        assert 'nameserver = "192.0.2.53"' in machine.path("/etc/dns01/config.toml").read_text()

    def test_a_file_that_is_read_last_is_named_and_nothing_is_written(self, machine: FreshMachine) -> None:
        machine.write("/etc/dehydrated/conf.d/hook.sh", "HOOK=/root/old-hook\n", 0o644)
        before = machine.files(*MINE)
        said = machine.run(*words("dehydrated"))
        assert said.code == 3
        assert "/etc/dehydrated/conf.d/hook.sh sets HOOK" in said.stderr
        assert machine.files(*MINE) == before

    def test_another_hook_that_gives_way_is_named(self, machine: FreshMachine) -> None:
        config = machine.path("/etc/dehydrated/config")
        config.write_text(config.read_text() + "HOOK=/root/old-hook\n")
        said = machine.run(*words("dehydrated"))
        assert said.code == 0
        assert "/etc/dehydrated/config has HOOK=/root/old-hook" in said.stderr

    def test_no_word_of_it_is_run_by_the_shell(self, machine: FreshMachine) -> None:
        url = 'https://ca.example.net/$(touch /etc/made)"'
        assert machine.run(*words("dehydrated", "--ca", url)).code == 0
        shell = machine.run("bash", "-c", '. /etc/dehydrated/config; echo "$CA"')
        assert shell.stdout == url + "\n"
        assert not machine.path("/etc/made").exists()


class TestAfterStaging:
    """A client keeps what is not due: the certificate of the staging CA, unless it is told otherwise."""

    @pytest.mark.parametrize(
        ("names", "folder", "only"),
        [
            (NAMES, "example.org", ["--domain", "example.org", "--domain", "*.example.org"]),
            (("*.example.org", "example.org"), "example.org", ["--domain", "example.org", "--domain"]),
            (("*.example.org",), "_.example.org", ["--domain", "*.example.org", "--alias", "_.example.org"]),
        ],
    )
    def test_dehydrated_is_told_to_replace_this_certificate_and_no_other(
        self, names: tuple[str, ...], folder: str, only: list[str], machine: FreshMachine
    ) -> None:
        common = ["dns01", "init", "--client", "dehydrated", "--no-doctor", "--yes"]
        assert "--force" not in machine.run(*common, *names).stdout
        machine.write(f"/var/lib/dehydrated/certs/{folder}/cert.pem", "", 0o600)
        lines = [line.strip() for line in machine.run(*common, "--production", *names).stdout.splitlines()]
        at = lines.index("dehydrated --register --accept-terms")
        assert lines[at + 1].startswith(shlex.join(["dehydrated", "--cron", "--force", *only]))

    def test_certbot_is_told_to_replace_it(self, machine: FreshMachine) -> None:
        assert "--force-renewal" not in machine.run(*words("certbot", "--staging")).stdout
        machine.write("/etc/letsencrypt/renewal/example.org.conf", "", 0o644)
        said = machine.run(*words("certbot", "--production")).stdout
        assert "--cert-name example.org --force-renewal" in said
        assert "--test-cert" not in said

    def test_the_mail_address_of_the_account_is_kept(self, machine: FreshMachine) -> None:
        machine.run(*words("dehydrated", "--staging"))
        given = ["--client", "dehydrated", "--no-doctor", "--yes", "--production", *NAMES]
        machine.run("dns01", "init", *given)
        assert 'CONTACT_EMAIL="ops@example.edu"' in machine.path("/etc/dehydrated/config").read_text()


class TestWhatIsPasted:
    def test_certbot_s_command_has_the_three_hooks(self, machine: FreshMachine) -> None:
        said = machine.run(*words("certbot"))
        command = shlex.split(said.stdout.partition("order the certificate:")[2].partition("  2. ")[0])
        assert command[:2] == ["certbot", "certonly"]
        assert command[command.index("--manual-auth-hook") + 1] == "/opt/dns01/bin/dns01 certbot auth"
        assert command[command.index("--manual-cleanup-hook") + 1] == "/opt/dns01/bin/dns01 certbot cleanup"
        assert command[command.index("--deploy-hook") + 1] == "/opt/dns01/bin/dns01 certbot deploy"
        assert "--test-cert" in command

    def test_certbot_s_cli_ini_is_written_when_it_is_wanted(self, machine: FreshMachine) -> None:
        before = machine.path("/etc/letsencrypt/cli.ini").read_text()
        machine.run(*words("certbot", "--cli-ini"))
        after = machine.path("/etc/letsencrypt/cli.ini").read_text()
        assert after.startswith(before)
        assert "manual-auth-hook = /opt/dns01/bin/dns01 certbot auth\n" in after
        assert machine.run(*words("certbot", "--cli-ini")).code == 0
        assert machine.path("/etc/letsencrypt/cli.ini").read_text() == after

    def test_lego_does_not_pause_between_names(self, machine: FreshMachine) -> None:
        said = machine.run(*words("lego"))
        assert (
            "       export EXEC_PATH=/opt/dns01/bin/dns01\n       export EXEC_SEQUENCE_INTERVAL=1\n"
            in said.stdout
        )

    @pytest.mark.parametrize(
        ("client", "names", "ttl"),
        [
            ("lego", NAMES, {"ttl": 5}),
            ("traefik", NAMES, {"ttl": 5}),
            ("uacme", NAMES, {"ttl": 5}),
            ("lego", ("example.org", "www.example.org"), {}),
            ("dehydrated", NAMES, {}),
        ],
    )
    def test_where_one_value_waits_for_the_ttl_of_another_that_is_short(
        self, client: str, names: tuple[str, ...], ttl: dict[str, int], machine: FreshMachine
    ) -> None:
        machine.run(*words(client)[: -len(NAMES)], *names)
        account = tomllib.loads(machine.path("/etc/dns01/config.toml").read_text())["account"]["rfc2136"]
        assert {key: value for key, value in account.items() if key == "ttl"} == ttl

    def test_the_step_to_production_is_one_command_that_runs_as_it_is(self, machine: FreshMachine) -> None:
        for client in ("dehydrated", "lego"):
            said = machine.run(*words(client, "--staging")).stdout
            (step,) = [line for line in said.splitlines() if "--production" in line]
            assert machine.run(*shlex.split(step), "--no-order", "--no-doctor", "--yes").code == 0, client
            assert "cat > /etc/cron.d/" not in said, client  # nobody keeps what a staging CA has issued

    def test_a_client_that_is_not_installed_is_named_first_and_orders_nothing(
        self, machine: FreshMachine
    ) -> None:
        machine.write("/mnt/not-executable", "", 0o644)
        machine.run("mount", "--bind", "/mnt/not-executable", "/usr/bin/certbot")
        said = machine.run(*words("certbot"))
        assert (said.code, said.stderr.splitlines()[0]) == (
            0,
            " ! certbot is not installed: `apt-get install certbot` first keeps its own files whole",
        )
        assert said.stdout.index("apt-get install certbot") < said.stdout.index("certbot certonly")
        ordering = machine.run(*words("certbot", "--order"))
        assert ordering.code == 1
        assert "certbot is not installed, and nothing was ordered" in ordering.stderr

    def test_acme_dns_wants_its_accounts_before_the_order(self, machine: FreshMachine) -> None:
        given = ["--provider", "acme-dns", "--set", "base_url=https://acme-dns.example.net"]
        said = machine.run(*words("certbot", *given)).stdout
        assert said.index("dns01 register example.org '*.example.org'") < said.index("certbot certonly")

    def test_a_configuration_elsewhere_is_told_to_every_client(self, machine: FreshMachine) -> None:
        for client in ("certbot", "lego", "traefik", "uacme"):
            said = machine.run(*words(client), DNS01_CONFIG="/etc/dns01/other.toml")
            assert "DNS01_CONFIG=/etc/dns01/other.toml" in said.stdout, client
        machine.run(*words("dehydrated"), DNS01_CONFIG="/etc/dns01/other.toml")
        config = machine.path("/etc/dehydrated/config").read_text()
        assert 'export DNS01_CONFIG="/etc/dns01/other.toml"' in config


class TestSecondAccount:
    def test_it_says_which_names_it_serves_and_the_first_stays(self, machine: FreshMachine) -> None:
        machine.run(*words("dehydrated"))
        machine.write(f"{HOME}/token", "the-token-of-the-second\n")
        more = ["--provider", "do", "--secret", f"token={HOME}/token", "--no-doctor", "--yes"]
        said = machine.run("dns01", "init", "--client", "dehydrated", *more, "www.example.com", "example.com")
        assert said.code == 0, said.stderr
        data = tomllib.loads(machine.path("/etc/dns01/config.toml").read_text())
        assert sorted(data["account"]) == ["digitalocean", "rfc2136"]
        assert data["zone"] == {"example.com": {"account": "digitalocean"}}
        assert machine.path("/etc/dns01/digitalocean.token").read_text() == "the-token-of-the-second\n"
        again = machine.run(*words("dehydrated"))
        assert again.code == 2, "there are two accounts to choose from"
        assert "--provider" in again.stderr


class TestNotRoot:
    def test_it_writes_under_the_home_of_whoever_runs_it(self, machine: FreshMachine) -> None:
        home = machine.path("/mnt/user")
        home.mkdir()
        os.chown(home, 12345, 12345)
        given = ["--provider", "bind", "--set", "nameserver=192.0.2.53", "--no-doctor", "--yes"]
        said = machine.run(
            "dns01", "init", "--client", "dehydrated", *given, *NAMES, user=12345, HOME="/mnt/user"
        )
        assert said.code == 0, said.stderr
        assert (home / ".config/dns01/config.toml").stat().st_mode & 0o777 == 0o600
        config = (home / ".config/dehydrated/config").read_text()
        assert 'export DNS01_CONFIG="/mnt/user/.config/dns01/config.toml"' in config
        assert "dehydrated --config /mnt/user/.config/dehydrated/config --cron" in said.stdout


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("given", "option"),
        [
            (["--provider", "bind", "example.org"], "--client"),
            (["--client", "dehydrated", "example.org"], "--provider"),
            (["--client", "dehydrated", "--provider", "do", "example.org"], "--secret token=FILE"),
            (["--client", "dehydrated", "--provider", "inwx", "example.org"], "--set user=VALUE"),
            (["--client", "dehydrated", "--provider", "bind", "--set", "nameserver=192.0.2.53"], "DOMAIN"),
            (
                ["--client", "lego", "--provider", "bind", "--set", "nameserver=ns.example", "a.example"],
                "--email",
            ),
        ],
    )
    def test_it_is_named_and_nothing_is_written(self, given: list[str], option: str) -> None:
        with FreshMachine() as machine:
            before = machine.files(*MINE)
            said = machine.run("dns01", "init", *given, "--yes")
            assert said.code == 2
            assert f"there is no {option}" in said.stderr
            assert machine.files(*MINE) == before

    def test_whose_ca_has_no_test_directory_is_said_with_one_that_has(self, machine: FreshMachine) -> None:
        machine.write("/etc/dehydrated/config", 'CA="https://ca.example.edu/acme"\n')
        said = machine.run(*words("dehydrated", "--staging"))
        assert said.code == 2
        assert "to which dehydrated is configured, has no test directory" in said.stderr
        assert machine.run(*words("dehydrated", "--ca", "letsencrypt", "--staging")).code == 0

    def test_a_secret_on_the_command_line_is_refused_and_not_repeated(self, machine: FreshMachine) -> None:
        said = machine.run(*words("dehydrated", "--provider", "do", "--set", "token=the-secret-token"))
        assert said.code == 2
        assert "--secret token=FILE" in said.stderr
        assert "the-secret-token" not in said.stderr + said.stdout

    @pytest.mark.parametrize(
        ("given", "complaint"),
        [
            (["--set", "nameserver="], "nameserver has no value"),
            (["--set", "nameserver=192.0.2.53\x1b[31m", "--provider", "bind"], "192.0.2.53"),
            (["--set", "place=here"], "'place'"),
            (["--secret", "tsig_secret=/nowhere"], " /nowhere "),
            (["--from", "/dev/zero"], " /dev/zero "),
            (["--account", "../x"], "'../x' is no name"),
            (["--ca", "zerossl", "--staging"], "zerossl has no test directory"),
            (["--email", "root@localhost"], "'root@localhost' is no mail address"),
            (["one_two.example"], "underscore"),
            (["y"], "'y' has no dot"),
            (["--from", "/nowhere"], "init: /nowhere is not there\n"),
        ],
    )
    def test_a_slip_is_named_and_nothing_is_written(
        self, given: list[str], complaint: str, machine: FreshMachine
    ) -> None:
        before = machine.files(*MINE)
        said = machine.run(*words("dehydrated", *given))
        assert said.code in (2, 3)
        assert complaint in said.stderr
        assert "\x1b" not in said.stderr
        assert machine.files(*MINE) == before

    def test_a_file_that_is_no_toml_is_named_and_stays(self, machine: FreshMachine) -> None:
        machine.write("/etc/dns01/config.toml", "[account")
        said = machine.run(*words("dehydrated"))
        assert said.code == 3
        assert said.stderr.startswith("dns01: /etc/dns01/config.toml: ")
        assert machine.path("/etc/dns01/config.toml").read_text() == "[account"

    def test_a_secret_comes_from_standard_input(self, machine: FreshMachine) -> None:
        given = words("dehydrated", "--provider", "do", "--secret", "token=-")
        said = machine.run(*given, given="the-secret-token\n")
        assert said.code == 0, said.stderr
        assert machine.path("/etc/dns01/digitalocean.token").read_text() == "the-secret-token\n"
        assert "the-secret-token" not in said.stderr + said.stdout


class TestKilled:
    @pytest.mark.parametrize("rename", [1, 2, 3, 4])
    def test_every_file_is_as_it_was_or_as_it_is_to_be_and_the_next_run_does_the_rest(
        self, rename: int, machine: FreshMachine
    ) -> None:
        before = {name: text for name, (_, _, text) in machine.files(*MINE).items()}
        killed = machine.run(
            "strace",
            "-o",
            "/dev/null",
            "-e",
            f"inject=rename:signal=KILL:when={rename}",
            *words("dehydrated"),
        )
        assert killed.code != 0
        between = {name: text for name, (_, _, text) in machine.files(*MINE).items()}
        said = machine.run(*words("dehydrated"))
        assert said.code == 0, said.stderr
        after = {name: text for name, (_, _, text) in machine.files(*MINE).items()}
        for name, text in between.items():
            assert name.endswith(".tmp") or text in (before.get(name), after[name])
        assert [name for name in after if name.endswith(".tmp")] == []
        assert SECRET not in "".join(text for name, text in after.items() if "secret" not in name)


@pytest.mark.parametrize(("fails", "code"), [("new", 0), ("issue", 1)])
def test_an_account_that_uacme_has_already_is_no_reason_not_to_order(
    fails: str, code: int, machine: FreshMachine
) -> None:
    machine.write("/mnt/bin/uacme", f'#!/bin/sh\ncase "$*" in *{fails}*) exit 2;; esac\n', 0o755)
    said = machine.run(*words("uacme", "--order"), PATH=f"/mnt/bin:{machine.environ['PATH']}")
    assert said.code == code, said.stderr
    assert ("uacme brought no certificate" in said.stderr) is bool(code)


THERE = {
    "dehydrated": ("/var/lib/dehydrated/certs/example.org/cert.pem", "dehydrated --cron --force --domain"),
    "certbot": ("/etc/letsencrypt/renewal/example.org.conf", "--cert-name example.org --force-renewal"),
    "lego": ("/var/lib/lego/certificates/example.org.crt", " run --run-hook "),
    "uacme": ("/etc/ssl/uacme/example.org/cert.pem", "-c /etc/ssl/uacme -f -h "),
}


@pytest.mark.parametrize("client", THERE)
def test_where_a_certificate_is_there_the_order_is_for_one_of_another_ca(
    client: str, machine: FreshMachine
) -> None:
    path, anew = THERE[client]
    machine.write(path, "-")
    said = machine.run(*words(client, "--production"))
    assert said.code == 0, said.stderr
    assert "order the certificate anew, if the one that is there is of another CA" in said.stdout
    assert anew in said.stdout
    renewing = [file for name, (*_, file) in machine.files("/etc/cron.d").items() if client in name]
    assert not any("force" in text or " -f " in text for text in renewing)
