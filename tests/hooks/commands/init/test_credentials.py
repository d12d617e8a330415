"""``dns01 init`` and credentials that the provider refuses, before anything is written."""

from __future__ import annotations

import pytest
from fakes.digitalocean import DigitalOcean
from fakes.faults import Status
from fresh import FreshMachine
from testbed import NameServer, Zone

GIVEN = ["--client", "certbot", "--provider", "digitalocean", "--email", "", "--staging", "--no-order"]
MINE = ("/etc/dns01", "/etc/letsencrypt")
PRIVILEGE = "The least privilege to grant: the custom scopes domain:read, domain:create"
FILE = "/mnt/home/token"
STOP = ("Write this", "no\n")  # what follows would ask the DNS


def init(api: DigitalOcean, *more: str) -> list[str]:
    return ["dns01", "init", *GIVEN, "--set", f"base_url={api.url}", *more, "example.org"]


def test_what_to_grant_is_said_before_the_token_is_asked_for(machine: FreshMachine) -> None:
    with DigitalOcean(["example.org"]) as api:
        answers = [(PRIVILEGE, ""), (r"token \(not shown\)", f"{api.token}\n"), STOP]
        said = machine.at_terminal(*init(api), answers=answers)
    assert said.code == 130
    assert "refused" not in said.stdout


@pytest.mark.parametrize("slip", ["a-token-with-a-slip", "Bearer s3cret-t0ken-0f-the-test", "\u00e4-token"])
def test_a_token_that_is_refused_is_asked_for_again(slip: str, machine: FreshMachine) -> None:
    with DigitalOcean(["example.org"]) as api:
        said = machine.at_terminal(
            *init(api),
            answers=[
                (PRIVILEGE, ""),
                (r"token \(not shown\)", f"{slip}\n"),
                (r"credentials are\s+refused", ""),
                (r"as it is\)\s+token \(not shown\)", f"{slip}-too\n"),
                (r"as it is\)\s+token \(not shown\)", f" {api.token} \n"),
                ("Write this", "yes\n"),
            ],
            DNS01_DOH="",
        )
    assert machine.path("/etc/dns01/digitalocean.token").read_text() == f"{api.token}\n", said.stdout
    assert slip not in said.stdout
    assert said.stdout.count("The least privilege to grant") == 1


def test_what_to_grant_is_said_once_about_a_token_that_was_given(machine: FreshMachine) -> None:
    machine.write(FILE, "slip\n")
    with DigitalOcean(["example.org"]) as api:
        token = r"token \(not shown\)"
        said = machine.at_terminal(
            *init(api, "--secret", f"token={FILE}"),
            answers=[
                (r"credentials are\s+refused", ""),
                (PRIVILEGE, ""),
                (token, "another\n"),
                (r"credentials are\s+refused", ""),
                (token, f"{api.token}\n"),
                STOP,
            ],
        )
    assert said.stdout.count("The least privilege to grant") == 1


def test_they_are_looked_at_before_anything_else_is_asked(machine: FreshMachine) -> None:
    with DigitalOcean(["example.org"]) as api:
        said = machine.at_terminal(
            *["dns01", "init", "--client", "dehydrated", "--set", f"base_url={api.url}"],
            answers=[
                ("Names of the certificate", "example.org\n"),
                ("DNS provider", "do\n"),
                (r"token \(not shown\)", "slip\n"),
                (r"credentials are\s+refused", ""),
                (r"token \(not shown\)", f"{api.token}\n"),
                (r"\[staging\]", "\n"),
                ("E-mail", "\n"),
                STOP,
            ],
        )
    assert said.code == 130, said.stdout


def test_enter_keeps_it_for_the_doctor_to_say_more(machine: FreshMachine) -> None:
    with DigitalOcean(["example.org"]) as api:
        token = r"token \(not shown\)"
        said = machine.at_terminal(*init(api), answers=[(token, "slip\n"), (token, "\n"), STOP])
    assert said.code == 130


def test_a_token_that_an_earlier_run_has_written_is_asked_for_again_as_well(machine: FreshMachine) -> None:
    machine.write(FILE, "slip\n")
    with DigitalOcean(["example.org"]) as api:
        before = machine.run(*init(api, "--secret", f"token={FILE}", "--no-doctor", "--yes"))
        assert before.code == 0, before.stderr
        again = [*init(api)[:4], *init(api)[6:]]
        said = machine.at_terminal(*again, answers=[(r"token \(not shown\)", f"{api.token}\n"), STOP])
    assert said.code == 130
    assert "changed, mode 0600, not shown: /etc/dns01/digitalocean.token" in said.stdout


def test_unattended_it_is_an_error_that_names_the_option(machine: FreshMachine) -> None:
    machine.write(FILE, "slip\n")
    with DigitalOcean(["example.org"]) as api:
        before = machine.files(*MINE)
        said = machine.run(*init(api, "--secret", f"token={FILE}", "--yes"))
    assert said.code == 5, said.stdout
    assert "give others: --secret token=FILE; The least privilege" in said.stderr
    assert machine.files(*MINE) == before


@pytest.mark.parametrize("slip", ["ns1.invalid", "127.0.0.9:1"])
def test_a_name_server_that_nobody_is_at_is_asked_for_again(slip: str, machine: FreshMachine) -> None:
    given = ["--client", "certbot", "--provider", "bind", "--staging", "--email", "", "--no-order"]
    nameserver = r"as it is\)\s+nameserver"
    said = machine.at_terminal(
        *["dns01", "init", *given, "--set", f"nameserver={slip}", "example.org"],
        answers=[
            ("tsig_key", "\n"),
            ("tsig_secret", "\n"),
            (nameserver, "ns2.invalid\n"),
            (nameserver, "\n"),
            STOP,
        ],
    )
    assert said.code == 130, said.stdout


NAMES = "Names of the certificate"


def test_a_name_that_the_account_has_no_zone_for_is_asked_for_again(machine: FreshMachine) -> None:
    given = ["--client", "dehydrated", "--provider", "do", "--secret", f"token={FILE}", "--staging"]
    machine.write(FILE, DigitalOcean.token)
    with DigitalOcean(["example.org"]) as api:
        said = machine.at_terminal(
            *["dns01", "init", *given, "--email", "", "--set", f"base_url={api.url}", "--no-order"],
            answers=[
                (NAMES, "example.org *.exmaple.org\n"),
                (r"none of its zones holds\s+exmaple.org; it sees example.org", ""),
                (rf"as they are[\s\S]*{NAMES} \[example.org \*.exmaple.org\]", "www.example.net\n"),
                (r"none of its zones holds\s+www.example.net", ""),
                (NAMES, "example.org *.example.org\n"),
                ("Write this", "yes\n"),
            ],
            DNS01_DOH="",
        )
    assert machine.path("/etc/dehydrated/domains.txt").read_text() == "example.org *.example.org\n", (
        said.stdout
    )


@pytest.mark.parametrize("recurses", [True, False], ids=["a resolver", "a server of other zones"])
def test_a_server_that_has_no_such_zone_is_asked_for_again_before_the_names(
    recurses: bool, machine: FreshMachine
) -> None:
    given = ["--client", "certbot", "--provider", "bind", "--staging", "--email", "", "--no-order"]
    zones = [Zone("example.org" if recurses else "example.net")]
    with (
        NameServer("127.1.0.53", zones=zones) as other,
        NameServer("127.1.0.1", zones=[Zone("example.org")]) as primary,
    ):
        other.intercepted = recurses
        said = machine.at_terminal(
            *["dns01", "init", *given, "--set", f"nameserver={other.address}", "example.org"],
            answers=[
                ("tsig_key", "\n"),
                ("tsig_secret", "\n"),
                (r"not\s+authoritative for example.org[\s\S]*as it is\)\s+nameserver", "\n"),
                (rf"{NAMES} \[example.org\]", "www.example.org\n"),
                (r"as it is\)\s+nameserver", f"{primary.address}\n"),
                ("Write this", "yes\n"),
            ],
            DNS01_DOH="",
        )
    written = machine.path("/etc/dns01/config.toml").read_text()
    assert f'nameserver = "{primary.address}"' in written, said.stdout


def test_enter_keeps_a_name_whose_challenge_may_be_elsewhere(machine: FreshMachine) -> None:
    machine.write(FILE, DigitalOcean.token)
    with DigitalOcean(["example.net"]) as api:
        said = machine.at_terminal(
            *init(api, "--secret", f"token={FILE}"), answers=[(rf"{NAMES} \[example.org\]", "\n"), STOP]
        )
    assert said.code == 130


def test_what_is_no_refusal_is_left_to_the_doctor(machine: FreshMachine) -> None:
    machine.write(FILE, DigitalOcean.token)
    with DigitalOcean(["example.org"]) as api:
        api.fail(Status(500, times=100))
        said = machine.at_terminal(*init(api, "--secret", f"token={FILE}"), answers=[STOP])
    assert said.code == 130


def test_unattended_it_is_said_before_what_is_lacking_besides(machine: FreshMachine) -> None:
    machine.write(FILE, "slip\n")
    with DigitalOcean(["example.org"]) as api:
        given = ["--client", "lego", "--provider", "do", "--set", f"base_url={api.url}"]
        said = machine.run("dns01", "init", *given, "--secret", f"token={FILE}", "example.org")
    assert said.code == 5, said.stderr
