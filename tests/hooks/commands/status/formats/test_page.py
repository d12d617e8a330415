"""dns01 status --html: what a browser makes of the page."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from lifetimes import lasting
from machine import Machine, deploy_cert
from testbed import TIME_LIMIT

HOSTILE = "<script>alert(1)</script>"


class Page(HTMLParser):
    """What stands in it, as a strict reader sees it: text and tags."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.anchors: list[str] = []
        self.text = ""
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.anchors += [value or "" for name, value in attrs if name == "id"]
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action")]

    def handle_data(self, data: str) -> None:
        self.text += data


def written(machine: Machine) -> Path:
    """The page of three certificates: one that is well, one whose deployment fails, one that expires,
    with a name that is none."""
    client = machine.client()
    deploy_cert(client, machine.issue("a.example"))
    client("exit_hook")
    machine.configure(test="false")
    deploy_cert(client, machine.issue("shop.example"))
    lasting(machine.folder / "certs" / "old.example", "old.example", HOSTILE, left=3)
    path = machine.folder / "status.html"
    assert client("status", str(machine.folder / "certs"), "--html", str(path)).code == 2
    return path


def test_it_shows_what_the_command_shows_the_most_urgent_first(machine: Machine) -> None:
    page = Page(written(machine))
    assert page.text.index("CRITICAL") < page.text.index("old.example") < page.text.index("a.example")
    assert "old.example expires in 3 days" in page.text
    assert "web (pending)" in page.text
    assert "deploy_cert" in page.text


def test_what_to_do_about_many_certificates_is_said_once(machine: Machine) -> None:
    for name in ("a.example", "b.example", "c.example"):
        lasting(machine.folder / "certs" / name, name, left=2)
    path = machine.folder / "status.html"
    machine.client()("status", str(machine.folder / "certs"), "--html", str(path))
    text = Page(path).text
    assert text.count("expires in 47 hours") + text.count("expires in 2 days") >= 3
    assert text.count("dns01 audit --failed") == 1


def test_it_has_no_script_and_nothing_from_elsewhere(machine: Machine) -> None:
    page = Page(written(machine))
    assert "script" not in page.tags
    assert page.addresses == ["#problems", "#certificates", "#last-runs"]
    assert set(page.addresses) <= {f"#{each}" for each in page.anchors}
    assert HOSTILE in page.text


def test_a_browser_has_nothing_to_complain_of(machine: Machine, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "make test installs it"
    done = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *(f"--user-data-dir={tmp_path}/browser", "--enable-logging=stderr", "--dump-dom"),
            written(machine).as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
        check=True,
    )
    assert "old.example" in done.stdout
    assert re.findall(r"CONSOLE.*", done.stderr) == []
