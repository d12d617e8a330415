"""What the doctor takes for a run of the client by the clock."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import Machine, by_timer, with_certbot, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

RUN = "dehydrated --cron"
WHEN = "17 4 * * * root "
TIMER = "[Timer]\nOnCalendar=daily\n"
PASSWD = "root:x:0:0::/root:/bin/sh\nbob:x:0:0::/home/bob:/bin/sh\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated, which nothing runs."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/cron.d/dehydrated"] = ""
    machine["/etc/passwd"] = PASSWD
    return machine


def executable(machine: Machine, path: str, text: str) -> None:
    machine[path] = f"#!/bin/sh\n{text}\n"
    machine.mode(path, 0o755)


def without_timer(machine: Machine, domain: str = "example.org") -> bool:
    return "no-timer" in [finding.code for finding in machine.findings(domain)]


@pytest.mark.parametrize(
    "folder", ["/home/bob/.config/systemd/user", "/root/.config/systemd/user", "/etc/systemd/user"]
)
@pytest.mark.parametrize("unit", ["", "Unit=acme.service\n"])
def test_a_timer_of_a_user_s_own(machine: Machine, folder: str, unit: str) -> None:
    assert without_timer(machine)
    machine[f"{folder}/dehydrated.timer"] = f"{TIMER}{unit}"
    machine[f"{folder}/{'acme' if unit else 'dehydrated'}.service"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    assert without_timer(machine)
    machine.link(f"{folder}/timers.target.wants/dehydrated.timer")
    assert machine.findings() == []


def test_a_timer_of_a_user_s_own_that_runs_too_rarely(machine: Machine) -> None:
    folder = "/home/bob/.config/systemd/user"
    machine[f"{folder}/acme.timer"] = "[Timer]\nOnCalendar=yearly\n"
    machine[f"{folder}/acme.service"] = f"[Service]\nExecStart=%h/bin/{RUN}\n"
    machine["/home/bob/bin/dehydrated"] = ""
    machine.link(f"{folder}/default.target.wants/acme.timer")
    assert machine.finding().code == "timer-too-rare"


@pytest.mark.parametrize("times", ["OnCalendar=2020-01-15", "OnCalendar=every day", "Persistent=true"])
def test_a_timer_of_a_user_s_own_that_is_never_due(machine: Machine, times: str) -> None:
    folder = "/home/bob/.config/systemd/user"
    machine[f"{folder}/acme.timer"] = f"[Timer]\n{times}\n"
    machine[f"{folder}/acme.service"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    machine.link(f"{folder}/default.target.wants/acme.timer")
    finding = machine.finding()
    assert finding.severity == Severity.ERROR
    assert finding.remedy == (f"write in {folder}/acme.timer, below [Timer]: OnCalendar=daily",)


@pytest.mark.parametrize("kind", ["wants", "requires", "upholds"])
def test_a_timer_that_is_started_with_another_unit(machine: Machine, kind: str) -> None:
    machine["/usr/lib/systemd/system/dehydrated.timer"] = TIMER
    machine["/usr/lib/systemd/system/dehydrated.service"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    machine.link(f"/etc/systemd/system/multi-user.target.{kind}/dehydrated.timer")
    assert machine.findings() == []


@pytest.mark.parametrize("service", ["acme.service", "dehydrate.service"])
def test_a_timer_whose_service_is_not_there(machine: Machine, service: str) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    machine["/etc/systemd/system/dehydrated.timer"] = f"{TIMER}Unit={service}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert service in finding.message
    assert finding.remedy == ("systemctl edit dehydrated.timer\n[Timer]\nUnit=dehydrated.service",)


@pytest.mark.parametrize(
    ("services", "remedy"),
    [
        (["dehydrated.service"], "systemctl edit dehydrated-renew.timer\n[Timer]\nUnit=dehydrated.service"),
        (["acme.service"], "systemctl edit dehydrated-renew.timer\n[Timer]\nUnit=acme.service"),
        ([], "write /etc/systemd/system/dehydrated-renew.service, and below [Service] in it"),
    ],
)
def test_a_timer_without_a_service_of_its_name(machine: Machine, services: list[str], remedy: str) -> None:
    machine["/etc/systemd/system/dehydrated-renew.timer"] = TIMER
    machine.link("/etc/systemd/system/timers.target.wants/dehydrated-renew.timer")
    for service in services:
        machine[f"/usr/lib/systemd/system/{service}"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert "dehydrated-renew.timer starts dehydrated-renew.service, and there is no" in finding.message
    assert finding.remedy[0].startswith(remedy)


def test_a_timer_of_a_template(machine: Machine) -> None:
    machine["/etc/systemd/system/dehydrated@.timer"] = TIMER
    machine["/etc/systemd/system/dehydrated@.service"] = f"[Service]\nExecStart=/usr/bin/{RUN} -d %i\n"
    machine.link("/etc/systemd/system/timers.target.wants/dehydrated@example.org.timer")
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        (f"/usr/bin/{RUN}\n", "sed -i '1i #!/bin/sh' /opt/renew"),
        (f"\ufeff#!/bin/sh\n/usr/bin/{RUN}\n", r"sed -i '1s/^\xEF\xBB\xBF//' /opt/renew"),
        (f"#!/usr/bin/zsh\n/usr/bin/{RUN}\n", "mend the first line of /opt/renew"),
    ],
)
def test_a_script_that_systemd_cannot_begin(machine: Machine, script: str, remedy: str) -> None:
    by_timer(machine, "dehydrated", "/opt/renew")
    machine["/opt/renew"] = script
    machine.mode("/opt/renew", 0o755)
    finding = machine.finding()
    assert (finding.code, finding.remedy) == ("service-fails", (remedy,))
    by_timer(machine, "dehydrated", "/bin/sh /opt/renew")
    assert machine.findings() == []


@pytest.mark.parametrize(
    "entry", ["/usr/local/sbin/nightly", "run-parts /etc/nightly", "cd / && run-parts --report /etc/nightly"]
)
def test_a_script_that_calls_scripts(machine: Machine, entry: str) -> None:
    executable(machine, "/usr/local/sbin/nightly", "PATH=/usr/sbin:/usr/bin\n/etc/nightly/acme")
    executable(machine, "/etc/nightly/acme", f"exec {RUN}")
    machine["/etc/cron.d/nightly"] = f"{WHEN}{entry}\n"
    assert not without_timer(machine)


@pytest.mark.parametrize(
    ("name", "text", "mode"),
    [
        ("acme.sh", RUN, 0o755),
        ("acme", RUN, 0o644),
        ("acme", f"# not yet: {RUN}", 0o755),
        ("acme", "true", 0o755),
    ],
)
def test_a_folder_of_scripts_of_which_none_runs_it(machine: Machine, name: str, text: str, mode: int) -> None:
    machine[f"/etc/nightly/{name}"] = f"#!/bin/sh\n{text}\n"
    machine.mode(f"/etc/nightly/{name}", mode)
    machine["/etc/cron.d/nightly"] = f"{WHEN}run-parts /etc/nightly\n"
    assert without_timer(machine)


def test_a_script_of_cron_daily_that_may_not_be_executed_is_run_by_nothing_else(machine: Machine) -> None:
    machine["/etc/crontab"] = "25 6 * * * root cd / && run-parts --report /etc/cron.daily\n"
    machine["/etc/cron.daily/acme"] = f"#!/bin/sh\n{RUN}\n"
    assert machine.finding().remedy == ("chmod +x /etc/cron.daily/acme",)


OTHERS = "certbot -q renew --cert-name example.net"


def with_cron_alone(folder: Path, crontab: str) -> Machine:
    machine = with_certbot(folder)
    (machine.root / "etc/systemd/system/timers.target.wants/certbot.timer").unlink()
    machine["/etc/cron.d/acme"] = crontab
    return machine


@pytest.mark.parametrize(
    "entries",
    [OTHERS, f"{OTHERS}; certbot renew --cert-name=example.com", "certbot certonly -n -d example.net"],
)
def test_certbot_that_renews_others(tmp_path: Path, entries: str) -> None:
    finding = with_cron_alone(tmp_path, f"{WHEN}{entries}\n").finding()
    assert (finding.code, finding.subject) == ("certbot-renews-others", "/etc/cron.d/acme")
    assert "example.net" in finding.message
    assert "--cert-name example.org" in finding.remedy[0]


@pytest.mark.parametrize(
    "entries",
    [
        f"{OTHERS}\n{WHEN}certbot -q renew",
        f"{OTHERS} && certbot renew --cert-name example.org",
        "certbot renew --cert-name=$NAME",
        "certbot certonly -n -d example.net,example.org",
        "certbot certonly -n --domains www.example.org -d example.org",
        f"{OTHERS}\n{WHEN}cd / && (certbot -q renew)",
        f"{OTHERS}\n{WHEN}bash -c 'certbot -q renew'",
    ],
)
def test_certbot_that_renews_this_one_as_well(tmp_path: Path, entries: str) -> None:
    assert with_cron_alone(tmp_path, f"{WHEN}{entries}\n").findings() == []


@pytest.mark.parametrize(
    "run", [f"/bin/sh -c 'while :; do {RUN}; sleep 86400; done'", "/usr/local/sbin/renewals --forever"]
)
def test_a_service_that_runs_it_again_and_again(machine: Machine, run: str) -> None:
    executable(machine, "/usr/local/sbin/renewals", f"while sleep 86400; do {RUN}; done")
    machine["/etc/systemd/system/acme.service"] = f"[Service]\nExecStart={run}\n"
    assert without_timer(machine)
    machine.link("/etc/systemd/system/multi-user.target.wants/acme.service")
    assert machine.findings() == []


def test_a_service_that_runs_it_once(machine: Machine) -> None:
    machine["/etc/systemd/system/acme.service"] = f"[Service]\nType=oneshot\nExecStart=/usr/bin/{RUN}\n"
    machine.link("/etc/systemd/system/multi-user.target.wants/acme.service")
    assert without_timer(machine)


IDLE = {
    "/usr/lib/systemd/system/dehydrated.timer": TIMER,
    "/usr/lib/systemd/system/dehydrated.service": f"[Service]\nExecStart=/usr/bin/{RUN}\n",
}
ETC = "/etc/systemd/system"


@pytest.mark.parametrize(
    ("path", "text", "link"),
    [
        (f"{ETC}/web.service", "[Unit]\nWants=dehydrated.timer\n", "multi-user.target.wants/web.service"),
        (f"{ETC}/web.service.d/a.conf", "[Unit]\nRequires=a.mount dehydrated.timer\n",
         "multi-user.target.wants/web.service"),
        (f"{ETC}/acme.target", "[Unit]\nUpholds=dehydrated.timer\n", "multi-user.target.wants/acme.target"),
        (f"{ETC}/timers.target.d/acme.conf", "[Unit]\nWants=dehydrated.timer\n", ""),
        (f"{ETC}/multi-user.target", "[Unit]\nBindsTo=acme.target\n", ""),
        (f"{ETC}/web.service", "[Unit]\nWants=dehydrated.timer\nAfter=dehydrated.timer\n"
         "PartOf=dehydrated.timer\n", "timers.target.requires/web.service"),
    ],
)  # fmt: skip
def test_a_timer_that_another_unit_wants(machine: Machine, path: str, text: str, link: str) -> None:
    for name, content in IDLE.items():
        machine[name] = content
    machine["/lib/systemd/system/web.service"] = "[Service]\nExecStart=/x\n"
    machine["/lib/systemd/system/acme.target"] = "[Unit]\nWants=dehydrated.timer\n"
    machine["/lib/systemd/system/timers.target"] = "[Unit]\nDescription=Timers\n"
    machine[path] = text
    machine.link(f"{ETC}/{link or 'timers.target.wants/apt.timer'}")
    assert machine.findings() == []


@pytest.mark.parametrize("key", ["After", "Before", "PartOf", "Conflicts", "OnFailure"])
def test_a_timer_that_another_unit_only_names(machine: Machine, key: str) -> None:
    for name, content in IDLE.items():
        machine[name] = content
    machine[f"{ETC}/web.service"] = f"[Unit]\n{key}=dehydrated.timer\n[Service]\nExecStart=/x\n"
    machine.link(f"{ETC}/multi-user.target.wants/web.service")
    assert machine.finding().remedy == ("systemctl enable --now dehydrated.timer",)


def test_a_timer_that_is_wanted_by_a_unit_that_nothing_starts(machine: Machine) -> None:
    for name, content in IDLE.items():
        machine[name] = content
    machine[f"{ETC}/a.target"] = "[Unit]\nWants=b.target\n"
    machine[f"{ETC}/b.target"] = "[Unit]\nWants=dehydrated.timer a.target\n"
    machine.link(f"{ETC}/timers.target.wants/apt.timer")
    assert without_timer(machine)


def test_a_timer_of_systemd_run(machine: Machine) -> None:
    machine["/run/systemd/transient/acme.timer"] = TIMER
    machine["/run/systemd/transient/acme.service"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    machine["/run/systemd/system/x"] = ""
    assert machine.findings() == []


def masked_by_a_link(machine: Machine, name: str) -> None:
    (machine.root / "etc/systemd/system").mkdir(parents=True, exist_ok=True)
    (machine.root / f"etc/systemd/system/{name}").symlink_to("/dev/null")


def masked_until_the_machine_stops(machine: Machine, name: str) -> None:
    (machine.root / "run/systemd/system").mkdir(parents=True, exist_ok=True)
    (machine.root / f"run/systemd/system/{name}").symlink_to("/dev/null")


def masked_by_an_empty_file(machine: Machine, name: str) -> None:
    machine[f"{ETC}/{name}"] = ""


@pytest.mark.parametrize("mask", [masked_by_a_link, masked_until_the_machine_stops, masked_by_an_empty_file])
@pytest.mark.parametrize("unit", ["", "Unit=acme.service\n"])
def test_a_timer_whose_service_is_masked(machine: Machine, mask: object, unit: str) -> None:
    assert callable(mask)
    service = "acme.service" if unit else "dehydrated.service"
    machine["/usr/lib/systemd/system/dehydrated.timer"] = TIMER + unit
    machine[f"/usr/lib/systemd/system/{service}"] = f"[Service]\nExecStart=/usr/bin/{RUN}\n"
    machine.link(f"{ETC}/timers.target.wants/dehydrated.timer")
    assert machine.findings() == []
    mask(machine, service)
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert finding.remedy == (f"systemctl unmask {service}",)


def test_a_service_of_the_administrators_that_a_mask_beneath_does_not_reach(machine: Machine) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    masked_until_the_machine_stops(machine, "dehydrated.service")
    assert machine.findings() == []


@pytest.mark.parametrize(
    ("timer", "why"),
    [
        ("[Timer]\nPersistent=true\n", "no time"),
        ("[Timer]\nOnCalendar=daily\nOnCalendar=\n", "no time"),
        ("[Timer]\nOnCalendar=every day\n", "every day"),
        ("[Timer]\nOnCalendar=17 4 * * * root\n", "17 4 * * * root"),
        ("[Timer]\nOnCalendar=@daily\n", "@daily"),
        ("OnCalendar=daily\n", "no time"),
        ("[Timer]\nOnCalendar=2020-01-15 03:00\n", "2020-01-15 03:00"),
        ("[Timer]\nOnCalendar=Mon..Fri 2019,2020-*-* 03:00\n", "never again"),
        ("[Timer]\nOnCalendar=2018..2020-02-*\nOnCalendar=every day\n", "2018..2020-02-*"),
    ],
)
def test_a_timer_that_is_never_due(machine: Machine, timer: str, why: str) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    machine["/etc/systemd/system/dehydrated.timer"] = timer
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert why in finding.message
    assert "OnCalendar=daily" in finding.remedy[0]


@pytest.mark.parametrize(
    "times",
    [
        "OnCalendar=*-*-* 03,15:00",
        "OnCalendar=Mon,Thu *-*-* 04:00:00 Europe/Berlin",
        "OnCalendar=mon..fri 4:00",
        "OnCalendar=04:30",
        "OnCalendar=*-*-1,8,15,22 02:00 UTC",
        "OnCalendar=*:0/30",
        "OnCalendar=every day\nOnCalendar=daily",
        "OnBootSec=15min\nOnUnitActiveSec=1d",
        "OnUnitInactiveSec=12h",
        "OnCalendar=2020-01-15 03:00\nOnCalendar=*-*-* 03:00",
        "OnCalendar=2020,2999-*-* 03:00",
        "OnCalendar=2020/1-*-* 03:00",
    ],
)
def test_a_timer_that_is_due_now_and_then(machine: Machine, times: str) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    machine["/etc/systemd/system/dehydrated.timer"] = f"[Timer]\n{times}\n"
    assert machine.findings() == []


@pytest.mark.parametrize("key", ["OnBootSec", "OnStartupSec", "OnActiveSec"])
def test_a_timer_that_is_due_once(machine: Machine, key: str) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    machine["/etc/systemd/system/dehydrated.timer"] = f"[Timer]\n{key}=5min\n"
    assert machine.finding().code == "timer-too-rare"


@pytest.mark.parametrize("command", ["/bin/true", "-/usr/bin/true", "/bin/echo dehydrated", "/bin/sleep 1"])
def test_a_drop_in_that_leaves_a_service_nothing_to_do(machine: Machine, command: str) -> None:
    by_timer(machine, "dehydrated", f"/usr/bin/{RUN}")
    drop_in = "/etc/systemd/system/dehydrated.service.d/override.conf"
    machine[drop_in] = f"[Service]\nExecStart=\nExecStart={command}\n"
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("service-fails", Severity.ERROR)
    assert finding.remedy == (f"take ExecStart= out of {drop_in}",)


def test_a_service_of_certbots_that_only_tries(tmp_path: Path) -> None:
    machine = with_certbot(tmp_path)
    machine["/etc/systemd/system/certbot.service.d/a.conf"] = (
        "[Service]\nExecStart=\nExecStart=/usr/bin/certbot -q renew --dry-run\n"
    )
    assert machine.finding().code == "service-fails"
    assert "--dry-run" in machine.finding().message


@pytest.mark.parametrize(
    ("first_line", "mode", "remedy"),
    [
        ("#!/bin/sh\n", 0o644, "chmod +x /opt/renew"),
        ("#!/usr/bin/zsh\n", 0o755, "mend the first line of /opt/renew"),
        ("#!/bin/sh\r\n", 0o755, "sed -i 's/\\r$//' /opt/renew"),
    ],
)
@pytest.mark.parametrize("before", ["", "sleep 9; ", "test -d /opt && "])
def test_a_script_that_cannot_be_run(
    machine: Machine, first_line: str, mode: int, remedy: str, before: str
) -> None:
    (machine.root / "opt/renew").write_bytes(f"{first_line}{RUN}\n".encode())
    machine.mode("/opt/renew", mode)
    machine["/etc/cron.d/acme"] = f"{WHEN}{before}/opt/renew\n"
    assert machine.finding().remedy == (remedy,)
    machine["/etc/cron.d/acme"] = f"{WHEN}{before}sh /opt/renew\n"
    assert machine.findings() == []
