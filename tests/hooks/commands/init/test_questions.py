"""``dns01 init`` at a terminal of 80 columns: what is asked, in which order, and what a slip leads to."""

from __future__ import annotations

import pytest
from fresh import COLUMNS, CTRL_C, HOME, KEY_FILE, SECRET, FreshMachine

from dns01.errors import ConfigError, UsageError
from dns01.hooks.commands.init.ask.answers import names_in
from dns01.hooks.commands.init.ask.questions import index_of
from dns01.hooks.commands.init.clients.registry import called

MINE = ("/etc/dns01", "/etc/dehydrated", "/etc/letsencrypt")
LONG = "a-rather-long-name-of-a-host.a-rather-long-name-of-a-department.example.org"


def init(*more: str) -> list[str]:
    return ["dns01", "init", "--no-doctor", "--no-order", *more]


def test_all_is_asked_in_order_and_secrets_without_echo(machine: FreshMachine) -> None:
    said = machine.at_terminal(
        *init(),
        answers=[
            ("ACME client", "dehydrated\n"),
            ("Names of the certificate", f"{LONG}, '*.example.org'\n"),
            ("DNS provider", "bind\n"),
            ("nameserver", "192.0.2.53\n"),
            ("tsig_key", "dns01\n"),
            (r"tsig_secret \(not shown\)", SECRET + "\n"),
            (r"\[staging\]", "\n"),
            (r"E-mail address for the CA \(Enter: none\)", "\n"),
            (r"Write this\? .*", "yes\n"),
        ],
    )
    assert said.code == 0, said.stdout
    assert SECRET not in said.stdout
    assert machine.path("/etc/dns01/rfc2136.tsig_secret").read_text() == SECRET + "\n"
    assert machine.path("/etc/dehydrated/domains.txt").read_text() == f"{LONG} *.example.org\n"
    breakable = [line for line in said.stdout.splitlines() if LONG not in line and len(line.split()) > 1]
    too_long = [line for line in breakable if len(line) > COLUMNS]  # an address of a page is left whole
    assert too_long == []


def test_an_address_that_no_ca_takes_is_said_before_anything_is_asked(machine: FreshMachine) -> None:
    said = machine.at_terminal(*init("--client", "lego", "--email", "me@example.org"), answers=[])
    assert said.code == 3
    assert "CAs take no address at example.org" in said.stdout
    assert "DNS provider" not in said.stdout


def test_what_was_found_is_offered_and_enter_takes_it(machine: FreshMachine) -> None:
    machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
    said = machine.at_terminal(
        *init("--client", "dehydrated"),
        answers=[
            ("Names of the certificate", "example.org\n"),
            (
                r"Found: credentials for rfc2136, in /etc/bind/dns01.key[\s\S]*DNS provider \[rfc2136\]",
                "\n",
            ),
            (r"\[staging\]", "production\n"),
            ("E-mail", "\n"),
            ("every night", "\n"),
            ("Write this", "\n"),
        ],
    )
    assert said.code == 0, said.stdout
    assert 'CA="letsencrypt"\n' in machine.path("/etc/dehydrated/config").read_text()


def test_a_second_run_asks_nothing_about_the_account_that_is_configured(machine: FreshMachine) -> None:
    machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
    machine.run(*init("--client", "dehydrated", "--production", "--yes", "example.org", "*.example.org"))
    before = machine.files(*MINE)
    said = machine.at_terminal(
        *init("--client", "dehydrated"),
        answers=[
            (r"Names of the certificate \[example.org \*.example.org\]", "\n"),
            (r"provider: rfc2136, which is configured", ""),
            (r"\[production\]", "\n"),
        ],
    )
    assert said.code == 0, said.stdout
    assert machine.files(*MINE) == before
    assert "e-mail: none, as dehydrated has it" in said.stdout


@pytest.mark.parametrize(
    ("accounts", "asked"),
    [(["me@example.edu"], False), (["me@example.edu", "you@example.edu"], True), ([], True)],
)
def test_the_address_of_lego_s_one_account_is_taken(
    accounts: list[str], asked: bool, machine: FreshMachine
) -> None:
    for server in ("staging.example.net", "ca.example.net"):
        for address in accounts:
            machine.write(f"/var/lib/lego/accounts/{server}/{address}/account.json", "{}")
    given = ["--client", "lego", "--provider", "bind", "--set", "nameserver=192.0.2.53", "--staging"]
    answers = [("tsig_key", "\n"), ("tsig_secret", "\n"), ("E-mail", "us@example.edu\n"), ("Write", "\n")]
    said = machine.at_terminal(
        *init(*given, "example.org"), answers=answers if asked else [*answers[:2], *answers[3:]]
    )
    assert said.code == 0, said.stdout
    assert ("e-mail: me@example.edu, as lego has it" in said.stdout) is not asked


def test_a_wrong_answer_is_asked_again_with_what_was_wrong(machine: FreshMachine) -> None:
    said = machine.at_terminal(
        *init(),
        answers=[
            ("ACME client", "\n"),
            ("nothing was chosen", ""),
            ("ACME client", "certbt\n"),
            ("'certbt' is none of them", ""),
            ("ACME client", "certbot\n"),
            ("Names of the certificate", "exa_mple.org\n"),
            ("underscore", ""),
            ("Names of the certificate", "192.0.2.1\n"),
            ("IP address", ""),
            ("Names of the certificate", "example.org\n"),
            ("DNS provider", "cloudfare\n"),
            ("'cloudfare'.* cloudflare", ""),
            ("DNS provider", "cf\n"),
            (r"token \(not shown\)", "\n"),
            (r"token \(not shown\)", "a-token-of-cloudflare\n"),
            (r"\[staging\]", "perhaps\n"),
            ("'perhaps' is none of them", ""),
            (r"\[staging\]", "stag\n"),
            ("E-mail", "root@localhost\n"),
            ("'root@localhost' ", ""),
            ("E-mail", "ops@example.org\n"),
            ("CAs take no address at example.org", ""),
            ("E-mail", "root@host.Local\n"),
            ("CAs take no address at host.local", ""),
            ("E-mail", "\n"),
            ("Write this", "maybe\n"),
            ("Write this", "y\n"),
        ],
    )
    assert said.code == 0, said.stdout


EVERY = [
    ("ACME client", "dehydrated\n"),
    ("Names of the certificate", "example.org\n"),
    ("DNS provider", "bind\n"),
    ("nameserver", "192.0.2.53\n"),
    ("tsig_key", "dns01\n"),
    (r"tsig_secret \(not shown\)", SECRET + "\n"),
    (r"\[staging\]", "production\n"),
    ("E-mail", "\n"),
    ("every night", "\n"),
    ("Write this", "\n"),
]


class TestWhoeverStops:
    @pytest.mark.parametrize("asked", range(len(EVERY)), ids=[question for question, _ in EVERY])
    def test_at_any_question_has_nothing_written(self, asked: int, machine: FreshMachine) -> None:
        self.stop(machine, asked, CTRL_C)

    @pytest.mark.parametrize("question", ["DNS provider", "tsig_secret", "Write this"])
    def test_also_by_ending_the_input(self, question: str, machine: FreshMachine) -> None:
        asked = next(number for number, each in enumerate(EVERY) if question in each[0])
        self.stop(machine, asked, "\x04")

    @staticmethod
    def stop(machine: FreshMachine, asked: int, key: str) -> None:
        before = machine.files(*MINE, "/etc/cron.d")
        said = machine.at_terminal(*init(), answers=[*EVERY[:asked], (EVERY[asked][0], key)])
        assert said.code == 130, said.stdout
        assert machine.files(*MINE, "/etc/cron.d") == before
        assert "nothing has been written\ndns01: stopped" in said.stdout

    @pytest.mark.parametrize("at", ["Order it", "ordering"])
    def test_what_is_written_by_then_is_what_the_next_run_goes_on_with(
        self, at: str, machine: FreshMachine
    ) -> None:
        client = "trap 'echo taken back; exit 1' INT\nprintf 'ordering: '\nsleep 60 & wait"
        machine.write("/mnt/bin/certbot", f"#!/bin/sh\n{client}\n", 0o755)
        path = f"/mnt/bin:{machine.environ['PATH']}"
        machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
        command = ["dns01", "init", "--client", "certbot", "--no-doctor", "--staging", "--email", ""]
        command += ["--provider", "bind", "--no-bind", "example.org"]
        answers = [("Write this", "\n"), ("Order it", "\n"), ("ordering", CTRL_C)]
        if at == "Order it":
            answers[1:] = [("Order it", CTRL_C)]

        said = machine.at_terminal(*command, answers=answers, PATH=path)

        assert said.code == 130, said.stdout
        assert "what is written stays: run init again" in said.stdout
        assert ("taken back" in said.stdout) == ("dns01 sweep" in said.stdout) == (at == "ordering")
        again = machine.run(*command, "--yes", PATH=path)
        assert again.code == 0, again.stderr
        assert "nothing has to be changed" in again.stdout


@pytest.mark.parametrize("answer", ["y", "example.net", "Yes please", "1"])
def test_an_answer_that_is_no_provider_leaves_the_one_that_enter_takes(
    answer: str, machine: FreshMachine
) -> None:
    machine.write("/etc/bind/dns01.key", KEY_FILE, 0o640)
    provider = r"DNS provider \[rfc2136\]"
    said = machine.at_terminal(
        *init("--client", "certbot", "--no-bind", "--staging", "--email", "", "example.org"),
        answers=[
            (provider, f"{answer}\n"),
            ("-> Enter: rfc2136", ""),
            (provider, "\n"),
            ("Write this", "no\n"),
        ],
    )
    assert said.code == 130, said.stdout


def test_no_to_the_difference_writes_nothing(machine: FreshMachine) -> None:
    before = machine.files(*MINE)
    said = machine.at_terminal(
        *init("--client", "certbot", "--provider", "bind", "--set", "nameserver=192.0.2.53", "example.org"),
        answers=[
            ("tsig_key", "\n"),
            ("tsig_secret", "\n"),
            ("staging", "\n"),
            ("E-mail", "\n"),
            ("Write", "no\n"),
        ],
    )
    assert said.code == 130
    assert machine.files(*MINE) == before


class TestNoneOfTheClients:
    @pytest.mark.parametrize("answer", ["acme.sh", "acmesh", " ACME.SH ", "acme", "acme.sh --issue"])
    def test_acme_sh_is_known_and_what_to_do_is_said(self, answer: str) -> None:
        with pytest.raises(ConfigError, match=r"acme\.sh calls no hook") as error:
            called(answer)
        assert "docs/guides/migrating.rst" in error.value.hint

    @pytest.mark.parametrize("answer", ["caddy", "none", "nginx", "", "traefik2", "o"])
    def test_whoever_has_no_client_is_told_of_our_own(self, answer: str) -> None:
        with pytest.raises(ConfigError) as error:
            called(answer)
        assert "one of: dehydrated, certbot" in error.value.hint
        assert "`dns01 issue`" in error.value.hint

    def test_an_acme_sh_that_is_here_is_named_before_the_question(self, machine: FreshMachine) -> None:
        machine.write(f"{HOME}/.acme.sh/account.conf", "SAVED_CF_Token='abc-token'\n")
        said = machine.at_terminal(
            *init("--staging", "--email", "", "example.org"),
            answers=[
                (r"Found: acme.sh, in /mnt/home/.acme.sh[\s\S]*ACME client", "acme.sh\n"),
                ("ACME client", "certbot\n"),
                (r"credentials for cloudflare[\s\S]*DNS provider \[cloudflare\]", "\n"),
                ("Write this", "no\n"),
            ],
        )
        assert said.code == 130, said.stdout
        assert machine.run(*init("--client", "acme.sh"), user=0).code == 3


KEYS = ["/etc/bind/a.key (127.0.0.1, Alpha)", "/etc/bind/b.key (127.0.0.1, beta2)", "/home/Ada/b.ini (gamma)"]


class TestOneOfSeveral:
    def test_each_has_a_number(self, machine: FreshMachine) -> None:
        machine.write("/etc/bind/dns01.key", KEY_FILE)
        machine.write("/etc/bind/keys/other.key", KEY_FILE.replace("dns01", "transfer"))
        said = machine.at_terminal(
            *init("--client", "certbot", "--provider", "bind", "--staging", "--email", "", "example.org"),
            answers=[
                (r"several accounts:\s+1\. /etc/bind/dns01.key[\s\S]*2\. /etc/bind/keys[\s\S]*Which", "3\n"),
                ("a number from 1 to 2", ""),
                ("Which", "2\n"),
                ("Write", "yes\n"),
            ],
        )
        assert said.code == 0, said.stdout
        assert 'tsig_key = "transfer"' in machine.path("/etc/dns01/config.toml").read_text()

    @pytest.mark.parametrize(
        ("answer", "index"),
        [("1", 0), (" 3 ", 2), ("alpha", 0), ("/etc/bind/b.key", 1), ("beta2", 1), ("ADA", 2), ("b.ini", 2)],
    )
    def test_it_is_meant_by_its_number_or_a_part_of_its_line(self, answer: str, index: int) -> None:
        assert index_of(answer, KEYS) == index

    @pytest.mark.parametrize("answer", ["", "0", "4", "-1", "127.0.0.1", "delta", "9" * 5000, "\u0661\u0660"])
    def test_what_means_none_or_several_is_asked_again(self, answer: str) -> None:
        with pytest.raises(ConfigError) as error:
            index_of(answer, KEYS)
        assert error.value.hint == "a number from 1 to 3"


class TestNames:
    @pytest.mark.parametrize(
        "answer",
        [
            "example.org *.example.org",
            "example.org, *.example.org",
            "example.org;*.example.org;",
            "\u201cexample.org\u201d \u2018*.example.org\u2019",
            "EXAMPLE.org. '*.example.org' example.org",
        ],
    )
    def test_however_they_are_separated_each_is_there_once(self, answer: str) -> None:
        assert names_in(answer) == ("example.org", "*.example.org")

    def test_u_labels_become_a_labels(self) -> None:
        assert names_in("Bücher.example *.bücher.example") == (
            "xn--bcher-kva.example",
            "*.xn--bcher-kva.example",
        )

    @pytest.mark.parametrize(
        "answer",
        [
            "DNS:Example.org",
            "*bücher.example",
            "foo.*.example.org",
            "*.",
            "Demo-host",
            "*.Bücher",
            "http:cool.org",
        ],
    )
    def test_what_is_no_name_is_shown_as_it_was_written(self, answer: str) -> None:
        with pytest.raises(UsageError) as error:
            names_in(f"example.org {answer}")
        assert repr(answer) in str(error.value)
