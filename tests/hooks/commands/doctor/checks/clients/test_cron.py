"""What the doctor says of entries of cron's that do not get as far as the client."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine, with_certbot, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

CRONTAB = "/etc/cron.d/dehydrated"
RUN = "dehydrated --cron"
WHEN = "17 4 * * * root "
MAIL = "MAILTO=root\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated, installed by hand in a folder that cron does not look into."""
    machine = with_dehydrated(tmp_path / "root")
    machine.remove("/usr/bin/dehydrated")
    machine["/usr/local/bin/dehydrated"] = ""
    machine["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nacme:x:990:990::/var/lib/acme:/bin/sh\n"
    machine[CRONTAB] = ""
    return machine


@pytest.mark.parametrize(
    ("crontab", "why", "remedy"),
    [
        (f"{WHEN}{RUN}\n", "looked for in /usr/bin:/bin", f"{WHEN}/usr/local/bin/{RUN}"),
        (f"PATH=/usr/bin:/sbin\n{WHEN}nice -n 5 {RUN}\n", "looked for in /usr/bin:/sbin", "/usr/local/bin/"),
        (f"PATH=$PATH:/usr/local/bin\n{WHEN}{RUN}\n", "in the place of the variable", ":/bin:/usr/local/bin"),
        (f"{WHEN}bash -c 'sleep 9; {RUN}'\n", "looked for in", "bash -c 'sleep 9; /usr/local/bin/"),
        (f"@daily root sleep 9; {RUN}\n", "looked for in", "@daily root sleep 9; /usr/local/bin/"),
        (f"{WHEN}/usr/local/sbin/renew\n", "looked for in", "/usr/local/sbin/renew: /usr/local/bin/"),
        (f"PATH=/usr/local/bin\n{WHEN}{RUN} > /log/$(date +%F)\n", "first %, and runs", r"$(date +\%F)"),
        (f"PATH=/usr/local/bin\n{WHEN}test $(date +%d) = 01 && {RUN}\n", "first %", r"$(date +\%d) = 01"),
        (f"PATH=/usr/local/bin\n{WHEN}sleep $(($RANDOM % 60)) && {RUN}\n", "first %", r"$(($RANDOM \% 60))"),
        (f"PATH=/usr/local/bin\n{WHEN}LOG=`date +%Y%m`; {RUN} >$LOG\n", "first %", r"`date +\%Y\%m`"),
        (f"PATH=/usr/local/bin\n{WHEN}{RUN} -d a%b.example\n", "first %", r"-d a\%b.example"),
        (f'PATH=/usr/local/bin\n{WHEN}{RUN}; echo "at %s"\n', "first %", r"\%s"),
        (f"PATH=/usr/local/bin\n{WHEN}{RUN} | sed 's/%//'\n", "first %", r"sed 's/\%//'"),
        (f"PATH=/usr/local/bin\n{WHEN.replace('root', 'nobdy')}{RUN}\n", "no user nobdy", f"root {RUN}"),
        (f"export PATH=/usr/local/bin\n{WHEN}{RUN}\n", "makes nothing of this line", "sed -i 's/^export //'"),
        (f"PATH=/usr/local/bin\n{WHEN}{RUN}\nif true; then\n", "makes nothing of this line", "take it out"),
    ],
)
def test_an_entry_that_does_not_get_as_far(machine: Machine, crontab: str, why: str, remedy: str) -> None:
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\n{RUN}\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    machine[CRONTAB] = crontab

    finding = machine.finding()

    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert why in finding.message
    assert remedy in finding.remedy[0]


PATHS = "PATH=/usr/local/bin\n"


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ("60 3 * * *", "minute 60"),
        ("0 24 * * *", "hour 24"),
        ("17 3 0 * *", "day 0"),
        ("17 3 1 13 *", "month 13"),
        ("17 3 * * 8", "weekday 8"),
        ("17,,47 3 * * *", "minute 17,,47"),
        ("17 3 * * wen", "weekday wen"),
        ("17 3 * * monday", "weekday monday"),
        ("*/0 3 * * *", "minute */0"),
    ],
)
@pytest.mark.parametrize("before", ["", "5 5 * * * root /bin/true\n"])
def test_a_time_that_cron_does_not_know(machine: Machine, before: str, when: str, why: str) -> None:
    machine[CRONTAB] = f"{PATHS}{before}{when} root {RUN}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert f"cron knows no {why}, and then takes no line" in finding.message


@pytest.mark.parametrize(
    "when",
    [
        "17 3 * * sun",
        "*/20 */6 * * *",
        "17 3 * * 7",
        "17 3 * jan-dec mon-fri",
        "0,30 01-05/2 1,15 * *",
        "17 22-4 * * sat-mon",
        "-17 3 * * *",
    ],
)
def test_a_time_that_cron_knows(machine: Machine, when: str) -> None:
    machine[CRONTAB] = f"{PATHS}{when} root {RUN}\n"
    assert machine.findings() == []


def test_anacron_s_table_has_other_fields(machine: Machine) -> None:
    machine[CRONTAB] = ""
    machine["/etc/anacrontab"] = f"{PATHS}1 65 dehydrated nice -n 9 {RUN} -g\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("crontab", "remedy"),
    [
        (f"{PATHS}{WHEN}source /etc/acme && {RUN}\n", f"{WHEN}. /etc/acme && {RUN}"),
        (f"{PATHS}SHELL=/bin/dash\n{WHEN}source /etc/acme; {RUN}\n", f"{WHEN}. /etc/acme; {RUN}"),
        (f"{PATHS}{WHEN}[[ -d /etc/acme ]] && {RUN}\n", "SHELL=/bin/bash"),
        (f"{PATHS}{WHEN}sh -c 'source /etc/acme && {RUN}'\n", f"sh -c '. /etc/acme && {RUN}'"),
        (f'{PATHS}SHELL=/bin/bash\n{WHEN}sh -c "[[ -d /x ]] && {RUN}"\n', "bash -c"),
        (f"{PATHS}{WHEN}/opt/renew\n", "sed -i '1s|.*|#!/bin/bash|' /opt/renew"),
    ],
)
def test_words_of_bash_for_sh(machine: Machine, crontab: str, remedy: str) -> None:
    machine["/etc/acme"] = "export EXEC_PATH=/opt/dns01/bin/dns01\n"
    machine["/opt/renew"] = f"#!/bin/sh\nset -eu\nsource /etc/paths\n{RUN}\n"
    machine.mode("/opt/renew", 0o755)
    for shell in ("/bin/bash", "/bin/dash"):
        machine[shell] = ""
        machine.mode(shell, 0o755)
    machine[CRONTAB] = crontab
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert remedy in finding.remedy[0]


@pytest.mark.parametrize(
    "crontab",
    [
        f"{PATHS}SHELL=/bin/bash\n{WHEN}source /etc/acme && {RUN}\n",
        f"{PATHS}{WHEN}bash -c 'source /etc/acme && {RUN}'\n",
        f"{PATHS}{WHEN}. /etc/acme && {RUN}\n",
        f"{PATHS}{WHEN}source /etc/paths; {RUN}\n",  # sh goes on without it
        f"{PATHS}{WHEN}source /etc/acme || . /etc/acme; {RUN}\n",
        f"{PATHS}{WHEN}bash /opt/renew\n",
        f"{PATHS}{WHEN}echo 'source x && y'; {RUN}\n",
    ],
)
def test_words_of_bash_that_do_no_harm(machine: Machine, crontab: str) -> None:
    machine["/etc/acme"] = "export A=1\n"
    machine["/etc/paths"] = "export LC_ALL=C\n"
    machine["/opt/renew"] = f"#!/bin/sh -e\nsource /etc/paths\n{RUN}\n"
    machine["/bin/bash"] = ""
    machine.mode("/bin/bash", 0o755)
    machine[CRONTAB] = crontab
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (f"if [[ -d /etc/acme ]]; then\n  {RUN}\nfi", "knows no [["),
        (f"if [ -d /x ]; then :; elif [[ -d /etc ]]; then {RUN}; fi", "knows no [["),
        (f"while [[ ! -e /run/stop ]]\ndo {RUN}; sleep 1d; done", "knows no [["),
        (f"[[ -d /etc/acme ]] || exit 1\n{RUN}", "knows no [["),
        (f"[[ -d /etc/acme ]] && {{\n  {RUN}\n}}", "knows no [["),
        (f"[[ -d /etc/acme ]] && \\\n  {RUN}", "knows no [["),
        (f'if [ "$1" == now ]; then {RUN}; fi', "knows no =="),
        (f'test "$(id -u)" == 0 && {RUN}', "knows no =="),
        (f"set -euo pipefail\n{RUN}", "knows no set -o pipefail"),
        (f"set -o pipefail\n{RUN}", "knows no set -o pipefail"),
        (f"names=(a.example b.example)\n{RUN}", "knows no arrays"),
        (f"exec > >(logger -t acme) 2>&1\n{RUN}", "knows no <(…)"),
        (f"grep -q on <<< $STATE\n{RUN}", "knows no <<<"),
        (f"HERE=${{BASH_SOURCE[0]}}\n{RUN}", "knows no ${…[…]}"),
        (f"function renew {{\n  {RUN}\n}}\nrenew", "knows no function"),
        (f"for ((i = 0; i < 3; i++)); do {RUN} && break; done", "knows no for (("),
    ],
)
def test_words_of_bash_at_which_sh_ends_or_on_which_the_run_depends(
    machine: Machine, script: str, word: str
) -> None:
    machine["/bin/dash"] = ""
    machine["/opt/renew"] = f"#!/bin/sh\n{PATHS}{script}\n"
    machine.mode("/opt/renew", 0o755)
    machine[CRONTAB] = f"{PATHS}{WHEN}/opt/renew\n"
    finding = machine.finding()
    assert finding.code == "cron-entry-ignored"
    assert word in finding.message
    assert finding.remedy == ("sed -i '1s|.*|#!/bin/bash|' /opt/renew",)


@pytest.mark.parametrize(
    "script",
    [
        f"if [[ -d /x ]]; then exit; fi\n{RUN}",  # sh takes it for no, and goes on
        f"if [[ -d /x ]]; then echo yes; else {RUN}; fi",
        f"[[ $EUID -ne 0 ]] && exit 1\n{RUN}",
        f"if ! [[ -d /x ]]; then {RUN}; fi",
        f'[ "$1" = now ] || sleep 9\n{RUN}',
        f"(set -o pipefail) 2>/dev/null && set -o pipefail\n{RUN}",
        f"# if [[ -d /x ]]; then {RUN}; fi\n{RUN}",
        f"{RUN}\ndone=(a b)",
        f"{RUN}\nif [[ -d /x ]]; then echo done; fi",
        f"echo 'a=(b) <(c) <<< d'\n{RUN}",
        f"x=${{1:-a}}; y=${{x%%.*}}; z=$(($# + 1))\n{RUN}",
        f'cd "$(dirname "${{BASH_SOURCE[0]}}")"; {RUN}',  # in a shell of its own
        f"awk '{{ if (a[1] == b) print }}' /etc/hosts\n{RUN}",
        f"cat > /run/note <<END\nset -o pipefail\nEND\n{RUN}",
    ],
)
def test_words_of_bash_without_which_sh_runs_the_client_all_the_same(machine: Machine, script: str) -> None:
    machine["/bin/dash"] = ""
    machine["/opt/renew"] = f"#!/bin/sh\n{PATHS}{script}\n"
    machine.mode("/opt/renew", 0o755)
    machine[CRONTAB] = f"{PATHS}{WHEN}/opt/renew\n"
    assert machine.findings() == []


@pytest.mark.parametrize("shell", ["bash", "busybox", "mksh"])
def test_words_of_bash_where_sh_may_know_them(machine: Machine, shell: str) -> None:
    (machine.root / "bin/sh").unlink()
    (machine.root / "bin/sh").symlink_to(shell)
    machine[f"/bin/{shell}"] = ""
    machine.mode(f"/bin/{shell}", 0o755)
    machine[CRONTAB] = f"{PATHS}{WHEN}source /etc/acme && {RUN}\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("shell", "why"),
    [
        ("/bin/zsh", "there is no such shell"),
        ("bash", "there is no such shell"),
        ('"/usr/bin/fish"', "there is no such shell"),
        ("/usr/sbin/nologin", "which runs none"),
        ("/bin/false", "which runs none"),
        ("/opt/closed", "which runs none"),
    ],
)
@pytest.mark.parametrize("path", [CRONTAB, "/var/spool/cron/crontabs/root", "/etc/crontab"])
def test_a_shell_that_is_not_there(machine: Machine, shell: str, why: str, path: str) -> None:
    for program in ("/usr/sbin/nologin", "/bin/false", "/opt/closed", "/bin/bash"):
        machine[program] = ""
        machine.mode(program, 0o644 if program == "/opt/closed" else 0o755)
    machine[CRONTAB] = ""
    when = WHEN if path.startswith("/etc") else WHEN.replace("root ", "")
    machine[path] = f"SHELL={shell}\n{when}/usr/local/bin/{RUN}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert why in finding.message
    assert finding.remedy == (f"write in {path}: SHELL=/bin/sh",)
    machine[path] = f"SHELL=/bin/bash\n{when}/usr/local/bin/{RUN}\n"
    assert machine.findings() == []


def test_a_shell_of_crontab_s_that_runs_no_script_of_cron_daily(machine: Machine) -> None:
    machine["/etc/cron.daily/dehydrated"] = f"#!/bin/sh\n{RUN}\n"
    machine.mode("/etc/cron.daily/dehydrated", 0o755)
    machine["/etc/crontab"] = "SHELL=/bin/gone\n25 6 * * * root cd / && run-parts /etc/cron.daily\n"
    assert machine.finding().remedy == ("write in /etc/crontab: SHELL=/bin/sh",)


@pytest.mark.parametrize(
    "wrapped", ["flock -n /run/lock/dehydrated", "(flock /tmp/x", "chronic flock -w 9 /etc/dehydrated"]
)
def test_a_program_that_is_not_found_behind_a_lock(machine: Machine, wrapped: str) -> None:
    machine[CRONTAB] = f"{WHEN}{wrapped} {RUN}\n"
    assert machine.finding().remedy == (f"write in {CRONTAB}: {WHEN}{wrapped} /usr/local/bin/{RUN}",)


@pytest.mark.parametrize(
    "crontab",
    [
        f"PATH=/usr/bin:/usr/local/bin\n{WHEN}{RUN}\n",
        f"{MAIL}{WHEN}/usr/local/bin/{RUN} >> /log/$(date +\\%F)\n",
        f"{WHEN}/usr/local/bin/{RUN} && date +%F\n",
        f"{WHEN}sh -c '. /etc/profile; {RUN}'\n",
        f"{WHEN}PATH=/usr/local/bin:$PATH; . /etc/env; {RUN}\n",
        f"{WHEN}systemctl start dehydrated.service\n",
        f"{WHEN}/usr/local/sbin/renew dehydrated\n",
        f"{WHEN}docker exec dehydrated {RUN}\n",
        f"{WHEN}flock -n /run/lock/dehydrated /usr/local/bin/{RUN}\n",
        f"{WHEN}nice flock -w 9 /etc/dehydrated /usr/local/bin/{RUN}\n",
        f"{WHEN}flock /tmp/dehydrated -c '/usr/local/bin/{RUN}'\n",
        f"{WHEN}(flock -n /var/lock/dehydrated /usr/local/bin/{RUN}) 2>&1 | logger -t dehydrated\n",
        f"{WHEN}(cd /opt/dehydrated && ./{RUN})\n",
        f"{WHEN}(/usr/local/bin/{RUN} || echo failed) 2>&1 | systemd-cat -t dehydrated\n",
        f"{WHEN}sudo -H /usr/local/bin/{RUN} | systemd-cat -p info -t dehydrated\n",
        f"{WHEN}{{ cd /etc/dehydrated; /usr/local/bin/{RUN}; }} >/dev/null\n",
        f'"MAILTO" = "a@example.org"\n-{WHEN.replace("root", "acme")}/usr/local/bin/{RUN}\n',
    ],
)
def test_an_entry_that_gets_there(machine: Machine, crontab: str) -> None:
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\nPATH=/usr/local/bin:/usr/bin\n{RUN}\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    machine[CRONTAB] = crontab
    assert "cron-entry-ignored" not in [finding.code for finding in machine.findings()]


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/etc/crontabs/root", f"17 4 * * * /usr/local/bin/{RUN}\n"),
        ("/etc/crontabs/acme", f"17 4 * * * /usr/local/bin/{RUN}"),
        ("/var/spool/cron/tabs/root", f"@daily /usr/local/bin/{RUN}\n"),
        ("/etc/periodic/daily/dehydrated", f"#!/bin/sh\n/usr/local/bin/{RUN}\n"),
    ],
)
def test_the_tables_of_other_crons(machine: Machine, path: str, entry: str) -> None:
    machine["/usr/sbin/crond"] = ""
    machine[path] = entry
    machine.mode(path, 0o755)
    assert {"no-timer", "cron-entry-ignored"}.isdisjoint(finding.code for finding in machine.findings())


def test_a_script_of_alpine_s_that_may_not_be_executed(machine: Machine) -> None:
    machine["/etc/periodic/daily/dehydrated"] = f"#!/bin/sh\n/usr/local/bin/{RUN}\n"
    assert machine.finding().remedy == ("chmod +x /etc/periodic/daily/dehydrated",)


@pytest.mark.parametrize(
    ("begins", "why", "remedy"),
    [
        ("", "does not say what runs it", "sed -i '1i #!/bin/sh' "),
        ("# renews certificates\n", "does not say what runs it", "sed -i '1i #!/bin/sh' "),
        ("\n#!/bin/sh\n", "does not say what runs it", "sed -i '1i #!/bin/sh' "),
        ("\ufeff#!/bin/sh\n", "byte order mark", r"sed -i '1s/^\xEF\xBB\xBF//' "),
        ("#!/bin/sh\r\n", "line ends of Windows", r"sed -i 's/\r$//' "),
        ("#!/opt/gone/bash\n", "run by /opt/gone/bash, which is not there", "mend the first line of "),
    ],
)
@pytest.mark.parametrize("path", ["/etc/cron.daily/acme", "/etc/cron.weekly/dehydrated"])
def test_a_script_of_cron_daily_that_no_program_is_named_for(
    machine: Machine, path: str, begins: str, why: str, remedy: str
) -> None:
    machine[path] = ""
    (machine.root / path.lstrip("/")).write_bytes(f"{begins}/usr/local/bin/{RUN}\n".encode())
    machine.mode(path, 0o755)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert why in finding.message
    assert finding.remedy == (f"{remedy}{path}",)


def test_a_script_that_a_shell_runs_needs_no_first_line(machine: Machine) -> None:
    machine["/usr/local/sbin/renew"] = f"# renews certificates\n/usr/local/bin/{RUN}\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    machine[CRONTAB] = f"{WHEN}/usr/local/sbin/renew\n"
    assert machine.findings() == []


def test_a_script_of_cron_daily_has_the_path_of_crontab(machine: Machine) -> None:
    machine["/etc/cron.daily/dehydrated"] = f"#!/bin/sh\n{RUN} > /log/$(date +%F)\n"
    machine.mode("/etc/cron.daily/dehydrated", 0o755)
    assert machine.findings() == []
    machine["/etc/crontab"] = "PATH=/usr/bin\n"
    assert machine.finding().code == "cron-entry-ignored"


def test_an_entry_of_legos_that_finds_no_lego(machine: Machine) -> None:
    machine.remove("/usr/bin/lego")
    machine["/opt/lego/lego"] = ""
    lego = "EXEC_PATH=/opt/dns01/bin/dns01 lego --path /x -d example.net --dns exec renew"
    machine["/etc/cron.d/lego"] = f"{WHEN}{lego}\n"
    (finding,) = (each for each in machine.findings("example.net") if each.subject == "/etc/cron.d/lego")
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert finding.remedy == (
        f"write in /etc/cron.d/lego: {WHEN}{lego.replace('lego', '/opt/lego/lego', 1)}",
    )


@pytest.mark.parametrize(
    ("command", "right"),
    [
        ("certbot renew --dry-run", "certbot -q renew"),
        ("/usr/bin/certbot --dry-run -q renew", "/usr/bin/certbot -q renew"),
        (
            "flock /run/certbot certbot renew --dry-run -q >/dev/null",
            "flock /run/certbot certbot -q renew >/dev/null",
        ),
    ],
)
def test_certbot_that_only_ever_tries(tmp_path: Path, command: str, right: str) -> None:
    machine = with_certbot(tmp_path / "root")
    (machine.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    machine["/usr/bin/certbot"] = ""
    machine["/etc/cron.d/certbot"] = f"{WHEN}{command}\n"
    assert machine.finding().code == "cron-entry-ignored"
    assert "--dry-run" in machine.finding().message
    assert "".join(machine.finding().remedy[0].split()) == "".join(
        f"write in /etc/cron.d/certbot: {WHEN}{right}".split()
    )
    machine["/etc/cron.d/certbot"] = f"{WHEN}{command} && {right}\n"
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (f"{WHEN}/usr/bin/{RUN}\n", "there is no program /usr/bin/dehydrated"),
        (f"{WHEN}{RUN}\n", "dehydrated is nowhere here, and is looked for in /usr/bin:/bin"),
        (f"PATH=/opt/acme:/usr/bin\n{WHEN}nice {RUN}\n", "is looked for in /opt/acme:/usr/bin"),
        (f"{WHEN}flock -n /run/x /opt/acme/{RUN}\n", "there is no program /opt/acme/dehydrated"),
        (f"{WHEN}/usr/local/sbin/renew\n", "there is no program /opt/old/dehydrated"),
    ],
)
def test_a_client_that_somebody_has_removed(machine: Machine, entry: str, why: str) -> None:
    machine.remove("/usr/local/bin/dehydrated")
    machine["/usr/local/sbin/renew"] = f"#!/bin/sh\n/opt/old/{RUN}\n"
    machine.mode("/usr/local/sbin/renew", 0o755)
    machine[CRONTAB] = entry
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("cron-entry-ignored", Severity.ERROR)
    assert why in finding.message
    assert finding.remedy == ("install dehydrated again, or take the line away",)


@pytest.mark.parametrize(
    "entry",
    [
        f"{WHEN}docker run --rm acme {RUN}\n",
        f"{WHEN}ssh web {RUN}\n",
        f"{WHEN}bash -lc '{RUN}'\n",  # whose PATH nobody knows
        f"PATH=$HOME/bin:/usr/bin\n{WHEN}{RUN}\n",
        f"{WHEN}. /etc/profile.d/acme.sh; {RUN}\n",
    ],
)
def test_a_client_that_may_be_elsewhere(machine: Machine, entry: str) -> None:
    machine.remove("/usr/local/bin/dehydrated")
    machine[CRONTAB] = entry
    assert "is nowhere here" not in " ".join(finding.message for finding in machine.findings())
