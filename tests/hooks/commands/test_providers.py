"""``dns01 providers``, and the documentation that says the same."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from checkout import ROOT
from fakes.transip import pem

from dns01.errors import UsageError
from dns01.hooks.commands import main
from dns01.hooks.config.load import load_settings, open_account
from dns01.providers import load, names

UPDATE = runpy.run_path(str(ROOT / "docs" / "update.py"))

LEAD_ELSEWHERE = {"acmesh", "exec", "lexicon"}  # an option names what has to be there

every_provider = pytest.mark.parametrize("name", names())


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What ``dns01 providers`` prints."""
    assert main(["providers", *words]) == 0
    return capsys.readouterr().out


def line(listed: str, name: str) -> str:
    """The line about one provider."""
    (found,) = (line for line in listed.splitlines() if name in line.split())
    return found


def block(text: str, head: str) -> str:
    """What is indented beneath a heading."""
    _, _, rest = text.partition(f"{head}:\n\n")
    lines = rest.splitlines()
    end = next(number for number, line in enumerate(lines) if line and not line.startswith(" "))
    return dedent("\n".join(lines[:end])).strip()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that every line has room on."""
    monkeypatch.setenv("COLUMNS", "1000")


# The list


def test_a_provider_is_listed_with_its_names_behind_the_bridges(capsys: pytest.CaptureFixture[str]) -> None:
    listed = said(capsys)
    assert line(listed, "cloudflare").split() == ["cloudflare", "cloudflare", "dns_cf", "Cloudflare"]
    assert line(listed, "zilore").split() == ["-", "zilore", "dns_zilore", "Zilore"]


@every_provider
def test_every_module_is_listed_once(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    heads = [line.split()[0] for line in said(capsys).splitlines()]
    assert heads.count(name) == 1


def test_a_word_finds_what_lego_or_a_person_would_call_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert line(said(capsys, "gandiv5"), "gandi")
    assert line(said(capsys, "oracle cloud"), "dns_oci")
    assert "cloudflare" not in said(capsys, "oracle cloud")


def test_what_only_a_bridge_leads_to_is_said_with_the_bridge(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["providers", "dinahosting"]) == 0
    told = capsys.readouterr().err
    assert "dns01 providers lexicon" in told
    assert "dns01 providers acmesh" not in told


def test_a_word_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(UsageError, match="'nowhere'"):
        main(["providers", "nowhere"])


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("cloudfare", "cloudflare"), ("Digitalocan", "digitalocean"), ("dns_njala", "dns_njalla")],
)
def test_a_slip_is_told_the_nearest_name(slip: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"'{slip}'") as error:
        main(["providers", slip])
    assert error.value.hint.startswith(f"did you mean {meant}? ")


def test_what_is_not_installed_is_listed_with_the_way_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "pip install" not in line(said(capsys), "route53")
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert "pip install 'dns01-hook[aws]'" in line(said(capsys), "route53")


def test_of_lexicons_providers_the_installed_ones_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "lexicon" / "_private" / "providers"
    folder.mkdir(parents=True)
    for module in ("__init__", "zilore", "newcomer"):
        (folder / f"{module}.py").touch()
    (tmp_path / "lexicon" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "lexicon", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    listed = said(capsys)
    assert line(listed, "newcomer").split() == ["-", "newcomer", "-", "newcomer"]
    assert "dns_zilore" in line(listed, "zilore")
    assert "dinahosting" not in listed
    assert line(listed, "dns_njalla").split() == ["-", "-", "dns_njalla", "Njalla"]


def test_what_another_package_adds_is_listed_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    about = tmp_path / "house_dns-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: house-dns\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[dns01.providers]\nhouse = dns01.providers.memory:Provider\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert line(said(capsys), "house").split()[:3] == ["house", "-", "-"]
    assert "export DNS01_PROVIDER=house" in said(capsys, "house")


def test_to_list_them_loads_no_package_that_may_be_missing() -> None:
    code = (
        "import sys; from dns01.hooks.commands import main;"
        "main(['providers']); main(['providers', 'route53']);"
        "sys.exit(bool({'boto3', 'botocore', 'lexicon'} & set(sys.modules)))"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, stdout=subprocess.DEVNULL)
    assert done.returncode == 0


# One provider


@every_provider
def test_every_variable_of_a_provider_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, name)
    for option in load(name).options:
        written = " or ".join(option.env).replace("{api}", "…").replace("*", "NAME")
        (term,) = (line for line in told.splitlines() if line.startswith(f"{written} ("))
        _, _, traits = term.partition(": ")
        assert ("required" in traits) == option.required
        assert ("secret" in traits) == option.secret


@every_provider
def test_the_least_configuration_will_do_and_is_the_same_in_both_forms(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    of_an_api = any(option.key == "base_url" and option.required for option in load(name).options)
    address = "https://192.0.2.53" if of_an_api else "192.0.2.53"
    told = said(capsys, name).replace("/etc/dns01", str(tmp_path)).replace("…", address)
    usual = "c2Vj.cmV0" if name == "ionos" else "c2VjcmV0"
    for secret in ("NAME", *(option.key for option in load(name).options)):
        (tmp_path / f"{name}.{secret}").write_text(pem() if secret == "private_key" else usual)
        (tmp_path / f"{name}.{secret}").chmod(0o600)
    (tmp_path / "config.toml").write_text(block(told, "The same in the configuration file"))

    exports = block(told, "At the least, as environment variables").splitlines()
    variables = dict(export.removeprefix("export ").split("=", 1) for export in exports)
    state = {"DNS01_STATE_DIR": str(tmp_path / "state")}
    by_variables = load_settings({"DNS01_CONFIG": "", **state, **variables})
    by_file = load_settings({"DNS01_CONFIG": str(tmp_path / "config.toml"), **state})

    assert by_variables.accounts == by_file.accounts
    assert name in LEAD_ELSEWHERE or open_account(by_variables.accounts[name])


@every_provider
def test_it_is_told_at_the_terminal_s_width_and_what_can_be_pasted_is_not_broken(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = said(capsys, name)
    monkeypatch.setenv("COLUMNS", "60")
    narrow = said(capsys, name)
    too_long = [line for line in narrow.splitlines() if len(line) > 60 and " " in line.strip()]
    assert set(too_long) <= set(wide.splitlines()), "only what is never broken is longer"
    for head in ("At the least, as environment variables", "The same in the configuration file"):
        assert block(narrow, head) == block(wide, head)


@every_provider
def test_no_mark_of_restructuredtext_is_on_a_terminal(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, name)
    assert [line for line in told.splitlines() if re.search(r"\w::$|====|----|``", line)] == []


@pytest.mark.parametrize(
    ("name", "variable", "key"),
    [
        ("lexicon", "LEXICON_…_NAME", "options.NAME"),
        ("acmesh", "ACMESH_ENV_NAME", "env.NAME"),
        ("exec", "EXEC_ENV_NAME", "env.NAME"),
    ],
)
def test_the_entries_of_a_table_are_shown_in_both_forms(
    name: str, variable: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, name)
    assert f"    export {variable}_FILE=/etc/dns01/{name}.NAME\n" in told
    assert f'    {key} = {{ file = "/etc/dns01/{name}.NAME" }}\n' in told
    assert f"\n{variable} ({key} in the file): optional, secret\n" in told


@every_provider
def test_a_file_is_offered_in_the_place_of_a_value(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    offer = (
        "All variables; with _FILE at the end of its name, each is the path of a file that holds the value"
    )
    assert (offer in said(capsys, name)) == bool(load(name).options)


def test_the_least_privilege_is_told_as_a_policy_where_it_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "The least privilege to grant: the custom scopes domain:read" in said(capsys, "digitalocean")
    assert '"route53:ChangeResourceRecordSetsRecordTypes": ["TXT"]' in said(capsys, "route53")


def test_a_provider_is_told_by_a_name_with_a_hyphen_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "acme-dns") == said(capsys, "acmedns")


# The documentation


@pytest.mark.parametrize("path", UPDATE["texts"](), ids=lambda path: path.name)
def test_the_documentation_says_what_the_code_says(path: Path) -> None:
    assert path.read_text() == UPDATE["texts"]()[path], "run `make docs`"


def test_what_the_documentation_shows_of_the_code_takes_the_place_of_what_it_showed() -> None:
    stale = ".. from tests/providers/test_digitalocean.py\n\nas it was once\n\n.. until here\n\nand so on\n"
    fresh = UPDATE["updated"](stale)
    assert "    class TestDigitalOcean(" in fresh
    assert "as it was once" not in fresh
    assert fresh.endswith("\n\n.. until here\n\nand so on\n")
    assert UPDATE["updated"](fresh) == fresh
