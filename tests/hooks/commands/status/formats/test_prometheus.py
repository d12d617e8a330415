"""dns01 status --prometheus: the metrics, and where they are written."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from calls import HOOK, Client
from checkout import ROOT
from lifetimes import lasting
from machine import Machine, deploy_cert
from prometheus_client.parser import text_string_to_metric_families
from statuses import A_DAY, deployed, status

from dns01.hooks.commands.status.formats import prometheus

# Prometheus


def metrics(path: Path) -> dict[str, list[tuple[dict[str, str], float]]]:
    """The samples of each metric, as Prometheus' own parser has them."""
    families = list(text_string_to_metric_families(path.read_text()))
    assert all(family.type == "gauge" and family.documentation for family in families)
    return {each.name: [(sample.labels, sample.value) for sample in each.samples] for each in families}


def test_the_metrics_say_the_same(machine: Machine) -> None:
    folder = deployed(machine)
    machine.configure(test="false")
    deploy_cert(machine.client(), machine.issue("a.example"))
    leaf = lasting(machine.folder / "certs" / "b.example", "b.example", left=5)
    path = machine.folder / "dns01.prom"

    said = status(machine, "--prometheus", str(path))

    found = metrics(path)
    a, b = (machine.folder / "certs" / f"{name}.example" / "cert.pem" for name in "ab")
    assert said.code == 2
    assert found["dns01_state"] == [({}, 2.0)]
    assert found["dns01_certificate_state"] == [
        ({"name": "b.example", "path": str(b)}, 2.0),
        ({"name": "a.example", "path": str(a)}, 1.0),
    ]
    ends = {labels["name"]: seconds for labels, seconds in found["dns01_certificate_not_after_seconds"]}
    assert ends["b.example"] == pytest.approx(datetime.now(UTC).timestamp() + 5 * A_DAY, abs=60)
    assert leaf == b
    assert folder == a.parent
    to_web = {"name": "a.example", "section": "*", "target": "web"}
    assert found["dns01_deployment_pending"] == [(to_web, 1.0)]
    assert found["dns01_deployment_failing"] == [(to_web, 1.0)]
    ((_, last),) = found["dns01_last_run_timestamp_seconds"]
    assert last == pytest.approx(datetime.now(UTC).timestamp(), abs=60)
    assert found["dns01_open_records"] == [({}, 0.0)]
    assert set(found) <= set(prometheus.METRICS)


def test_the_metrics_are_written_at_once_for_everybody_to_read(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    folder = machine.folder / "textfiles"
    folder.mkdir()
    path = folder / "dns01.prom"
    path.write_text("# HELP dns01_state old\n")
    before = path.stat().st_ino
    client = machine.client("bash")
    client.run("umask 077")
    assert client("status", str(machine.folder / "certs"), "--prometheus", str(path)).code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.stat().st_ino != before
    assert os.listdir(folder) == ["dns01.prom"]


@pytest.mark.parametrize("kind", ["link", "folder", "file"])
def test_what_is_none_of_our_files_is_not_replaced(machine: Machine, kind: str) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    path, other = machine.folder / "there", machine.folder / "other"
    other.write_text("precious")
    if kind == "link":
        path.symlink_to(other)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("precious")

    said = status(machine, "--html", str(path))

    assert said.code == 3
    assert f"{path} " in said.stdout
    assert other.read_text() == "precious"
    assert kind != "file" or path.read_text() == "precious"


@pytest.mark.parametrize("option", ["--prometheus", "--html"])
@pytest.mark.parametrize("deep", ["", "sub/"])
def test_no_link_of_another_user_s_leads_to_where_it_is_written(
    machine: Machine, option: str, deep: str
) -> None:
    """The folder of the textfiles is in one of node_exporter's user, who may replace it."""
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    elsewhere, theirs = machine.folder / "elsewhere", machine.folder / "theirs"
    (elsewhere / "sub").mkdir(parents=True)
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    (theirs / "textfiles").symlink_to(elsewhere)
    os.chown(theirs / "textfiles", 65534, 65534, follow_symlinks=False)

    said = status(machine, option, f"{theirs}/textfiles/{deep}dns01.prom")

    assert said.code == 3
    assert f"{theirs}/textfiles " in said.stdout
    assert not list(elsewhere.rglob("dns01*"))


def test_a_link_of_root_s_is_followed(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    (machine.folder / "real").mkdir()
    (machine.folder / "link").symlink_to("real")

    assert status(machine, "--prometheus", f"{machine.folder}/link/dns01.prom").code == 0
    assert os.listdir(machine.folder / "real") == ["dns01.prom"]


def test_a_device_is_written_to_and_stays_one(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    null = machine.folder / "null"
    os.mknod(null, stat.S_IFCHR | 0o600, os.makedev(1, 3))

    assert status(machine, "--prometheus", str(null)).code == 0
    assert stat.S_ISCHR(null.stat().st_mode)


def test_metrics_may_go_to_standard_output(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    path = machine.folder / "dns01.prom"
    status(machine, "--prometheus", str(path))

    said = status(machine, "--prometheus", "-")

    assert said.code == 0
    assert said.stdout == path.read_text()


@pytest.mark.parametrize("option", ["--prometheus", "--html"])
@pytest.mark.parametrize(
    "theirs",
    [
        'HOOK="/opt/dns01/bin/dns01"\n',
        '[account.own]\ntsig_file = "/etc/dns01/tsig.key"\n',
        "17 4 * * * root dns01 status --prometheus dns01.prom\n",
        "<!DOCTYPE html><title>how we use dns01: </title>",
        "# HELP node_dns01_",
    ],
)
def test_a_file_that_is_about_dns01_is_not_one_of_its_own(machine: Machine, option: str, theirs: str) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    file = machine.folder / "theirs"
    file.write_text(theirs)

    said = status(machine, option, str(file))

    assert said.code == 3
    assert f"{file} holds something else, and is not replaced" in said.stdout
    assert file.read_text() == theirs


@pytest.mark.parametrize("option", ["--prometheus", "--html"])
def test_a_variable_that_is_empty_names_no_file(machine: Machine, option: str) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    said = status(machine, option, "")
    assert said.code == 3
    assert "an empty name is given for a file" in said.stdout


@pytest.mark.parametrize("days", ["nan", "inf", "1e400", "-1"])
def test_what_is_no_number_of_days_is_wrong_use(machine: Machine, days: str) -> None:
    said = status(machine, "--warning", days)
    assert said.code == 3
    assert "fault of dns01" not in said.stderr


def test_a_full_disk_beneath_standard_output_is_said_and_is_unknown(machine: Machine) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(HOOK), "status"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env={"DNS01_STATE_DIR": str(machine.state), "DNS01_CONFIG": ""},
        )
    assert done.returncode == 3
    assert "standard output cannot be written: No space left on device" in done.stderr


def test_metrics_that_cannot_be_written_are_unknown(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    said = status(machine, "--prometheus", "/nowhere/dns01.prom")
    assert said.code == 3
    assert "/nowhere/dns01.prom cannot be written: No such file" in said.stdout


def test_labels_may_hold_anything(machine: Machine) -> None:
    odd = machine.folder / "certs" / 'a "quoted" \\ back'
    lasting(odd, "a.example", left=80)
    path = machine.folder / "dns01.prom"
    status(machine, "--prometheus", str(path))
    ((labels, _),) = metrics(path)["dns01_certificate_state"]
    assert labels["path"] == f"{odd}/cert.pem"


def test_every_metric_is_documented() -> None:
    text = (ROOT / "docs" / "status.rst").read_text()
    assert [name for name in prometheus.METRICS if f"``{name}``" not in text] == []


def test_it_changes_nothing_and_shows_no_key(machine: Machine) -> None:
    folder = deployed(machine)
    before = contents(machine)
    key = "".join((folder / "privkey.pem").read_text().splitlines()[1:-1])
    client: Client = machine.client("bash")
    trace = machine.folder / "client.trace"
    client.under = ["strace", "--follow-forks", "-e", "trace=openat", "-o", str(trace)]
    said = client("status", str(machine.folder / "certs"), "--json")
    assert said.code == 0
    assert key[:40] not in said.stdout + said.stderr
    assert "privkey.pem" not in trace.read_text()
    assert contents(machine) == before


def contents(machine: Machine) -> dict[Path, int]:
    """When each file was last changed, but for those of the clients."""
    files = (path for path in machine.folder.rglob("*") if "client" not in str(path))
    return {path: path.lstat().st_mtime_ns for path in files}
