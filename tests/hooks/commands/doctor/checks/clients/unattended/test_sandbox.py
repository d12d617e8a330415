"""What the doctor says of a service whose unit keeps the hook from its files, or from the network."""

from __future__ import annotations

from pathlib import Path

import pytest
from client_files import DEHYDRATED, Machine, by_timer, with_dehydrated

from dns01.hooks.commands.doctor.finding import Severity

RUN = "/usr/bin/dehydrated --cron"
STRICT = "ProtectSystem=strict"
ALL = "ReadWritePaths=/etc/dehydrated"
STATE = "StateDirectory=dns01"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """dehydrated, whose folders are in /etc/dehydrated."""
    machine = with_dehydrated(tmp_path / "root")
    machine["/etc/cron.d/dehydrated"] = ""
    machine["/var/lib/dns01/journal/x"] = ""
    return machine


@pytest.mark.parametrize(
    ("settings", "code", "said", "change"),
    [
        ((STRICT, ALL), "sandbox-read-only", "/var/lib/dns01, the state folder", STATE),
        ((STRICT, STATE), "sandbox-read-only", "/etc/dehydrated", "ReadWritePaths=/etc/dehydrated"),
        ((STRICT, ALL, STATE, "StateDirectory="), "sandbox-read-only", "/var/lib/dns01", STATE),
        ((STRICT, ALL, "StateDirectory=acme", "UnsetEnvironment=STATE_DIRECTORY"),
         "sandbox-read-only", "/var/lib/dns01", STATE),
        ((STRICT, ALL, "Environment=DNS01_STATE_DIR=/srv/state"), "sandbox-read-only", "/srv/state",
         "ReadWritePaths=/srv/state"),
        (("ReadOnlyPaths=/var/lib/dns01",), "sandbox-read-only", "ReadOnlyPaths=/var/lib/dns01", STATE),
        (("ProtectSystem=full", STATE), "sandbox-read-only", "ProtectSystem=full", ALL),
        ((STRICT, ALL, "ReadWritePaths=-/var/lib/gone", "Environment=DNS01_STATE_DIR=/var/lib/gone"),
         "sandbox-read-only", "/var/lib/gone", "StateDirectory=gone"),
        (("InaccessiblePaths=/opt/dns01",), "sandbox-hides", "dns01, the hook", "InaccessiblePaths="),
        (("InaccessiblePaths=-/var/lib",), "sandbox-hides", ", the state folder", "InaccessiblePaths="),
        (("TemporaryFileSystem=/opt:ro",), "sandbox-hides", "/opt/dns01/bin/dns01", "TemporaryFileSystem="),
        (("ProtectHome=yes", "Environment=DNS01_STATE_DIR=/root/.local"), "sandbox-hides", "/root/.local",
         "ProtectHome=read-only\nReadWritePaths=/root/.local"),
        (("PrivateNetwork=yes",), "sandbox-no-network", "PrivateNetwork=yes", "PrivateNetwork=no"),
        (("RestrictAddressFamilies=AF_UNIX AF_NETLINK",), "sandbox-no-network", "AF_UNIX AF_NETLINK",
         "RestrictAddressFamilies=\nRestrictAddressFamilies=AF_INET AF_INET6 AF_NETLINK AF_UNIX"),
        (("RestrictAddressFamilies=~AF_INET6 AF_INET", STATE), "sandbox-no-network", "~AF_INET6 AF_INET",
         "RestrictAddressFamilies="),
        (("RestrictAddressFamilies=AF_INET", "RestrictAddressFamilies=~AF_INET"), "sandbox-no-network",
         "~AF_INET", "RestrictAddressFamilies="),
        (("RestrictAddressFamilies=none",), "sandbox-no-network", "none", "RestrictAddressFamilies="),
        (("RestrictAddressFamilies=AF_INET6",), "sandbox-no-network", "AF_INET6", "RestrictAddressFamilies="),
        (("IPAddressDeny=any",), "sandbox-no-network", "IPAddressDeny=any", "IPAddressDeny="),
        (("IPAddressDeny=any", "IPAddressAllow=localhost"), "sandbox-no-network", "any", "IPAddressDeny="),
        (("IPAddressDeny=192.0.2.0/24",), "sandbox-no-network", "192.0.2.0/24", "IPAddressDeny="),
        (("RestrictNetworkInterfaces=lo",), "sandbox-no-network", "=lo", "RestrictNetworkInterfaces="),
        (("SystemCallFilter=~@network-io",), "sandbox-no-calls", "open connections", "SystemCallFilter=@sys"),
        (("SystemCallFilter=~@clock connect:EPERM",), "sandbox-no-calls", "connections", "SystemCallFilter="),
        (("SystemCallFilter=@basic-io @file-system @process",), "sandbox-no-calls", "open connections",
         "SystemCallFilter=\nSystemCallFilter=@system-service"),
        (("SystemCallFilter=@system-service", "SystemCallFilter=~@process"), "sandbox-no-calls",
         "run programs", "SystemCallFilter="),
        (("SystemCallFilter=~execve",), "sandbox-no-calls", "run programs", "SystemCallFilter="),
        (("SystemCallFilter=@network-io @process read write",), "sandbox-no-calls", "open files",
         "SystemCallFilter="),
        (("SystemCallFilter=~@system-service",), "sandbox-no-calls", "open", "SystemCallFilter="),
        (("NoExecPaths=/opt",), "sandbox-no-exec", "/opt/dns01/bin/dns01, the hook", "ExecPaths=/opt/dns01"),
        (("NoExecPaths=/", "ExecPaths=/usr /opt"), "sandbox-no-exec", "/bin/sh, the hook",
         "ExecPaths=/bin/sh"),
        (("NoExecPaths=/opt/dns01/bin", "ExecPaths=/opt /bin"), "sandbox-no-exec", "hook", "ExecPaths=/o"),
        (("NoExecPaths=/usr/bin",), "sandbox-no-exec", "/usr/bin/dehydrated, the client", "ExecPaths=/usr/"),
        (("InaccessiblePaths=/bin/sh",), "sandbox-hides", "/bin/sh, the hook", "InaccessiblePaths="),
        (("InaccessiblePaths=/etc/dehydrated/config",), "sandbox-hides", "dehydrated's configuration",
         "InaccessiblePaths="),
    ],
)  # fmt: skip
def test_a_unit_that_keeps_the_hook_from_what_it_needs(
    machine: Machine, settings: tuple[str, ...], code: str, said: str, change: str
) -> None:
    by_timer(machine, "dehydrated", RUN, *settings)

    finding = machine.findings()[0]

    assert (finding.code, finding.severity) == (code, Severity.ERROR)
    assert said in finding.message
    (step,) = (
        step for step in finding.remedy if step.startswith("systemctl edit dehydrated.service\n[Service]\n")
    )
    assert change in step


@pytest.mark.parametrize(
    "settings",
    [
        (STRICT, ALL, STATE),
        (STRICT, "ReadWritePaths=/etc/dehydrated /var/lib/dns01 -/var/www/gone"),
        (STRICT, "ReadWritePaths=-/var/lib -/etc"),
        (STRICT, ALL, "StateDirectory=lego"),
        (STRICT, ALL, STATE, "ProtectHome=true", "PrivateTmp=true", "InaccessiblePaths=/srv"),
        (STRICT, "ProtectSystem=", "ProtectHome=tmpfs"),
        (STRICT, ALL, "BindPaths=/var/lib/dns01"),
        ("ProtectSystem=true", "ReadOnlyPaths=/var/lib", "ReadWritePaths=/var/lib/dns01"),
        ("InaccessiblePaths=/opt", "InaccessiblePaths="),
        ("InaccessiblePaths=-/opt/dns0 -/var/lib/dns0", "ProtectSystem=no"),
        (STRICT, "RootDirectory=/srv/acme"),
        ("PrivateNetwork=yes", "NetworkNamespacePath=/run/netns/acme"),
        ("PrivateNetwork=yes", "[Unit]", "JoinsNamespaceOf=net.service"),
        ("PrivateNetwork=yes", "PrivateNetwork=no"),
        ("RestrictAddressFamilies=AF_UNIX", "RestrictAddressFamilies=AF_INET AF_INET6"),
        ("RestrictAddressFamilies=~AF_PACKET AF_NETLINK",),
        ("RestrictAddressFamilies=~AF_INET6",),
        ("RestrictAddressFamilies=~AF_INET", "RestrictAddressFamilies=AF_INET"),
        ("IPAddressDeny=any", "IPAddressAllow=any"),
        ("IPAddressDeny=any", "IPAddressAllow=localhost 192.0.2.0/24"),
        ("IPAddressDeny=any", "IPAddressDeny="),
        ("IPAddressDeny=link-local multicast nonsense",),
        ("RestrictNetworkInterfaces=~lo",),
        ("EnvironmentFile=-/etc/gone", "EnvironmentFile=/etc/gone/*.conf", "ReadWritePaths=-/gone"),
        ("EnvironmentFile=/etc/gone", "EnvironmentFile=", "WorkingDirectory=-/gone"),
        ("WorkingDirectory=~",),
        ("StateDirectory=acme", "ReadWritePaths=/var/lib/acme /run/a", "WorkingDirectory=/var/lib/acme/w"),
        ("EnvironmentFile=/run/acme.env", "Environment=DNS01_STATE_DIR=$STATE"),
        ("SystemCallFilter=@system-service", "SystemCallFilter=~@privileged @resources"),
        ("SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap",),
        ("SystemCallFilter=~@network-io", "SystemCallFilter="),
        ("SystemCallFilter=~@network-io", "SystemCallFilter=@network-io"),
        ("SystemCallFilter=@basic-io @file-system @process @network-io",),
        ("NoExecPaths=/", "ExecPaths=/usr /bin /opt/dns01"),
        ("NoExecPaths=/home /tmp /var",),
        ("NoNewPrivileges=yes",),
    ],
)  # fmt: skip
def test_a_unit_that_leaves_the_hook_what_it_needs(machine: Machine, settings: tuple[str, ...]) -> None:
    machine["/srv/x"] = ""
    by_timer(machine, "dehydrated", RUN, *settings)
    assert machine.findings() == []


def test_a_drop_in_that_takes_the_sandbox_back(machine: Machine) -> None:
    by_timer(machine, "dehydrated", RUN, STRICT, "PrivateNetwork=yes")
    assert len(machine.findings()) > 1
    machine["/etc/systemd/system/dehydrated.service.d/dns01.conf"] = (
        f"[Service]\nPrivateNetwork=no\n{ALL}\n{STATE}\n"
    )
    assert machine.findings() == []


def test_a_command_that_runs_outside_of_the_sandbox(machine: Machine) -> None:
    by_timer(machine, "dehydrated", f"+{RUN}", STRICT, "User=nobody")
    assert machine.findings() == []


@pytest.mark.parametrize("home", ["yes", "tmpfs", "true"])
@pytest.mark.parametrize("hidden", ["/root/venv/bin/dns01", "/home/acme/dns01/hooks/hook.py"])
def test_a_hook_at_somebodys_home(machine: Machine, home: str, hidden: str) -> None:
    machine["/etc/dehydrated/config"] = f"CHALLENGETYPE=dns-01\nHOOK={hidden}\nHOOK_CHAIN=yes\n"
    machine[hidden] = "#!/bin/sh\n"
    machine.mode(hidden, 0o755)
    by_timer(machine, "dehydrated", RUN, f"ProtectHome={home}")
    finding = machine.finding()
    assert (finding.code, finding.severity) == ("sandbox-hides", Severity.ERROR)
    assert finding.remedy[0] == "systemctl edit dehydrated.service\n[Service]\nProtectHome=read-only"
    by_timer(machine, "dehydrated", RUN, "ProtectHome=read-only")
    assert machine.findings() == []


def test_a_link_and_an_interpreter_at_somebodys_home(machine: Machine) -> None:
    link = machine.root / "opt/dns01/bin/dns01"
    link.unlink()
    link.symlink_to("../../../root/venv/bin/dns01")
    machine["/root/venv/bin/dns01"] = "#!/root/venv/bin/python\n"
    machine["/root/venv/bin/python"] = "ELF"
    machine.mode("/root/venv/bin/dns01", 0o755)
    by_timer(machine, "dehydrated", RUN, "ProtectHome=yes")
    assert [finding.message.split(", ")[0] for finding in machine.findings()] == [
        "dehydrated.service does not see /root/venv/bin/dns01",
        "dehydrated.service does not see /root/venv/bin/python",
    ]


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        ("/root/config.toml", ("ProtectHome=yes", "Environment=DNS01_CONFIG=/root/config.toml")),
        ("/tmp/config.toml", ("PrivateTmp=yes", "Environment=DNS01_CONFIG=/tmp/config.toml")),
        ("/home/me/token", ("ProtectHome=tmpfs", "Environment=CLOUDFLARE_DNS_API_TOKEN_FILE=/home/me/token")),
        ("/etc/dns01/config.toml", ("InaccessiblePaths=/etc/dns01",)),
    ],
)
def test_a_configuration_or_a_secret_that_is_hidden(
    machine: Machine, place: str, settings: tuple[str, ...]
) -> None:
    machine[place] = "-"
    by_timer(machine, "dehydrated", RUN, *settings)
    assert machine.finding().code == "sandbox-hides"
    assert place in machine.finding().message


def test_a_secret_that_the_configuration_names(machine: Machine) -> None:
    machine["/etc/dns01/config.toml"] = '[account.a]\nprovider = "desec"\ntoken = { file = "/root/token" }\n'
    machine["/root/token"] = "-"
    by_timer(machine, "dehydrated", RUN, "ProtectHome=yes")
    assert "/root/token, a file that it names" in machine.finding().message


@pytest.mark.parametrize(
    ("setting", "code", "step"),
    [
        ("EnvironmentFile=/etc/dns01/env", "environment-file-missing", "write /etc/dns01/env  (chmod 600)"),
        ("ReadWritePaths=/srv/acme", "unit-path-missing", "mkdir -p /srv/acme"),
        ("InaccessiblePaths=/srv/acme", "unit-path-missing", "mkdir -p /srv/acme"),
        ("BindPaths=/srv/acme:/mnt", "unit-path-missing", "mkdir -p /srv/acme"),
        ("WorkingDirectory=/srv/acme", "unit-path-missing", "mkdir -p /srv/acme"),
        ("LoadCredential=token:/etc/gone", "credential-missing", "write /etc/gone  (chmod 600)"),
        ("LoadCredentialEncrypted=token:/etc/gone", "credential-missing", "write /etc/gone  (chmod 600)"),
        (
            "SetCredential=other:x\nLoadCredential=token:/etc/gone",
            "credential-missing",
            "write /etc/gone  (chmod 600)",
        ),
    ],
)
def test_a_unit_that_does_not_start(machine: Machine, setting: str, code: str, step: str) -> None:
    by_timer(machine, "dehydrated", RUN, setting)
    assert (machine.finding().code, machine.finding().severity) == (code, Severity.ERROR)
    assert machine.finding().remedy == (step,)


@pytest.mark.parametrize(
    "condition",
    ["ConditionHost=mail", "ConditionHost=!www*", "AssertHost=mail.*", "ConditionPathExists=!/etc/acme/off"],
)
def test_a_unit_that_is_for_another_machine(machine: Machine, condition: str) -> None:
    machine["/etc/hostname"] = "www.example.org\n"
    machine["/etc/acme/off"] = ""
    by_timer(machine, "dehydrated", RUN, "[Unit]", condition)
    assert (machine.finding().code, machine.finding().severity) == ("unit-condition-failed", Severity.ERROR)
    key = condition.partition("=")[0]
    assert machine.finding().remedy[0] == f"systemctl edit dehydrated.service\n[Unit]\n{key}="


@pytest.mark.parametrize(
    "condition",
    ["ConditionHost=www*", "ConditionHost=!mail", "ConditionHost=|mail", "ConditionHost=%H",
     "ConditionHost=0123456789abcdef0123456789abcdef", "ConditionPathExists=!/etc/acme/off",
     "ConditionPathExists=!/run/acme"],
)  # fmt: skip
def test_a_unit_that_is_for_this_machine(machine: Machine, condition: str) -> None:
    machine["/etc/hostname"] = "www.example.org\n"
    machine["/etc/machine-id"] = "0123456789abcdef0123456789abcdef\n"
    machine["/run/acme"] = ""
    by_timer(machine, "dehydrated", RUN, "[Unit]", condition)
    assert machine.findings() == []


@pytest.mark.parametrize("key", ["ConditionPathExists", "ConditionFileNotEmpty", "AssertPathExists"])
def test_a_unit_that_is_started_for_nothing(machine: Machine, key: str) -> None:
    by_timer(machine, "dehydrated", RUN, "[Unit]", f"{key}=/etc/acme/enabled")
    assert (machine.finding().code, machine.finding().severity) == ("unit-condition-failed", Severity.ERROR)
    assert machine.finding().remedy[0] == f"systemctl edit dehydrated.service\n[Unit]\n{key}="
    machine["/etc/acme/enabled"] = "yes"
    assert machine.findings() == []


@pytest.mark.parametrize(
    "settings",
    [
        ("LoadCredential=token:/etc/gone", "SetCredential=token:x"),
        ("LoadCredential=token:/run/vault.sock",),
        ("LoadCredential=token", "ImportCredential=acme.*"),
        ("LoadCredential=token:%d/gone",),
        ("[Unit]", "ConditionPathExists=!/etc/gone"),
        ("[Unit]", "ConditionPathExists=|/etc/gone", "ConditionPathExists=|/etc"),
        ("[Unit]", "ConditionPathExists=/run/ready", "ConditionPathExists=/etc/gone", "ConditionPathExists="),
    ],
)
def test_a_unit_that_may_do_without(machine: Machine, settings: tuple[str, ...]) -> None:
    by_timer(machine, "dehydrated", RUN, *settings)
    assert machine.findings() == []


def test_a_state_folder_that_is_another_one_in_each_folder(machine: Machine) -> None:
    by_timer(machine, "dehydrated", RUN, "Environment=DNS01_STATE_DIR=state")
    assert (machine.finding().code, machine.finding().severity) == ("state-unusable", Severity.ERROR)


def test_a_unit_of_many_settings(machine: Machine) -> None:
    by_timer(machine, "dehydrated", RUN, *["Environment=A=1"] * 20000, f"ReadWritePaths={'/a /b ' * 2000}")
    assert machine.finding().remedy == ("mkdir -p /a /b",)


def test_a_path_that_is_none(machine: Machine) -> None:
    by_timer(
        machine, "dehydrated", RUN, "ReadWritePaths=/a\0b", "EnvironmentFile=/c\0d", "WorkingDirectory=/e\0f"
    )
    assert machine.findings() == []


LOOPBACK = {"DNS01_RESOLVERS": "127.0.0.53"}
DENIED = ("IPAddressDeny=any", "IPAddressAllow=localhost")


@pytest.mark.parametrize(
    "settings",
    [DENIED, ("RestrictNetworkInterfaces=lo",), (*DENIED, "IPAddressAllow=127.0.0.0/8 link-local")],
)
def test_a_resolver_of_this_machine_alone(machine: Machine, settings: tuple[str, ...]) -> None:
    by_timer(machine, "dehydrated", RUN, *settings)
    (finding,) = machine.findings(**LOOPBACK)
    assert (finding.code, finding.severity) == ("sandbox-no-network", Severity.ERROR)
    by_timer(machine, "dehydrated", RUN, *settings, "Environment=https_proxy=http://127.0.0.1:3128")
    assert machine.findings(**LOOPBACK) == []


@pytest.mark.parametrize(
    "settings", [(*DENIED, "IPAddressAllow=198.51.100.0/24"), ("IPAddressDeny=link-local",), ()]
)
def test_a_resolver_of_this_machine_and_more(machine: Machine, settings: tuple[str, ...]) -> None:
    by_timer(machine, "dehydrated", RUN, *settings)
    assert machine.findings(**LOOPBACK) == []


@pytest.mark.parametrize(
    ("path", "text", "unit"),
    [
        ("/etc/systemd/system/system.slice.d/a.conf", "[Slice]\nIPAddressDeny=any\n", ""),
        ("/etc/systemd/system/acme.slice", "[Slice]\nIPAddressDeny=any\n", "Slice=acme.slice"),
        ("/etc/systemd/system/acme.slice.d/a.conf", "[Slice]\nIPAddressDeny=any\n", "Slice=acme-web.slice"),
        ("/etc/systemd/system/-.slice.d/a.conf", "[Slice]\nIPAddressDeny=any\n", ""),
    ],
)
def test_a_slice_that_denies_addresses(machine: Machine, path: str, text: str, unit: str) -> None:
    machine[path] = text
    by_timer(machine, "dehydrated", RUN, unit)
    finding = machine.finding()
    assert finding.code == "sandbox-no-network"
    assert finding.remedy == ("systemctl edit dehydrated.service\n[Service]\nIPAddressAllow=any",)
    by_timer(machine, "dehydrated", RUN, unit, "IPAddressAllow=any")
    assert machine.findings() == []


def test_links_of_folders_and_an_interpreter_behind_env(machine: Machine) -> None:
    machine["/root/venv/bin/dns01"] = "#!/usr/bin/env python3\n"
    machine.mode("/root/venv/bin/dns01", 0o755)
    (machine.root / "opt/dns01/bin/dns01").unlink()
    (machine.root / "opt/dns01/bin").rmdir()
    (machine.root / "opt/dns01/bin").symlink_to("../../root/venv/bin")
    machine["/usr/bin/env"] = machine["/home/me/python/bin/python3"] = ""
    (machine.root / "usr/bin/python3").symlink_to("/home/me/python/bin/python3")
    by_timer(machine, "dehydrated", RUN, "ProtectHome=yes")
    assert [finding.message.split(", ")[0] for finding in machine.findings()] == [
        "dehydrated.service does not see /root/venv/bin/dns01",
        "dehydrated.service does not see /home/me/python/bin/python3",
    ]
    by_timer(machine, "dehydrated", RUN)
    assert machine.findings() == []


def test_a_link_that_leads_to_itself(machine: Machine) -> None:
    (machine.root / "opt/dns01/bin/dns01").unlink()
    (machine.root / "opt/dns01/bin/dns01").symlink_to("dns01")
    by_timer(machine, "dehydrated", RUN, "ProtectHome=yes")
    assert machine.finding().code == "hook-missing"


def test_a_client_at_somebodys_home(machine: Machine) -> None:
    machine["/root/dehydrated/dehydrated"] = "#!/bin/sh\n"
    by_timer(machine, "dehydrated", "/root/dehydrated/dehydrated -c", "ProtectHome=yes")
    assert "/root/dehydrated/dehydrated, the client" in machine.finding().message


def test_a_unit_that_forbids_the_sudo_of_dehydrated(machine: Machine) -> None:
    machine["/etc/passwd"] = "root:x:0:0::/root:/bin/sh\nacme:x:0:0::/root:/bin/sh\n"
    machine["/etc/dehydrated/config"] = f"{DEHYDRATED}DEHYDRATED_USER=acme\n"
    by_timer(machine, "dehydrated", RUN)
    assert machine.findings() == []
    by_timer(machine, "dehydrated", RUN, "NoNewPrivileges=true")
    assert machine.finding().code == "sandbox-no-sudo"
