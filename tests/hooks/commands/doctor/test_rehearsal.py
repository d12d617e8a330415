"""dns01 doctor --all: a rehearsal for all that this machine has, of which people are told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from calls import KEY, NAME, PRIMARY, Client, Stage
from patients import document, person

CONFIG = """
[account.bind]
provider = "rfc2136"
nameserver = "{}"
tsig_key = "{}"
tsig_secret = "{}"

[zone."example.org"]
account = "bind"

[notify]
command = "sh -c 'cat >> {}'"
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as stage:
        yield stage


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What was told so far."""
    return tmp_path / "told"


@pytest.fixture
def shell(stage: Stage, tmp_path: Path, told: Path) -> Client:
    """Somebody at a machine whose accounts are in a file."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(PRIMARY, KEY.name, KEY.secret, told))
    path.chmod(0o600)
    unset = (
        "DNS01_PROVIDER",
        "DNS01_TIMEOUT",
        "RFC2136_NAMESERVER",
        "RFC2136_TSIG_KEY",
        "RFC2136_TSIG_SECRET",
    )
    return person(stage, **dict.fromkeys(unset, ""), DNS01_CONFIG=str(path))


def test_every_zone_of_the_configuration_has_its_record_tried(shell: Client, stage: Stage) -> None:
    said = shell("doctor", "--write", "--all", "--json")

    (domain,) = document(said)["domains"]
    assert (domain["domain"], said.code) == ("example.org", 0)
    assert [finding["code"] for finding in domain["findings"]] == ["probe-passed"]
    assert stage.bind.txt(NAME) == set()


def test_certificates_are_looked_at_besides_and_one_record_stands_for_their_zone(
    shell: Client, tmp_path: Path
) -> None:
    folder = tmp_path / "dehydrated"
    folder.mkdir()
    (folder / "config").write_text("")
    (folder / "domains.txt").write_text("www.example.org mail.example.org\n*.sub.example.org\n")

    said = shell("doctor", "--write", "--all", "--json", CONFIG=str(folder / "config"))

    domains = {domain["domain"]: domain["findings"] for domain in document(said)["domains"]}
    assert list(domains) == ["www.example.org", "mail.example.org", "*.sub.example.org", "example.org"]
    probed = [any(each["check"] == "probe" for each in found) for found in domains.values()]
    assert probed == [True, False, False, False]


def test_what_would_fail_is_told_once_and_that_it_would_no_more(
    shell: Client, stage: Stage, told: Path
) -> None:
    assert shell("doctor", "--all", "--notify").code == 0
    assert not told.exists()

    stage.world.zones["org"].remove("example.org", "NS")
    assert shell("doctor", "--all", "--notify").code == 2
    assert shell("doctor", "--all", "--notify").code == 2
    (failure,) = (line for line in told.read_text().splitlines() if "zone-missing: " in line)
    assert failure.startswith("example.org: ")

    stage.world.delegate("example.org", {"ns1.example.org": PRIMARY})
    assert shell("doctor", "--all", "--notify").code == 0
    assert told.read_text().splitlines()[-1].startswith("an order for example.org: ")


def test_nobody_to_notify_is_a_warning(stage: Stage) -> None:
    said = person(stage)("doctor", "example.org", "--notify")

    assert said.code == 0
    assert "[notify]" in said.stderr


def test_no_domain_at_all_is_a_usage_error(stage: Stage) -> None:
    said = person(stage)("doctor")

    assert (said.code, said.stdout) == (2, "")
    assert "--all" in said.stderr
