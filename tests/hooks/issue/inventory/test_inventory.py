"""Which certificates are to be had: rows that make sense go on, each other one has its own message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.issue.inventory.read import Inventory, from_rows, read_inventory
from dns01.hooks.issue.inventory.rows import InventoryRow
from dns01.hooks.issue.section import IssueSection, load_ca, load_issue

GOOD = {"name": "good", "names": ["good.example.org"]}


def rows(*fields: dict[str, object]) -> Inventory:
    return from_rows(
        [InventoryRow(f"row {number}", row) for number, row in enumerate(fields, 1)], ["web", "mail"]
    )


def read(path: Path) -> Inventory:
    return read_inventory(IssueSection("/certificates", inventory=str(path)), {}, ["web", "mail"])


def command(script: str, limit: float = 30.0) -> Inventory:
    section = IssueSection("/certificates", inventory_command=("sh", "-c", script), time_limit=limit)
    return read_inventory(section, {"PATH": "/usr/bin:/bin"}, [])


def test_a_table_without_names_is_for_its_own() -> None:
    (wanted,) = rows({"name": "example.org"}).certificates

    assert wanted.names == ("example.org",)


def test_names_are_compared_as_the_dns_does_and_each_counts_once() -> None:
    (wanted,) = rows(
        {"name": "a", "names": "Example.org, *.EXAMPLE.org example.org. ;bücher.example;"}
    ).certificates

    assert wanted.names == ("example.org", "*.example.org", "xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"names": ["a.example"]}, "it has no name"),
        ({"name": "a", "names": []}, "it has no names"),
        ({"name": "a", "names": " "}, "it has no names"),
        ({"name": "a", "names": " , ;"}, "it has no names"),
        ({"name": "a", "names": "a.example; https://b.example/"}, "'https://b.example/' "),
        ({"name": "a", "names": ["a.example, b.example"]}, "'a.example, b.example' is more than one name"),
        ({"name": "web_1"}, "it has no names, and 'web_1' is no domain"),
        ({"name": "a", "names": ["x y.example"]}, "'x y'"),
        ({"name": "a", "names": ["192.0.2.1"]}, "'192.0.2.1'"),
        ({"name": "a", "names": [1]}, "is no list of domains"),
        ({"name": "a", "names": [f"n{n}.example" for n in range(101)]}, "it has 101 names"),
        ({"name": "a", "names": ["x y"] * 2000}, "it has 2000 names"),  # not looked at one by one
        ({"name": "../etc", "names": ["a.example"]}, "'../etc' cannot be the name of a folder"),
        ({"name": ".hidden", "names": ["a.example"]}, "'.hidden' "),
        ({"name": "*.a.example"}, "'*.a.example' "),
        ({"name": 7, "names": ["a.example"]}, "7 "),
        ({"name": "a.example", "account": "wbe"}, "unknown account 'wbe'; did you mean 'web'?"),
        ({"name": "a.example", "account": ["web", "wbe"]}, " 'wbe'"),
        ({"name": "a.example", "account": "web wbe"}, " 'wbe'"),
        ({"name": "a.example", "account": []}, "no account"),
        ({"name": "a.example", "account": "web,web"}, " 'web' "),
        ({"name": "a.example", "account": ["web", 7]}, "7 "),
        ({"name": "a.example", "account": {"web": 1}}, "{'web': 1} "),
        ({"name": "a.example", "zone_id": "Z1"}, "it has a zone_id and no zone"),
        ({"name": "a.example", "key": "dsa"}, "'dsa' is no key type"),
        ({"name": "a.example", "csr": "own.csr"}, "csr: 'own.csr' is no absolute path"),
        ({"name": "a.example", "nmaes": "x"}, "unknown key 'nmaes'; did you mean"),
    ],
)
def test_a_row_that_makes_no_sense_has_its_own_message_and_costs_the_others_nothing(
    row: dict[str, object], message: str
) -> None:
    found = rows(row, GOOD)

    assert [wanted.name for wanted in found.certificates] == ["good"]
    (rejected,) = found.rejected
    assert rejected.where == "row 1"
    assert message in rejected.message
    assert rejected.hint


@pytest.mark.parametrize("said", [["web", "mail"], "web mail", "web,mail", "web; mail,"])
def test_a_row_may_name_several_accounts_that_serve_its_zone(said: object) -> None:
    (wanted,) = rows({**GOOD, "account": said}).certificates

    assert wanted.accounts == ("web", "mail")


def test_of_two_certificates_with_one_name_the_first_is_taken() -> None:
    found = rows(GOOD, {**GOOD, "names": ["other.example.org"]})

    assert [wanted.names for wanted in found.certificates] == [("good.example.org",)]
    assert found.rejected[0].message == "there is another certificate good (row 1)"


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_csv_file_names_its_columns_in_its_first_line(tmp_path: Path, delimiter: str) -> None:
    lines = [
        "name,names,zone,zone_id,account",
        "a,a.example *.a.example,a.example,Z1,web",
        "",
        "b.example,,,,",
    ]
    path = tmp_path / "certificates.csv"
    path.write_text("\n".join(lines).replace(",", delimiter))

    first, second = read(path).certificates

    assert first.names == ("a.example", "*.a.example")
    assert (first.zone, first.zone_id, first.accounts) == ("a.example", "Z1", ("web",))
    assert second.names == ("b.example",)
    assert first.where == f"{path}, line 2"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "certificates.csv"
    path.write_bytes(b"\xef\xbb\xbfname\r\na.example\r\n")

    assert [wanted.name for wanted in read(path).certificates] == ["a.example"]


def test_a_line_in_another_encoding_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "certificates.csv"
    path.write_bytes(b"name,names\nb,b\xfccher.example\ngood,good.example\n")

    found = read(path)

    assert [wanted.name for wanted in found.certificates] == ["good"]
    assert (found.rejected[0].where, found.rejected[0].message) == (
        f"{path}, line 2",
        "it is not text in UTF-8",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name\na.example\n".encode("utf-16"), "it is UTF-16"),
        (b"", "its first line does not name the columns"),
        (b"a.example,b.example\n", "its first line has no column name"),
        (b'name,names\na,"a.example\n', "it is not CSV"),
        (b"name,names\na,a.example,b.example\n", "it has 3 values, and there are 2 columns"),
    ],
)
def test_a_csv_file_that_makes_no_sense_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "certificates.csv"
    path.write_bytes(content)

    (rejected,) = read(path).rejected

    assert message in rejected.message


def test_json_lines_are_one_object_each(tmp_path: Path) -> None:
    path = tmp_path / "certificates.jsonl"
    path.write_text(json.dumps({**GOOD, "zone": None}) + "\n[]\n{\n" + "[" * 100_000 + "\n")

    found = read(path)

    assert [wanted.name for wanted in found.certificates] == ["good"]
    assert [each.message.partition(":")[0] for each in found.rejected] == [
        "it is no JSON object",
        "it is not JSON",
        "it is not JSON",
    ]


def test_a_file_that_is_not_there_costs_the_tables_nothing(tmp_path: Path) -> None:
    section = IssueSection("/c", inventory=str(tmp_path / "none.csv"), tables={"good.example": {}})

    found = read_inventory(section, {}, [])

    assert [wanted.name for wanted in found.certificates] == ["good.example"]
    assert found.rejected[0].where == section.inventory
    assert "No such file" in found.rejected[0].message


def test_a_command_prints_json_lines() -> None:
    found = command("""echo '{"name": "a.example"}'; echo '{"name": "b.example"}'; echo noise >&2""")

    assert [wanted.name for wanted in found.certificates] == ["a.example", "b.example"]
    assert found.rejected == ()


def test_what_a_command_that_fails_has_printed_is_not_believed() -> None:
    found = command("""echo '{"name": "a.example"}'; echo 'no such table' >&2; exit 3""")

    assert found.certificates == ()
    assert found.rejected[0].message == "the inventory command sh ended with 3: no such table"


def test_a_command_that_hangs_is_ended() -> None:
    found = command("sleep 60", limit=0.2)

    assert " 0.2 s" in found.rejected[0].message


def test_a_command_that_prints_without_end_is_ended() -> None:
    found = command("yes")

    assert "65536 KiB" in found.rejected[0].message


def test_a_command_that_leaves_another_with_its_output_is_not_waited_for() -> None:
    found = command("""sleep 60 & echo '{"name": "a.example"}'""")

    assert [wanted.name for wanted in found.certificates] == ["a.example"]


# The sections


def configured(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "config.toml"
    path.touch(0o600)
    path.write_text(text)
    return {"DNS01_CONFIG": str(path), "DNS01_STATE_DIR": str(tmp_path / "state")}


def test_a_ca_is_named_by_a_short_name_or_by_its_directory(tmp_path: Path) -> None:
    short = load_ca(
        configured(tmp_path, '[ca]\ndirectory = "letsencrypt-staging"\ncontact = "ops@example.org"')
    )
    url = load_ca(configured(tmp_path, '[ca]\ndirectory = "https://ca.example/dir"\nca_file = "root.pem"'))

    assert short.directory == "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert short.contact == ("mailto:ops@example.org",)
    assert url.ca_file == str(tmp_path / "root.pem")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no CA is configured"),
        ('ca = "letsencrypt"', "no CA is configured"),
        ("[ca]", "it has no directory"),
        ('[ca]\ndirectory = "letsencyrpt"', "'letsencyrpt'; did you mean 'letsencrypt'?"),
        ('[ca]\ndirectory = "http://ca.example/dir"', "unknown CA"),
        ('[ca]\ndirectory = "letsencrypt"\neab_kid = "a"', "it lacks eab_hmac_key"),
        ('[ca]\ndirectory = "letsencrypt"\nkye = "ec256"', "'kye'"),
        ('[ca]\ndirectory = "letsencrypt"\nreuse_key = 1', "reuse_key: 1 "),
    ],
)
def test_a_ca_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_ca(configured(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[issue]\nfolder = "relative"', "folder: 'relative' "),
        ("[issue]\ntime_limit = 0", "time_limit: 0 "),
        ('[issue]\ninventroy = "a.csv"', "'inventroy'"),
        ("issue = 1", "issue is no table"),
        ("certificate = 1", "[certificate] "),
    ],
)
def test_an_issue_section_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_issue(configured(tmp_path, text))
    assert message in str(caught.value)


def test_a_hmac_key_in_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    environ = configured(
        tmp_path, '[ca]\ndirectory = "letsencrypt"\neab_kid = "a"\neab_hmac_key = "c2VjcmV0"'
    )
    (tmp_path / "config.toml").chmod(0o644)

    with pytest.raises(ConfigError, match=r"eab_hmac_key: .*\(mode 0644\)"):
        load_ca(environ)


def test_of_a_row_that_makes_no_sense_so_much_is_shown_and_no_more() -> None:
    (rejected,) = from_rows([InventoryRow("here", {"name": "a", "names": [1] * 100_000})], []).rejected
    assert len(rejected.message) < 600
