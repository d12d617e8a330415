"""``dns01 init`` on the machine of a BIND, which is real: what it writes for it, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from calls import Said, until
from fresh import KEY_FILE, FreshMachine

from dns01.hooks.commands.init.bind.named_conf import NamedZone, Source, parse
from dns01.hooks.commands.init.bind.named_process import is_kept_out
from dns01.hooks.commands.init.bind.update_policy import apply, lacking

OWNER = "_acme-challenge.example.org"
NAMES = ("example.org", "*.example.org")
FOLDERS = ("/etc/bind", "/var/lib/bind", "/etc/dns01", "/etc/dehydrated", "/etc/cron.d")
ZONE_FILE = "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
OPTIONS = 'options { directory "/var/cache/bind"; pid-file none; session-keyfile none; recursion no; };\n'
BY_HAND = 'zone "example.org" {\n    type master;\n    file "/etc/bind/db.example.org";\n};\n'
INIT = ["dns01", "init", "--client", "dehydrated", "--no-doctor", "--no-order"]


@pytest.fixture
def machine(machine: FreshMachine) -> FreshMachine:
    machine.write("/etc/bind/db.example.org", ZONE_FILE, 0o644)
    machine.write("/etc/bind/named.conf.options", OPTIONS, 0o644)
    machine.write("/etc/bind/named.conf.local", BY_HAND, 0o644)
    return machine


@contextmanager
def bind(machine: FreshMachine) -> Iterator[None]:
    with machine.running("named", "-f", "-u", "bind"):
        until(lambda: machine.run("rndc", "zonestatus", "example.org").code == 0)
        yield


def unattended(machine: FreshMachine, *more: str, names: tuple[str, ...] = NAMES, **environ: str) -> Said:
    return machine.run(*INIT, "--yes", *more, *names, **environ)


def update(machine: FreshMachine, what: str, key: str = "/etc/bind/dns01.key") -> Said:
    return machine.run("nsupdate", "-k", key, given=f"server 127.0.0.1\nupdate add {what}\nsend\n")


def local(machine: FreshMachine) -> str:
    return machine.path("/etc/bind/named.conf.local").read_text()


class TestFromNothing:
    def test_enter_makes_a_key_that_may_change_the_challenge_and_nothing_else(
        self, machine: FreshMachine
    ) -> None:
        with bind(machine):
            said = machine.at_terminal(
                *INIT,
                *NAMES,
                answers=[
                    ("Found: the BIND of this machine", ""),
                    (r"DNS provider \[rfc2136\]", "\n"),
                    ("staging", "\n"),
                    ("E-mail", "\n"),
                    ("Write this", "\n"),
                ],
            )
            assert said.code == 0, said.stdout
            assert update(machine, f"{OWNER} 60 TXT v").code == 0
            refused = update(machine, "www.example.org 60 A 192.0.2.1")
            assert "REFUSED" in refused.stderr

    def test_unattended_it_wants_to_be_told(self, machine: FreshMachine) -> None:
        with bind(machine):
            before = machine.files(*FOLDERS)
            assert unattended(machine).code == 2
            assert machine.files(*FOLDERS) == before

            said = unattended(machine, "--bind")
            assert said.code == 0, said.stderr
            assert update(machine, f"{OWNER} 60 TXT v").code == 0

    def test_the_difference_and_no_secret_is_shown(self, machine: FreshMachine) -> None:
        with bind(machine):
            said = unattended(machine, "--bind")
        lines = said.stdout.splitlines()
        assert "new, mode 0640, not shown: /etc/bind/dns01.key" in lines
        assert "new, a copy of /etc/bind/db.example.org: /var/lib/bind/db.example.org" in lines
        assert '+include "/etc/bind/dns01.key";' in lines
        assert f"+    update-policy {{ grant dns01 name {OWNER}. TXT; }};" in lines
        secret = machine.path("/etc/dns01/rfc2136.tsig_secret").read_text().strip()
        assert secret in machine.path("/etc/bind/dns01.key").read_text()
        assert secret not in said.stdout + said.stderr

    def test_a_second_run_changes_nothing(self, machine: FreshMachine) -> None:
        with bind(machine):
            unattended(machine, "--bind", "--production")
            before = machine.files(*FOLDERS)
            for more in ((), ("--bind",), ("--no-bind",)):
                said = unattended(machine, "--production", *more)
                assert said.code == 0, said.stderr
                assert machine.files(*FOLDERS) == before

    def test_each_name_of_the_certificate_has_its_rule(self, machine: FreshMachine) -> None:
        names = ("example.org", "www.example.org", "*.www.example.org", "elsewhere.example.net")
        with bind(machine):
            said = unattended(machine, "--bind", names=names)
            assert said.code == 0, said.stderr
            assert update(machine, "_acme-challenge.www.example.org 60 TXT v").code == 0
        assert local(machine).count("grant") == 2

    def test_a_long_question_shows_its_default_too(self, machine: FreshMachine) -> None:
        zone = "a-rather-long-name-of-a-zone.example.org"
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        machine.write("/etc/bind/named.conf.local", BY_HAND.replace("example.org", zone), 0o644)
        machine.write(f"/etc/bind/db.{zone}", ZONE_FILE, 0o644)
        said = machine.at_terminal(
            *INIT,
            *("--staging", "--email", "", zone),
            answers=[
                (r"DNS provider \[rfc2136\]", "\n"),
                (rf"{zone}\?\s\(yes,\sno\)\s+\[yes\]", "no\n"),
                ("Write", "no\n"),
            ],
        )
        assert said.code == 130, said.stdout

    def test_no_bind_leaves_it_as_it_is(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        before = machine.files("/etc/bind", "/var/lib/bind")
        said = unattended(machine, "--no-bind")
        assert said.code == 0, said.stderr
        assert machine.files("/etc/bind", "/var/lib/bind") == before


class TestWhatIsThere:
    def test_a_key_that_only_root_can_read_is_given_to_bind(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o600)
        with bind(machine):
            assert unattended(machine, "--bind").code == 0
            assert update(machine, f"{OWNER} 60 TXT v").code == 0
        assert machine.run("stat", "-c", "%U %G %a", "/etc/bind/dns01.key").stdout == "root bind 640\n"

    def test_a_journal_that_bind_cannot_write_is_moved_with_its_zone(self, machine: FreshMachine) -> None:
        """certbot/certbot#5906, ventz/docker-bind#23, NixOS/nixpkgs#165510: each update is a SERVFAIL."""
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        machine.path("/etc/bind/dns01.key").chmod(0o644)
        rule = f"    update-policy {{ grant dns01 name {OWNER}. TXT; }};\n}};"
        text = 'include "/etc/bind/dns01.key";\n' + BY_HAND.replace("};", rule)
        machine.write("/etc/bind/named.conf.local", text, 0o644)
        with bind(machine):
            assert "SERVFAIL" in update(machine, f"{OWNER} 60 TXT v").stderr
            assert unattended(machine, "--bind").code == 0
            assert update(machine, f"{OWNER} 60 TXT v").code == 0
        assert local(machine) == text.replace("/etc/bind/db.", "/var/lib/bind/db.")

    def test_a_key_without_a_rule_is_said_to_be_of_no_use(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        before = local(machine)
        said = unattended(machine)
        assert said.code == 0
        assert "BIND takes no updates with this key in example.org: with --bind" in said.stderr
        assert local(machine) == before

    @pytest.mark.parametrize(
        "zone",
        [
            'zone "example.org" { type primary; file "/var/lib/bind/z"; };',
            'zone "Example.ORG." IN { type master; file "/var/lib/bind/z"; allow-update { none; }; };',
            "zone example.org {\n# }; // {\n type master; /* } */ file \"/var/lib/bind/z\"; // }\n};",
            'zone "example.org" {\n\ttype master;\n\tfile "/var/lib/bind/z";\n\tupdate-policy {\n'
            "\t\tdeny * subdomain example.org. TXT;\n\t};\n};",
            'zone "example.org" { type master; file "/var/lib/bind/z"; update-policy '
            '{ grant "dns01" name www.example.org. A; }; };',
            'zone "example.org" { update-policy { }; type master; file "/var/lib/bind/z"; };',
            'zone "example.org" { type master; file "/var/lib/bind/z"; update-policy '
            f"{{ deny dns01 name {OWNER}. TXT; grant dns01 zonesub ANY; }}; }};",
        ],
    )  # fmt: skip
    def test_however_the_zone_is_written_the_key_may_change_the_challenge(
        self, zone: str, machine: FreshMachine
    ) -> None:
        machine.write("/var/lib/bind/z", ZONE_FILE, 0o644)
        machine.write("/etc/bind/named.conf.local", f"{zone}\n", 0o644)
        with bind(machine):
            said = unattended(machine, "--bind")
            assert said.code == 0, said.stderr
            assert update(machine, f"{OWNER} 60 TXT v").code == 0

    @pytest.mark.parametrize(
        "rules",
        [
            f"update-policy {{ grant dns01 name {OWNER}. TXT; }}",
            'update-policy { grant "DNS01." subdomain example.org. ANY; }',
            "update-policy { grant dns01 zonesub TXT; }",
            "update-policy { grant dns01 wildcard *.example.org. TXT; }",
            'allow-update { 127.0.0.1; key "dns01"; }',
        ],
    )
    def test_a_rule_that_is_there_is_enough(self, rules: str, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        machine.path("/etc/bind/dns01.key").chmod(0o644)
        machine.write("/var/lib/bind/z", ZONE_FILE, 0o644)
        zone = f'zone "example.org" {{ type master; file "/var/lib/bind/z"; {rules}; }};'
        machine.write("/etc/bind/named.conf.local", f'include "/etc/bind/dns01.key";\n{zone}\n', 0o644)
        before = machine.files("/etc/bind", "/var/lib/bind")
        with bind(machine):
            said = unattended(machine, "--bind")
        assert said.code == 0, said.stderr
        assert machine.files("/etc/bind") == {
            path: found for path, found in before.items() if path.startswith("/etc/bind/")
        }

    def test_a_rule_that_is_lacking_for_one_name_is_added_and_the_others_stay(
        self, machine: FreshMachine
    ) -> None:
        with bind(machine):
            unattended(machine, "--bind")
            said = unattended(machine, "--bind", names=("example.org", "www.example.org"))
            assert said.code == 0, said.stderr
            for owner in (OWNER, "_acme-challenge.www.example.org"):
                assert update(machine, f"{owner} 60 TXT v").code == 0
        assert local(machine).count(f"name {OWNER}.") == 1


class TestWhatIsNotUnderstood:
    def test_the_key_of_update_policy_local_belongs_to_bind_and_is_not_taken(
        self, machine: FreshMachine
    ) -> None:
        """SFTtech/sftdyn#13: it is made anew at each start, and its permissions with it."""
        machine.write("/mnt/session.key", KEY_FILE)
        machine.run("chown", "bind", "/mnt/session.key")
        said = unattended(machine, "--bind", "--from", "/mnt/session.key")
        assert said.code == 2
        assert "/mnt/session.key belongs to the user bind" in said.stderr

    @pytest.mark.parametrize(
        ("text", "complaint", "remedy"),
        [
            (f'view "inside" {{\n{BY_HAND}}};\n', "has views", "update-policy { grant dns01 name"),
            (
                BY_HAND.replace("};", "    update-policy local;\n};"),
                "its own update-policy local",
                "grant dns01 name",
            ),
            (
                BY_HAND.replace("};", "    allow-update { 192.0.2.1; };\n};"),
                "its own allow-update",
                f"update-policy {{ grant dns01 name {OWNER}. TXT; }}",
            ),
            (BY_HAND.replace("master", "slave"), "no primary zone", "where the primary server is"),
            (BY_HAND.replace("example.org", "example.com"), "no primary zone", "primary server"),
            (BY_HAND.replace("db.example.org", "db.gone"), "db.gone", "--no-bind"),
            (BY_HAND + 'zone "x" {', "is not understood: line 5", "named-checkconf"),
            ("};" + BY_HAND, "is not understood: line 1: a brace too many", "named-checkconf"),
            (BY_HAND + 'include "/etc/bind/x"', "no semicolon ends it", "named-checkconf"),
            ("{" * 5000, "is not understood", "named-checkconf"),
        ],
    )
    def test_it_is_named_with_what_to_do_and_nothing_is_written(
        self, text: str, complaint: str, remedy: str, machine: FreshMachine
    ) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        machine.write("/etc/bind/named.conf.local", text, 0o644)
        before = machine.files(*FOLDERS)
        said = unattended(machine, "--bind")
        assert said.code in (2, 3)
        assert complaint in said.stderr
        assert remedy in said.stderr
        assert machine.files(*FOLDERS) == before

    def test_a_zone_file_that_stands_in_the_way_is_left_there(self, machine: FreshMachine) -> None:
        machine.write("/var/lib/bind/db.example.org", "of somebody else\n", 0o644)
        before = machine.files(*FOLDERS)
        said = unattended(machine, "--bind")
        assert said.code == 3
        assert "BIND cannot write beside /etc/bind/db.example.org" in said.stderr
        assert "move it to /var/lib/bind" in said.stderr
        assert machine.files(*FOLDERS) == before

    def test_another_key_of_that_name_is_not_replaced(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        machine.write("/etc/bind/named.conf.local", KEY_FILE.replace("c2Vj", "AAAA") + BY_HAND, 0o644)
        before = machine.files(*FOLDERS)
        said = unattended(machine, "--bind", "--from", "/etc/bind/dns01.key")
        assert said.code == 3
        assert "/etc/bind/named.conf.local has another key dns01 than the account" in said.stderr
        assert machine.files(*FOLDERS) == before

    def test_what_bind_refuses_is_taken_back(self, machine: FreshMachine) -> None:
        text = BY_HAND + 'zone "example.net" { type master; file "x"; dnssec-policy nowhere; };\n'
        machine.write("/etc/bind/named.conf.local", text, 0o644)
        said = unattended(machine, "--bind")
        assert said.code == 3
        assert "BIND refuses what was written, and has its configuration back" in said.stderr
        assert "nowhere" in said.stderr
        assert local(machine) == text


class TestCut:
    def test_what_bind_has_not_read_is_read_by_the_next_run(self, machine: FreshMachine) -> None:
        machine.write("/mnt/broken/rndc", "#!/bin/sh\nexit 1\n", 0o755)
        with bind(machine):
            said = unattended(machine, "--bind", PATH=f"/mnt/broken:{machine.environ['PATH']}")
            assert said.code == 3
            assert "BIND has not read its new configuration" in said.stderr
            assert "run init again" in said.stderr

            assert unattended(machine).code == 0
            assert update(machine, f"{OWNER} 60 TXT v").code == 0

    def test_a_bind_that_does_not_run_is_said_to_be_started(self, machine: FreshMachine) -> None:
        said = unattended(machine, "--bind")
        assert said.code == 3
        assert "systemctl restart named" in said.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("a;", [("a",)]),
        ('a "b c" d;e;', [("a", "b c", "d"), ("e",)]),
        ("/* } */ a; // };\n# {\nb;", [("a",), ("b",)]),
        ("inet 192.0.2.0/24;", [("inet", "192.0.2.0/24")]),
        ('a { b; }; "}" { };', [("a",), ("}",)]),
        (";;a;", [("a",)]),
        ("controls { inet * allow { any; } keys { k; }; };", [("controls",)]),
    ],
)
def test_statements_are_those_of_named_conf(text: str, words: list[tuple[str, ...]]) -> None:
    assert [statement.words for statement in parse(text)] == words


@pytest.mark.parametrize("text", ["a", "a {", "a { b }", "}", "a; }", '"a', "/* a", "a {{ b; }", "a { b; ;"])
def test_what_is_none_of_its_grammar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="line 1"):
        parse(text)


@pytest.mark.parametrize(
    "policy",
    [
        "{ grant a name b. A; }",
        "{grant a name b. A; deny c subdomain d.;}",
        "{\n        grant a name b. A;\n    }",
        "{ }",
        "{}",
        "{\n    }",
        "{ grant a name b. A; // for b\n        deny c subdomain d.; }",
        "{ // of the office\n        grant a name b. A;\n    }",
    ],
)
def test_each_rule_that_is_added_has_a_line_of_its_own(policy: str) -> None:
    text = f'zone "example.org" {{\n    update-policy {policy};\n}};\n'
    statements = parse(text)
    zone = NamedZone("example.org", Source("/etc/named.conf", text, statements), statements[0])
    changed = apply(text, lacking(zone, "dns01", ["_acme-challenge.example.org", "_acme-challenge.b"]))
    rules = (parse(changed)[0].inside("update-policy") or statements[0]).block or ()
    before = statements[0].inside("update-policy")
    assert before
    assert [rule.words[3] for rule in rules[:2]] == ["_acme-challenge.example.org.", "_acme-challenge.b."]
    assert [rule.words for rule in rules[2:]] == [rule.words for rule in before.block or ()]
    assert all(line.count(";") <= 1 for line in changed.splitlines() if "};" not in line), changed
    if "//" not in policy:
        assert all(len(line.split("; ")) == 1 for line in changed.splitlines()), changed
        assert changed.count("    };\n") == 1


@pytest.mark.parametrize(
    ("folder", "enabled", "kept_out"),
    [
        ("/var/lib/bind", "Y", False),
        ("/var/lib/bind/zones", "Y", False),
        ("/etc/bind", "Y", True),
        ("/srv/zones", "Y", True),
        ("/var/lib/binder", "Y", True),
        ("/srv/zones", "N", False),
        ("/srv/local", "Y", False),
    ],
)
def test_apparmor_s_profile_has_a_word_about_where_named_writes(
    folder: str, enabled: str, kept_out: bool, tmp_path: Path
) -> None:
    for path, text in (
        ("etc/apparmor.d/usr.sbin.named", "  /etc/bind/** r,\n  /var/lib/bind/** rw,\n"),
        ("etc/apparmor.d/local/usr.sbin.named", "/srv/local/** rw,\n"),
        ("sys/module/apparmor/parameters/enabled", f"{enabled}\n"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    assert is_kept_out(folder, str(tmp_path)) is kept_out
