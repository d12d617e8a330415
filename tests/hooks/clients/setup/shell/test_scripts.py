"""A shell's script, taken apart: what it sets, what it hands on, and what is no command of its at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine

from dns01.hooks.clients.setup.dehydrated_config import read_config
from dns01.hooks.clients.setup.shell.calls import ProgramCall, calls
from dns01.hooks.clients.setup.shell.commands import commands
from dns01.hooks.clients.setup.shell.variables import variables_after

CONFIG = "/etc/dehydrated/config"
SET = "HOOK=/opt/dns01\n"


def settings(root: Path, text: str, **files: str) -> dict[str, str]:
    machine = Machine(root)
    machine[CONFIG] = text
    for name, content in files.items():
        machine[f"/etc/{name}"] = content
    config = read_config({}, str(root))
    assert config
    return dict(config.settings)


@pytest.mark.parametrize(
    "said",
    [
        'NOTE="first\nHOOK=/gone\n"',
        "NOTE='first\nHOOK=/gone'",
        'NOTE="$(cat <<A\nHOOK=/gone\nA\n)"',
        "NOTE=`echo '\nHOOK=/gone\n'`",
        'NOTE=(one\nHOOK=/gone\n"two")',
        "NOTE=$'it\\'s\nHOOK=/gone'",
        "# a comment \\\n#HOOK=/gone",
        "NOTE='a' # it's\n# HOOK=/gone",
        "cat <<-'E O' >/dev/null\nHOOK=/gone\nE\n\tE O",
        "HOOK=/gone true",
        "echo \\\nHOOK=/gone",
        'NOTE=${NOTE:-"\nHOOK=/gone\n"}',
        "(HOOK=/gone; true) | cat\nHOOK=/opt/dns01",
        "NOTE=$((1 << 3))",
        ": ${HOOK:=/gone}",
        "unset NOTE; unset BASEDIR",
    ],
)
def test_what_is_no_setting(tmp_path: Path, said: str) -> None:
    assert settings(tmp_path, f"{SET}{said}\n")["HOOK"] == "/opt/dns01"


@pytest.mark.parametrize(
    "said",
    [
        "HOOK=/opt/\\\ndns01",
        'export CHALLENGETYPE="dns-01" HOOK="/opt/dns01" # both',
        "CHALLENGETYPE=dns-01; HOOK=/opt/dns01",
        "CHALLENGETYPE=dns-01 HOOK='/opt/dns01'",
        'declare -x HOOK="/opt/dns01"',
        'HOOK="/opt/dns01" # "it is',
        'AT=/opt\nHOOK="${AT}/dns01"',
        'HOOK="${HOOK:-/opt/dns01}"',
        ': "${HOOK:=/opt/dns01}"',
        "HOOK=/opt\nHOOK+=/dns01",
        "NOTE='a\n'\nHOOK=/opt/dns01",
        "cat <<EOF\nEOF \nEOF\nHOOK=/opt/dns01",
        ". /etc/more",
        "[ -r /etc/more ] && . /etc/more",
        "if test -r /etc/more; then\n  source '/etc/more'\nfi",
    ],
)
def test_what_is_a_setting(tmp_path: Path, said: str) -> None:
    assert settings(tmp_path, f"{said}\n", more=SET)["HOOK"] == "/opt/dns01"


@pytest.mark.parametrize(
    "text", ['"' * 9999, "$(" * 99999, "'", "$" * 99999, "(" * 9999, "<<" * 9999, "\\", "$'"]
)
def test_a_text_that_is_no_script_takes_no_time(text: str) -> None:
    assert len(list(commands(text))) < 2


@pytest.mark.parametrize(
    ("text", "exported", "withheld", "complete"),
    [
        ("A=1", set(), {"A"}, True),
        ("A = 1", set(), {"A"}, True),
        ("export A = 1", set(), {"A"}, True),
        ("[ a = A ] && test A = A", set(), set(), True),
        ("export A=1 B=2", {"A", "B"}, set(), True),
        ("A=1\nexport A", {"A"}, set(), True),
        ("set -a\nA=1\nset +a\nB=2", {"A"}, {"B"}, True),
        ("set -eo allexport; A=1", {"A"}, set(), True),
        ("export \\\n  A=1 \\\n  B=2", {"A", "B"}, set(), True),
        ("declare -rx A=1; typeset B=2", {"A"}, {"B"}, True),
        (". /etc/plain", set(), {"A"}, True),
        ("set -a; . /etc/plain", {"A"}, set(), True),
        (". /etc/plain; export A", {"A"}, set(), True),
        (". /etc/exporting && sh -c 'C=3'", {"A"}, {"C"}, True),
        (". ./here", set(), set(), False),
        (". /etc/gone", set(), set(), False),
        ("export $(grep -v '^#' /etc/plain)", set(), set(), False),
        ('eval "$(cat /etc/plain)"', set(), set(), False),
        ("PATH=/opt/bin:$PATH", {"PATH"}, set(), True),
        ("A=1 lego", set(), set(), True),
        ('while read A; do export "$A"; done </etc/plain', set(), set(), False),
    ],
)
def test_what_programs_get_of_the_variables(
    tmp_path: Path, text: str, exported: set[str], withheld: set[str], complete: bool
) -> None:
    machine = Machine(tmp_path)
    machine["/etc/plain"], machine["/etc/exporting"] = "A=1\n", "export A=1\n"
    found = variables_after(text, "/x", {}, str(tmp_path))
    assert (set(found.exported), set(found.withheld), found.complete) == (exported, withheld, complete)


def test_the_file_that_keeps_a_variable_to_itself_is_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine["/etc/plain"] = "A=1\n"
    found = variables_after(". /etc/plain && lego", "/etc/cron.d/a", {}, str(tmp_path))
    assert found.withheld["A"].path == "/etc/plain"


@pytest.mark.parametrize(
    "text",
    ["env " * 60000 + "lego", "$(" * 60000 + "lego", "`" * 99999, "sh -c 'sh -c " * 9999, "$(`" * 9999],
)
def test_a_line_without_end_takes_no_time(text: str) -> None:
    assert list(calls(text, "lego")) == []


RENEW = "certbot renew"


@pytest.mark.parametrize(
    "text",
    [
        f"sudo -u acme {RENEW}",
        f"/usr/bin/sudo -n --user=acme -- {RENEW}",
        f"A=1 env -u B A=2 nice -n 10 ionice -c 3 -n 7 {RENEW}",
        f"timeout -k 5 30m {RENEW} >/dev/null 2>&1",
        f"flock -n -w 9 /run/lock/certbot {RENEW}",
        f"flock /run/lock/certbot -c '{RENEW}'",
        f"chronic systemd-cat -t certbot -p info {RENEW}",
        f"test -x /usr/bin/certbot -a \\! -d /run/x && perl -e 'sleep 9' && {RENEW}",
        f'bash -lc "sleep 1; {RENEW}"',
        f"su - acme -s /bin/sh -c '{RENEW}'",
        f"runuser -u acme -- {RENEW}",
        f"if true; then {RENEW}; fi",
        f"(cd / && {{ {RENEW}; }})",
        f'OUT="$({RENEW} 2>&1)"',
        f">/dev/null 2>/x {RENEW}",
        f"/usr/bin/snap run {RENEW}",
        f"time setsid nohup {RENEW} &",
        f"docker exec -it certbot {RENEW}",
        "docker run --rm --name certbot -v /etc/letsencrypt:/etc/letsencrypt certbot/certbot:latest renew",
        "docker compose -f /srv/c.yml run --rm certbot renew",
        f"ssh host '{RENEW}'",
        f"python3 -I /usr/bin/{RENEW}",
        f"echo certbot; /opt/certbot/bin/{RENEW}",
    ],
)
def test_a_call_behind_whatever_stands_before_it(text: str) -> None:
    (call,) = calls(text, "certbot")
    assert call.arguments[0] == "renew"
    assert call.program.rpartition("/")[2].startswith("certbot")


@pytest.mark.parametrize(
    "text",
    [
        "echo certbot renew",
        "logger -t certbot renewed",
        "systemctl start certbot",
        "sudo -u certbot true",
        "flock /run/certbot true",
        "A=certbot true",
        "which certbot || exit",
        "# certbot renew",
        "pgrep certbot",
        "cat <<EOF\ncertbot renew\nEOF",
    ],
)
def test_what_only_has_the_name_in_it(text: str) -> None:
    assert list(calls(text, "certbot")) == []


def test_what_is_set_for_the_call_alone() -> None:
    assert list(calls("A=1; B=2 env C=3 sh -c 'D=4 lego run'", "lego")) == [
        ProgramCall("lego", ["run"], {"B": "2", "C": "3", "D": "4"})
    ]
    (call,) = calls("docker run -e A=1 goacme/lego run", "lego")
    assert (call.environ, call.contained) == ({"A": "1"}, True)
