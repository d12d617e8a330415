"""Which account serves a zone, and on what terms."""

from __future__ import annotations

from pathlib import Path

import pytest
from configured import ACCOUNT, TWO, called, from_file, refusal_of

from dns01.errors import ConfigError


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
        ("accounts", "named"),
        [
            ("[]", "account: "),
            ('["web", "web"]', "account: the account 'web' "),
            ('["web", "mail", "web"]', "account: the account 'web' "),
            ('["web", "mial"]', "'mial'"),
            ('["web", ""]', "account: '' "),
            ('["web", 7]', "account: 7 "),
            ('[["web", "mail"]]', "account: ['web', 'mail'] "),
            ('"web, mail"', "'web, mail'"),
        ],
    )
    def test_a_list_of_accounts_that_makes_no_sense_is_refused(
        self, file: Path, accounts: str, named: str
    ) -> None:
        message, hint = refusal_of(file, TWO + f'[zone."example.org"]\naccount = {accounts}\n')
        assert message.startswith('[zone."example.org"]: ')
        assert named in message
        assert hint

    @pytest.mark.parametrize("apex", ["example.org", "a.example.org"])
    def test_an_id_does_not_go_with_several_accounts_of_its_zone_or_one_above_it(
        self, file: Path, apex: str
    ) -> None:
        sections = {"example.org": 'account = ["web", "mail"]\n'}
        sections[apex] = sections.get(apex, "") + 'id = "Z1"\n'
        text = TWO + "".join(f'[zone."{name}"]\n{section}' for name, section in sections.items())
        message, hint = refusal_of(file, text)
        assert message == (
            f"the id Z1 of the zone {apex} is one provider's word for it, and there are several accounts:"
            " web, mail"
        )
        assert hint == f'take id out of [zone."{apex}"]: each account finds its own zone by its name'

    def test_of_several_accounts_none_is_guessed(self, file: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            from_file(file, TWO).accounts_for("_acme-challenge.example.com")
        message = f"{file} says no account for _acme-challenge.example.com; there are web, mail"
        hint = 'write [zone."example.com"] and below it, for example, account = "web"'
        assert (str(caught.value), caught.value.hint) == (message, hint)

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
        ("text", "message", "hint"),
        [
            (
                "[zone.example.org]\nttl = 5",
                "[zone.\"example\"]: 'org' is no key: a name with dots in it needs quotes",
                'write [zone."example.org"]',
            ),
            (
                '[zone."a.org"]\n[zone."A.org."]',
                '[zone."A.org."]: there is another section for a.org',
                "make one of the two",
            ),
        ],
    )
    def test_sections_that_make_no_sense_are_refused_with_what_would(
        self, file: Path, text: str, message: str, hint: str
    ) -> None:
        assert refusal_of(file, ACCOUNT + text) == (message, hint)

    @pytest.mark.parametrize(
        ("text", "place", "named"),
        [
            ('[zone."*.example.org"]', '[zone."*.example.org"]: ', []),
            ('[zone."example..org"]', '[zone."example..org"]: ', []),
            ('[zone.""]', '[zone.""]: ', []),
            ('[zone."a.org"]\naccount = "wbe"', '[zone."a.org"]: ', ["'wbe'", "'web'"]),
            ('[zone."a.org"]\nacount = "web"', '[zone."a.org"]: ', ["'acount'", "'account'", "readiness"]),
            ('[zone."a.org"]\nzone_id = "Z0"', '[zone."a.org"]: ', ["'zone_id'", "write id"]),
            ('[zone."a.org"]\nid = 7', '[zone."a.org"]: id: 7 ', []),
            ('[zone."a.org"]\nnameservers = ["ns.a.org"]', "[zone.\"a.org\"]: nameservers: 'ns.a.org' ", []),
            ('[zone."a.org"]\nrounds = 0', '[zone."a.org"]: rounds: 0 ', []),
            ("[zone]\nttl = 7", "[zone] ", ['[zone."NAME"]']),
        ],
    )
    def test_a_value_that_is_wrong_is_named_with_its_section_and_key(
        self, file: Path, text: str, place: str, named: list[str]
    ) -> None:
        message, hint = refusal_of(file, ACCOUNT + text)
        assert message.startswith(place)
        assert [name for name in named if name not in message + hint] == []
        assert hint
