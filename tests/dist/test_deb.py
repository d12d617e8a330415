"""The Debian package, installed and removed by dpkg on overlays of this system's folders."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import deb
import pytest
from testbed import TIME_LIMIT

from dns01 import __version__

RELEASE = deb.Release(__version__, "The Maintainers <maintainers@example.org>", 1_800_000_000)
OVERLAYS = """\
set -eu
mount -t tmpfs none /mnt
for folder in etc var opt usr; do
    upper=/mnt/upper/$folder work=/mnt/work/$folder
    mkdir -p $upper $work
    mount -t overlay overlay -o lowerdir=/$folder,upperdir=$upper,workdir=$work /$folder
done
umask 022
rm -rf /etc/dns01 /var/lib/dns01 /var/cache/dns01 /opt/dns01
"""
INSTALL = "dpkg --force-depends -i {package} >/dev/null"


def architecture() -> str:
    return subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True).stdout.strip()


def build(tree: Path, release: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    return deb.build(tree, release / "share", RELEASE, architecture(), folder)


@pytest.fixture(scope="module")
def package(tree: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tree, release, tmp_path_factory.mktemp("deb"))


def run(package: Path, *steps: str) -> str:
    """What the steps print, one after the other in one shell; the first that fails ends it."""
    steps = tuple(step.format(package=package) for step in steps)
    done = subprocess.run(
        ["unshare", "--mount", "--net", "bash", "-c", OVERLAYS + "\n".join(steps)],
        capture_output=True,
        text=True,
        timeout=10 * TIME_LIMIT,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def contents(package: Path) -> dict[str, str]:
    """The mode of each path in the package."""
    done = subprocess.run(["dpkg-deb", "-c", package], capture_output=True, text=True, check=True)
    fields = (line.split(maxsplit=5) for line in done.stdout.splitlines())
    return {path.split(" -> ")[0].removeprefix("."): f"{mode} {owner}" for mode, owner, *_, path in fields}


def test_what_is_secret_is_for_root_alone_and_nothing_is_for_others_to_write(package: Path) -> None:
    modes = contents(package)

    assert {modes[path] for path in ("/etc/dns01/", "/var/lib/dns01/")} == {"drwx------ root/root"}
    assert {mode for mode in modes.values() if not mode.startswith("l")} <= {
        f"{mode} root/root" for mode in ("drwx------", "drwxr-xr-x", "-rw-r--r--", "-rwxr-xr-x")
    }


def test_outside_opt_there_is_what_the_system_wants_to_know(package: Path) -> None:
    outside = {path for path in contents(package) if not path.startswith("/opt/") and not path.endswith("/")}

    assert outside == {
        "/usr/bin/dns01",
        "/usr/share/bash-completion/completions/dns01",
        "/usr/share/doc/dns01/README.Debian",
        "/usr/share/doc/dns01/changelog.gz",
        "/usr/share/doc/dns01/copyright",
        "/usr/share/fish/vendor_completions.d/dns01.fish",
        "/usr/share/lintian/overrides/dns01",
        "/usr/share/man/man1/dns01.1.gz",
        "/usr/share/man/man5/dns01.toml.5.gz",
        "/usr/share/zsh/vendor-completions/_dns01",
        *(f"/usr/lib/systemd/system/{unit}.{kind}" for unit in deb.UNITS for kind in ("service", "timer")),
    }


def test_two_builds_are_the_same_bytes_whatever_the_umask(
    package: Path, tree: Path, release: Path, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        again = build(tree, release, tmp_path / "again")
    finally:
        os.umask(before)

    assert again.read_bytes() == package.read_bytes()


def test_installed_the_command_runs_without_the_environment_of_its_caller(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "mkdir /tmp/snap.$$ && echo 'raise SystemExit(9)' > /tmp/snap.$$/click.py",
        "PYTHONPATH=/tmp/snap.$$ /usr/bin/dns01 --version; rm -r /tmp/snap.$$",
        "dns01 providers rfc2136 | head -1",
        "python3 -I -c 'import sys; sys.path[:0] = [\"/opt/dns01/lib\"]; import acme.client as a; print(a.__file__)'",
        "dpkg --verify dns01",
    )

    assert said.splitlines() == [
        f"dns01, version {__version__}",
        "rfc2136: Dynamic updates (RFC 2136)",
        "/opt/dns01/lib/acme/client.py",
    ]


def test_what_else_a_provider_needs_is_found_in_the_administrator_s_folder(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "mkdir -p /usr/local/lib/dns01/mine-1.dist-info",
        "printf '[dns01.providers]\\nmine = mine:Provider\\n' > /usr/local/lib/dns01/mine-1.dist-info/entry_points.txt",
        "printf 'Metadata-Version: 2.1\\nName: mine\\nVersion: 1\\n' > /usr/local/lib/dns01/mine-1.dist-info/METADATA",
        "dns01 providers mine 2>/dev/null || dns01 providers | grep ^mine",
    )

    assert "mine" in said


def test_removed_it_leaves_no_file_of_its_own_and_all_of_the_user_s(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "touch /etc/dns01/config.toml; mkdir -p /var/lib/dns01/certificates/example.org",
        "systemctl enable dns01-status.timer 2>/dev/null",
        "dpkg --remove dns01 >/dev/null",
        "ls -d /opt/dns01 /usr/bin/dns01 2>/dev/null || find /etc/systemd/system -name 'dns01*'",
        "ls /etc/dns01 /var/lib/dns01",
    )

    assert said.split() == ["/etc/dns01:", "config.toml", "/var/lib/dns01:", "certificates"]


def test_a_purge_keeps_certificates_and_accounts_and_removes_secrets_and_the_rest(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "echo secret > /etc/dns01/token; cd /var/lib/dns01; mkdir -p certificates/example.org accounts open",
        "touch certificates/example.org/privkey.pem accounts/ca.json open/record audit.jsonl; cd /",
        "dpkg --purge dns01 2>/dev/null | grep kept",
        "ls -d /etc/dns01 2>/dev/null || :",
        "cd /var/lib/dns01; find . -type f | sort",
    )

    kept, *files = said.splitlines()
    assert "the certificates and accounts in /var/lib/dns01 are kept" in kept
    assert files == ["./accounts/ca.json", "./certificates/example.org/privkey.pem"]


def test_a_purge_of_what_was_never_used_leaves_nothing(package: Path) -> None:
    said = run(package, INSTALL, "dpkg --purge dns01 >/dev/null", "ls -d /etc/dns01 /var/lib/dns01 2>/dev/null || :")

    assert said == ""


def test_a_removal_with_records_still_published_says_so(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "mkdir /var/lib/dns01/open; touch /var/lib/dns01/open/record",
        "dpkg --remove dns01 2>&1 >/dev/null",
    )

    assert "challenge records are still published" in said


OLDER = (  # the same package of another time: one module more, and one that was otherwise
    "dpkg-deb -R {package} /mnt/older",
    "sed -i 's/^Version: .*/Version: 0~/' /mnt/older/DEBIAN/control",
    "echo 'raise SystemExit(9)' >/mnt/older/opt/dns01/lib/dns01/names.py",
    "touch /mnt/older/opt/dns01/lib/dns01/gone.py",
    "dpkg-deb -Znone -b /mnt/older /mnt/older.deb >/dev/null",
    "dpkg --force-depends -i /mnt/older.deb >/dev/null",
)


def test_an_upgrade_keeps_configuration_state_and_timers_and_nothing_of_the_older_one(package: Path) -> None:
    said = run(
        package,
        *OLDER,
        "touch /etc/dns01/config.toml /var/lib/dns01/audit.jsonl",
        "systemctl enable dns01-status.timer 2>/dev/null",
        INSTALL,
        "ls /etc/dns01 /var/lib/dns01; dns01 --version; systemctl is-enabled dns01-status.timer",
        "find /opt/dns01 -name 'gone*'; dpkg --verify dns01",
    )

    assert said.splitlines() == [
        *("/etc/dns01:", "config.toml", "", "/var/lib/dns01:", "audit.jsonl"),
        f"dns01, version {__version__}",
        "enabled",
    ]


def test_a_folder_that_is_gone_or_a_disk_of_its_own_hinders_neither_removal_nor_purge(package: Path) -> None:
    said = run(
        package,
        INSTALL,
        "rm -r /opt/dns01 /etc/dns01; mount -t tmpfs none /var/lib/dns01; cd /var/lib/dns01",
        "mkdir -p certificates/example.org open; cd /",
        "dpkg --remove dns01 >/dev/null 2>&1",
        "dpkg --purge dns01 2>/dev/null | grep -c kept",
        "ls /var/lib/dns01",
    )

    assert said.split() == ["1", "certificates"]


def test_over_a_virtual_environment_in_the_same_folder_the_package_s_command_is_what_runs(package: Path) -> None:
    said = run(
        package,
        "/usr/bin/python3 -m venv --without-pip /opt/dns01",
        "printf '#!/opt/dns01/bin/python\nraise SystemExit(9)\n' >/opt/dns01/bin/dns01",
        INSTALL,
        "/opt/dns01/bin/dns01 --version",
        "dpkg --purge dns01 >/dev/null 2>&1; ls /opt/dns01",
    )

    assert said.splitlines()[0] == f"dns01, version {__version__}"


def test_systemd_understands_the_units(package: Path) -> None:
    units = " ".join(f"/usr/lib/systemd/system/{unit}.{kind}" for unit in deb.UNITS for kind in ("service", "timer"))

    assert run(package, INSTALL, f"systemd-analyze verify --man=no {units} 2>&1 | grep dns01 || :") == ""


def test_lintian_finds_no_error(package: Path) -> None:
    done = subprocess.run(
        ["lintian", "--allow-root", "--fail-on=error", "--suppress-tags=bogus-mail-host", package],
        capture_output=True,
        text=True,
        timeout=10 * TIME_LIMIT,
    )

    assert done.returncode == 0, done.stdout
