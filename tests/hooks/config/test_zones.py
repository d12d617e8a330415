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
