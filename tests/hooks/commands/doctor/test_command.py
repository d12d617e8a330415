"""dns01 doctor as a person runs it: what it shows, what it asks, and what it ends with."""

from __future__ import annotations

import pty
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from os import close, read
from pathlib import Path

import pytest
from calls import BOTH, HOOK, KEY, NAME, PRIMARY, Stage
from contract import validation
from patients import document, found, person, plant
from testbed import NameServer

from dns01.errors import UsageError
from dns01.hooks.commands.doctor.command import show_findings
from dns01.names import is_within


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


# What it shows


def test_a_healthy_domain_says_so_in_one_line_beneath_its_tree(stage: Stage) -> None:
    said = person(stage)("doctor", "example.org")

    assert (said.code, said.stderr) == (0, "")
    *tree, account, verdict = said.stdout.splitlines()[:-1]
    assert tree == [
        "example.org",
        "  _acme-challenge.example.org",
        "    zone example.org",
        "      ns1.example.org  127.1.0.1",
    ]
    assert account.startswith("    account rfc2136: ")
    assert verdict.startswith("  ready to order; only --write tells")


@pytest.mark.parametrize("given", ["*bücher.example", "https://bücher.example/", "example.org,example.net"])
def test_what_is_no_domain_is_said_before_anything_is_asked(given: str) -> None:
    with pytest.raises(UsageError) as caught:
        show_findings(["example.org", given], "", without={})
    assert repr(given) in str(caught.value)


def test_a_healthy_domain_has_no_finding_for_programs(stage: Stage) -> None:
    said = person(stage)("doctor", "*.Example.org", "--json")

    (domain,) = document(said)["domains"]
    assert said.code == 0
    assert domain == {
        "domain": "*.example.org",
        "name": NAME,
        "chain": [NAME],
        "zone": "example.org",
        "servers": [{"name": "ns1.example.org", "addresses": [PRIMARY]}],
        "account": {"name": "rfc2136", "provider": "rfc2136"},
        "accounts": [{"name": "rfc2136", "provider": "rfc2136"}],
        "why": domain["why"],
        "worst": "note",
        "findings": [],
    }


def test_the_tree_follows_every_cname(tmp_path: Path) -> None:
    text = f"{NAME}. CNAME one.example.org.\none CNAME two.example.org.\n"
    with Stage(tmp_path, text=text) as stage:
        said = person(stage)("doctor", "example.org")

    assert said.code == 0
    assert (
        f"  {NAME}\n"
        "    CNAME one.example.org\n"
        "      CNAME two.example.org\n"
        "        zone example.org\n"
        "          ns1.example.org  127.1.0.1\n"
    ) in said.stdout


def test_a_circle_of_cnames_is_drawn_and_named(tmp_path: Path) -> None:
    with Stage(tmp_path, text=f"{NAME}. CNAME {NAME}.\n") as stage:
        said = person(stage)("doctor", "example.org")

    assert said.code == 2
    assert f"  {NAME}\n    CNAME {NAME}\n" in said.stdout
    assert "ERROR   cname-loop: _acme-challenge.example.org: " in said.stdout


def test_a_finding_is_a_line_with_the_numbered_steps_beneath(stage: Stage) -> None:
    said = person(stage, RFC2136_TSIG_SECRET="d3Jvbmc=")("doctor", "example.org")

    assert said.code == 2
    assert re.search(
        r"^  ERROR   auth-rejected: rfc2136: 127\.1\.0\.1 .*\(BADSIG\)\n       1\. .*secret.*\n       2\. ",
        said.stdout,
        re.MULTILINE,
    )
    assert "  an order would fail: auth-rejected\n" in said.stdout


def test_a_step_of_several_lines_stays_together(stage: Stage) -> None:
    said = person(stage, DNS01_PROVIDER="", DNS01_TIMEOUT="")("doctor", "example.org")
    assert re.search(r"^       1\. .*:\n          export DNS01_PROVIDER=\w+$", said.stdout, re.MULTILINE)


def test_what_several_domains_share_is_explained_once(stage: Stage) -> None:
    said = person(stage, RFC2136_TSIG_SECRET="d3Jvbmc=")("doctor", "example.org", "www.example.org")

    assert said.stdout.startswith("example.org, www.example.org\n")
    assert said.stdout.count("(BADSIG)") == 1
    assert said.stdout.count("       1. ") == 1
    assert (
        f"grant KEY name {NAME}. TXT; }};  (and the same for _acme-challenge.www.example.org)" in said.stdout
    )
    assert said.stdout.endswith("\n2 of 2 domains would fail: example.org, www.example.org\n")


def test_a_domain_and_its_wildcard_have_one_picture(stage: Stage) -> None:
    said = person(stage)("doctor", "example.org", "*.example.org")

    assert said.stdout.count("zone example.org") == 1
    assert said.stdout.startswith(f"example.org, *.example.org\n  {NAME}\n")


def test_what_a_finding_is_about_is_not_said_twice(stage: Stage, tmp_path: Path) -> None:
    key = tmp_path / "tsig.key"
    key.write_text(KEY.bind())
    key.chmod(0o644)

    said = person(stage, RFC2136_TSIG_KEY="", RFC2136_TSIG_SECRET="", RFC2136_TSIG_FILE=str(key))(
        "doctor", "example.org"
    )

    assert f"  ERROR   world-readable-secret: account rfc2136: {key} " in said.stdout
    assert said.stdout.count("account rfc2136: ") == 2  # the other is of the tree


def test_a_name_that_is_not_in_the_dns_ends_at_the_root(stage: Stage) -> None:
    said = person(stage)("doctor", "example.internal")

    assert "\n    the root zone\n      a.root-servers.net  127.0.0.2\n" in said.stdout


def test_no_secret_is_shown(stage: Stage) -> None:
    for words in (("--json",), ()):
        said = person(stage, RFC2136_TSIG_KEY=KEY.secret)("doctor", "example.org", *words)
        assert "[secret]" in said.stdout
        assert KEY.secret not in said.stdout + said.stderr


def test_a_terminal_gets_colours_and_a_drawn_tree(stage: Stage) -> None:
    ours, theirs = pty.openpty()
    shown: list[bytes] = []

    def watch() -> None:
        try:
            while some := read(ours, 4096):
                shown.append(some)
        except OSError:  # the other end is closed
            pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    words = [sys.executable, str(HOOK), "doctor", "example.org"]
    environ = {**stage.environ, "TERM": "xterm-256color", "COLUMNS": "80", "RFC2136_TSIG_SECRET": "d3Jvbmc="}
    done = subprocess.run(words, env=environ, stdout=theirs, stderr=subprocess.PIPE, check=False)
    close(theirs)
    watcher.join()
    close(ours)

    text = b"".join(shown).decode()
    assert done.returncode == 2
    assert "└── " in text
    assert "\x1b[1;31m" in text
    lines = re.sub(r"\x1b\[[\d;]*m", "", text).splitlines()
    assert [line[:10] for line in lines if re.match(r" +1\. ", line)] == ["       1. "]
    assert [line for line in lines if len(line) > 80] == []
    assert "(BADSIG)" in text


# What it ends with


def test_a_warning_is_exit_code_1(stage: Stage) -> None:
    plant(stage, *(validation(str(number)) for number in range(21)))
    said = person(stage)("doctor", "example.org", "--json")
    assert found(said) == {"stale-txt": "warning"}
    assert said.code == 1
    assert document(said)["worst"] == "warning"


def test_an_error_is_exit_code_2(stage: Stage) -> None:
    said = person(stage)("doctor", "missing.org", "--json")
    assert said.code == 2
    assert document(said)["worst"] == "error"


def test_the_worst_of_all_domains_counts(stage: Stage) -> None:
    said = person(stage)("doctor", "missing.org", "example.org", "--json")
    assert said.code == 2
    assert [domain["worst"] for domain in document(said)["domains"]] == ["error", "note"]


@pytest.mark.parametrize("words", [[], ["exa_mple.org"], ["example.org", "--what"]])
def test_a_usage_error_is_exit_code_2_with_nothing_on_stdout(stage: Stage, words: list[str]) -> None:
    said = person(stage)("doctor", *words)
    assert (said.code, said.stdout) == (2, "")
    assert said.stderr


def test_an_unknown_ca_is_a_usage_error(stage: Stage) -> None:
    said = person(stage)("doctor", "example.org", "--ca", "letsencript")
    assert (said.code, said.stdout) == (2, "")
    assert "'letsencript'" in said.stderr
    assert "'letsencrypt'" in said.stderr


def test_the_ca_to_look_by_is_that_of_the_option(tmp_path: Path) -> None:
    with Stage(tmp_path, text='@ CAA 0 issue "pki.goog"\n') as stage:
        shell = person(stage)
        assert found(shell("doctor", "example.org", "--ca", "google", "--write", "--json")) == {
            "probe-passed": "note"
        }
        said = shell("doctor", "example.org", "--ca", "letsencrypt", "--json")

    assert said.code == 2
    assert found(said) == {"caa-forbids": "error"}
    assert 'CAA 0 issue \\"letsencrypt.org\\"' in said.stdout


# Without, and with a wrong, configuration


def test_without_any_configuration_the_dns_is_looked_at_all_the_same(tmp_path: Path) -> None:
    with Stage(tmp_path, text=f"{NAME}. CNAME challenge.missing.net.\n") as stage:
        said = person(stage, DNS01_PROVIDER="", DNS01_TIMEOUT="")("doctor", "example.org", "--json")

    assert said.code == 2
    assert found(said) == {"no-configuration": "error", "cname-dangling": "error"}
    assert document(said)["domains"][0]["account"] is None


def test_a_configuration_error_is_a_finding_and_no_end(stage: Stage) -> None:
    said = person(stage, RFC2136_TSIG_KEY="")("doctor", "example.org", "--json")
    assert said.code == 2
    assert found(said) == {"bad-configuration": "error"}
    assert document(said)["domains"][0]["zone"] == "example.org"


def test_a_state_folder_that_is_mounted_read_only_is_said_to_be(stage: Stage) -> None:
    shell = person(stage)
    shell.run(f"mkdir -p {stage.state}; mount -t tmpfs -o ro,mode=700 none {stage.state}")

    said = shell("doctor", "example.org", "--json")

    assert found(said) == {"state-unusable": "error"}
    (finding,) = document(said)["domains"][0]["findings"]
    assert "Read-only file system" in finding["message"]
    assert finding["remedy"]


UNIT_OF_DAEMON = """
mount -t tmpfs none /run; mkdir -p /run/systemd/system/timers.target.wants; cd /run/systemd/system
printf '[Timer]\\nOnCalendar=daily\\n' > dehydrated.timer; ln -s ../dehydrated.timer timers.target.wants/
printf '[Service]\\nUser=daemon\\nExecStart=/usr/bin/dehydrated --cron\\n' > dehydrated.service
printf 'HOOK=/opt/dns01/bin/dns01\\n' > /etc/dehydrated/config
"""


def test_root_looks_as_the_user_whom_the_client_runs_as(stage: Stage, tmp_path: Path) -> None:
    """That user's key and state folder are right; root's own run would not use them."""
    key = tmp_path / "tsig.key"
    key.write_text(f'key "{KEY.name}" {{ algorithm {KEY.algorithm}; secret "{KEY.secret}"; }};')
    key.chmod(0o600)
    stage.state.mkdir(mode=0o700)
    for path in (key, stage.state):
        shutil.chown(path, "daemon")
    shell = person(stage, RFC2136_TSIG_FILE=str(key), RFC2136_TSIG_KEY="", RFC2136_TSIG_SECRET="")
    both = {"state-unusable": "error", "writable-configuration": "error"}

    assert found(shell("doctor", "example.org", "--json")) == both
    shell.run(UNIT_OF_DAEMON)
    assert not found(shell("doctor", "example.org", "--json")).keys() & both.keys()


# What it asks


def test_no_resolver_hears_of_the_challenge_name(tmp_path: Path) -> None:
    with Stage(tmp_path, BOTH, text=f"{NAME}. CNAME challenge.example.org.\n") as stage:
        assert person(stage)("doctor", "example.org", "*.www.example.org").code <= 1

        asked = stage.world.resolver.log
    assert ". NS IN" in asked
    assert "challenge" not in asked


def test_domains_that_nothing_answers_for_are_looked_at_side_by_side(tmp_path: Path) -> None:
    domains = ["example.org", "example.net", "example.test"]
    with Stage(tmp_path) as stage, NameServer("127.1.0.7") as one, NameServer("127.1.0.8") as two:
        one.silent = two.silent = True
        for domain in domains:
            stage.world.delegate(domain, {f"ns1.{domain}": one.address, f"ns2.{domain}": two.address})
        said = person(stage, RFC2136_NAMESERVER="192.0.2.1")("doctor", *domains, "--json")

    assert said.code == 2
    names = [question.name for question in one.questions]
    asked = [[at for at, name in enumerate(names) if is_within(name, domain)] for domain in domains]
    assert max(min(places) for places in asked) < min(max(places) for places in asked)
    assert [each["domain"] for each in document(said)["domains"]] == domains
    for each in document(said)["domains"]:
        codes = {finding["code"] for finding in each["findings"]}
        assert codes - {"check-unfinished"} >= {"provider-unreachable"}
        assert codes & {"zone-down", "check-unfinished"}  # which of them, the machine's load decides


def test_a_hundred_domains_of_one_zone_cost_few_questions_more_than_one(stage: Stage) -> None:
    domains = [f"host{number}.example.org" for number in range(100)]

    said = person(stage)("doctor", *domains)

    assert (said.code, said.stdout.count("ready to order")) == (0, 1)
    asked = stage.world.servers["127.0.0.3"].questions
    assert len([question for question in asked if question.name == "example.org"]) < 20
