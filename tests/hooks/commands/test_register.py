"""``dns01 register``, and whole calls of the hook with acme-dns, as processes in a DNS of our own.

example.org is on a BIND; auth.example.net is an acme-dns server.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY, NAME, PRIMARY, Client, Stage
from contract import validation
from fakes.acmedns import Account, AcmeDns
from testbed.client import ask, values

AUTH = "127.1.0.9"
A, B, C = validation("a"), validation("b"), validation("c")


class Setting:
    """The acme-dns server, the stage around it, and a shell with the configuration."""

    def __init__(self, stage: Stage, auth: AcmeDns, folder: Path) -> None:
        self.stage, self.auth = stage, auth
        self.file = folder / "accounts.json"
        self.variables = {
            "DNS01_PROVIDER": "acmedns",
            "ACME_DNS_API_BASE": auth.url,
            "ACME_DNS_STORAGE_PATH": str(self.file),
        }

    def client(self, name: str = "bash", **environ: str) -> Client:
        return self.stage.client(name, **{**self.variables, **environ})

    def alias(self, name: str, account: Account) -> None:
        """Somebody creates the CNAME."""
        update = f"server {PRIMARY}\nadd {name} 60 CNAME {account.subdomain}.auth.example.net.\nsend\n"
        subprocess.run(
            ["nsupdate", "-k", self.stage.bind.key_file(KEY.name)], input=update, text=True, check=True
        )

    def registered(self, *domains: str) -> list[Account]:
        """Accounts, with their CNAMEs."""
        assert self.client()("register", *domains).code == 0
        for domain, account in zip(domains, self.auth.accounts, strict=True):
            self.alias(f"_acme-challenge.{domain}", account)
        return self.auth.accounts


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with Stage(tmp_path) as stage, AcmeDns("auth.example.net", AUTH) as auth:
        stage.world.delegate("auth.example.net", {"auth.example.net": AUTH})
        yield Setting(stage, auth, tmp_path)


def both(setting: Setting, folder: Path) -> Client:
    """A shell with the zone's account besides the one at acme-dns."""
    path = folder / "config.toml"
    path.touch(0o600)
    path.write_text(f"""
        resolvers = ["{setting.stage.world.resolver.address}"]
        [account.acme-dns]
        provider = "acmedns"
        base_url = "{setting.auth.url}"
        storage = "{setting.file}"
        [account.bind]
        provider = "rfc2136"
        nameserver = "{PRIMARY}"
        tsig_key = "{KEY.name}"
        tsig_secret = "{KEY.secret}"
        [zone."example.org"]
        account = "bind"
        [zone."auth.example.net"]
        account = "acme-dns"
    """)
    return setting.stage.client(
        "bash", DNS01_CONFIG=str(path), DNS01_PROVIDER="", DNS01_RESOLVERS="", DNS01_TIMEOUT=""
    )


class TestRegister:
    def test_it_stores_an_account_for_each_domain_and_prints_the_cnames_to_create(
        self, setting: Setting
    ) -> None:
        said = setting.client()("register", "example.org", "*.www.Example.org", "www.example.org")

        assert said.code == 0
        first, second = setting.auth.accounts
        assert said.stdout.splitlines() == [
            f"_acme-challenge.example.org. CNAME {first.subdomain}.auth.example.net.",
            f"_acme-challenge.www.example.org. CNAME {second.subdomain}.auth.example.net.",
        ]
        assert set(json.loads(setting.file.read_text())) == {"example.org", "www.example.org"}
        assert setting.file.stat().st_mode & 0o777 == 0o600
        assert first.password not in said.stdout + said.stderr

    def test_a_second_time_it_says_the_same(self, setting: Setting) -> None:
        first, second = (setting.client()("register", "example.org") for _ in range(2))
        assert first.stdout == second.stdout
        assert len(setting.auth.accounts) == 1

    def test_networks_may_be_given(self, setting: Setting) -> None:
        setting.client()(
            "register", "example.org", "--allowfrom", "192.0.2.1", "--allowfrom", "2001:db8::/48"
        )
        assert setting.auth.accounts[0].allowfrom == ["192.0.2.1/32", "2001:db8::/48"]

    def test_what_is_no_network_is_refused(self, setting: Setting) -> None:
        said = setting.client()("register", "example.org", "--allowfrom", "192.0.2.0/99")
        assert said.code == 2
        assert said.stderr == (
            "dns01: --allowfrom: '192.0.2.0/99' is no network\n"
            "   -> write it as 192.0.2.0/24, 192.0.2.1 or 2001:db8::/48\n"
        )
        assert setting.auth.requests == []

    def test_registrations_that_are_closed_are_said(self, setting: Setting) -> None:
        setting.auth.closed = True
        said = setting.client()("register", "example.org")
        assert said.code == 5
        assert f"{setting.auth.url} " in said.stderr
        assert "(404)" in said.stderr

    def test_a_server_that_is_down_is_said(self, setting: Setting) -> None:
        said = setting.client(ACME_DNS_API_BASE="http://127.0.0.1:1")("register", "example.org")
        assert said.code == 5
        assert " 127.0.0.1: " in said.stderr

    def test_plain_http_to_another_host_is_warned_about(self, setting: Setting) -> None:
        said = setting.client(ACME_DNS_API_BASE="http://192.0.2.1:1")("register", "example.org")
        assert said.stderr.startswith(" ! account acmedns: http://192.0.2.1:1 ")

    def test_without_acme_dns_in_the_configuration_it_says_what_to_write(self, setting: Setting) -> None:
        said = setting.client(DNS01_PROVIDER="rfc2136")("register", "example.org")
        assert said.code == 3
        assert 'provider = "acmedns"' in said.stderr


class TestCreateCname:
    def test_the_cname_is_created_through_the_zones_account_and_all_is_well(
        self, setting: Setting, tmp_path: Path
    ) -> None:
        said = both(setting, tmp_path)("register", "example.org", "--create-cname")

        assert said.code == 0, said
        (account,) = setting.auth.accounts
        assert values(ask(NAME, "CNAME", PRIMARY)) == [f"{account.subdomain}.auth.example.net."]
        assert [line.partition(" ")[0] for line in said.stdout.splitlines()] == [f"{NAME}.", f"{NAME}:"]
        assert both(setting, tmp_path)("register", "example.org", "--create-cname").code == 0

    def test_a_cname_to_something_else_is_left_alone(self, setting: Setting, tmp_path: Path) -> None:
        other = setting.auth.make()
        setting.alias(NAME, other)
        said = both(setting, tmp_path)("register", "example.org", "--create-cname")
        assert said.code == 5
        target = f"{setting.auth.accounts[-1].subdomain}.auth.example.net."
        assert said.stderr == (
            f"dns01: {NAME} is a CNAME to {other.subdomain}.auth.example.net already\n"
            f"   -> remove that one first, or create it by hand: {NAME}. CNAME {target}\n"
        )
        assert values(ask(NAME, "CNAME", PRIMARY)) == [f"{other.subdomain}.auth.example.net."]

    def test_other_records_at_the_name_are_left_alone(self, setting: Setting, tmp_path: Path) -> None:
        update = f'server {PRIMARY}\nadd {NAME} 60 TXT "left over"\nsend\n'
        subprocess.run(
            ["nsupdate", "-k", setting.stage.bind.key_file(KEY.name)], input=update, text=True, check=True
        )
        said = both(setting, tmp_path)("register", "example.org", "--create-cname")
        assert said.code == 5
        assert f"{NAME} " in said.stderr
        assert setting.stage.bind.txt(NAME) == {"left over"}

    def test_without_an_account_for_the_zone_it_is_left_to_the_user(self, setting: Setting) -> None:
        said = setting.client()("register", "example.org", "--create-cname")
        assert said.code == 3
        (account,) = setting.auth.accounts
        assert f"{NAME}. CNAME {account.subdomain}.auth.example.net." in said.stderr


class TestCheck:
    def test_a_setup_that_works_is_well(self, setting: Setting) -> None:
        (account,) = setting.registered("example.org")
        said = setting.client()("register", "--check", "example.org")
        assert (said.code, said.stdout) == (0, f"{NAME}: all is well\n")
        assert len(account.values) == 1

    def test_an_account_in_variables_alone_is_found_by_the_cname(self, setting: Setting) -> None:
        account = setting.auth.make()
        setting.alias(NAME, account)
        said = setting.client(
            ACMEDNS_USERNAME=account.username,
            ACMEDNS_PASSWORD=account.password,
            ACMEDNS_SUBDOMAIN=account.subdomain,
        )("register", "--check", "example.org")
        assert (said.code, len(account.values)) == (0, 1)

    def test_nothing_is_registered(self, setting: Setting) -> None:
        said = setting.client()("register", "--check", "example.org")
        lack = "it has neither an account nor a CNAME: run `dns01 register example.org`"
        assert (said.code, said.stdout) == (1, f"{NAME}: {lack}\n")
        assert setting.auth.accounts == []

    def test_a_missing_cname_is_shown_as_it_has_to_be(self, setting: Setting) -> None:
        setting.client()("register", "example.org")
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        subdomain = setting.auth.accounts[0].subdomain
        lack = f"it has no CNAME: create {NAME}. CNAME {subdomain}.auth.example.net."
        assert f"{NAME}: {lack}\n" in said.stdout

    def test_a_cname_to_another_account_is_said(self, setting: Setting) -> None:
        setting.client()("register", "example.org")
        other = setting.auth.make()
        setting.alias(NAME, other)
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        own = f"{setting.auth.accounts[0].subdomain}.auth.example.net"
        assert (
            f"{NAME}: it leads to {other.subdomain}.auth.example.net and not to its account:"
            f" create {NAME}. CNAME {own}.\n"
        ) in said.stdout

    def test_a_domain_of_the_server_that_is_not_delegated_is_said(self, setting: Setting) -> None:
        setting.registered("example.org")
        setting.stage.world.zones["net"].remove("auth.example.net", "NS")
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        assert said.stdout == (
            f"{NAME}: the acme-dns server's auth.example.net has no delegation: add NS and A records to net\n"
        )

    def test_a_name_server_without_an_address_is_said(self, setting: Setting) -> None:
        setting.registered("example.org")
        setting.stage.world.zones["net"].remove("auth.example.net", "A")
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        assert "auth.example.net" in said.stdout
        assert "address" in said.stdout

    def test_a_name_server_that_does_not_answer_is_said(self, setting: Setting) -> None:
        setting.registered("example.org")
        assert setting.auth.server
        setting.auth.server.silent = True
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        assert f"no name server of auth.example.net answers: {AUTH}" in said.stdout

    def test_a_value_that_does_not_appear_is_said(self, setting: Setting) -> None:
        setting.registered("example.org")
        assert setting.auth.server
        setting.auth.server.freeze()
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        assert f"what was written cannot be seen: {setting.auth.accounts[0].subdomain}" in said.stdout

    def test_credentials_that_are_not_good_from_here_are_said(self, setting: Setting) -> None:
        (account,) = setting.registered("example.org")
        account.allowfrom = ["192.0.2.0/24"]
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 1
        assert "allowfrom" in said.stdout

    def test_an_order_under_way_keeps_its_values(self, setting: Setting) -> None:
        (account,) = setting.registered("example.org")
        client = setting.client("dehydrated")
        assert client("deploy_challenge", "example.org", "a", A, "example.org", "b", B).code == 0
        said = setting.client()("register", "--check", "example.org")
        assert said.code == 0
        place = f"{account.subdomain}.auth.example.net"
        assert (
            f"{place} is in use for example.org, example.org: nothing is written to it now\n" in said.stdout
        )
        assert account.values == {A, B}

    def test_every_domain_is_looked_at(self, setting: Setting) -> None:
        setting.registered("example.org")
        said = setting.client()("register", "--check", "www.example.org", "example.org")
        assert said.code == 1
        assert [line.partition(":")[0] for line in said.stdout.splitlines()] == [
            "_acme-challenge.www.example.org",
            NAME,
        ]


class TestHook:
    def test_an_apex_and_its_wildcard_are_published_by_way_of_the_cname(self, setting: Setting) -> None:
        (account,) = setting.registered("example.org")
        client = setting.client("dehydrated")

        said = client("deploy_challenge", "example.org", "a", A, "example.org", "b", B)
        assert said.code == 0, said
        assert account.values == {A, B}
        assert values(ask(NAME, "TXT", setting.stage.world.resolver.address)) == sorted(
            [f'"{A}"', f'"{B}"', f"{account.subdomain}.auth.example.net."]
        )

        said = client("clean_challenge", "example.org", "a", A, "example.org", "b", B)
        assert said.code == 0
        assert setting.stage.journal() == []

    def test_many_names_are_published_at_their_accounts(self, setting: Setting) -> None:
        domains = [f"n{number}.example.org" for number in range(5)]
        accounts = setting.registered(*domains)
        words = [word for domain in domains for word in (domain, "token", validation(domain))]
        assert setting.client("dehydrated")("deploy_challenge", *words).code == 0
        assert [account.values for account in accounts] == [{validation(domain)} for domain in domains]

    def test_a_name_without_its_cname_is_refused_with_what_to_do(self, setting: Setting) -> None:
        said = setting.client("dehydrated")("deploy_challenge", "example.org", "a", A)
        assert said.code == 5
        assert "dns01 register" in said.stderr
        assert setting.stage.journal() == []
        assert setting.auth.requests == []

    def test_more_names_than_a_shared_account_has_room_for_are_refused_before_publishing(
        self, setting: Setting
    ) -> None:
        (account,) = setting.registered("example.org")
        setting.alias("_acme-challenge.www.example.org", account)
        setting.alias("_acme-challenge.ftp.example.org", account)
        before = len(setting.auth.requests)
        words = ["example.org", "a", A, "www.example.org", "b", B, "ftp.example.org", "c", C]
        said = setting.client("dehydrated")("deploy_challenge", *words)
        assert said.code == 5
        assert setting.stage.journal() == []
        assert len(setting.auth.requests) == before
