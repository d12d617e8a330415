"""What the doctor says of CAA, in a DNS of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from examined import IMPATIENT, codes, examine
from josepy.jwk import JWKEC
from testbed import World

from dns01.hooks.commands.doctor.checks.ca_queries.caa import check
from dns01.hooks.commands.doctor.finding import Finding, Severity
from dns01.hooks.issue.acme.account import account_file
from dns01.hooks.issue.section import load_ca

NS1 = "127.1.0.1"
ACCOUNT = "https://acme-v02.api.letsencrypt.org/acme/acct/1234"
OURS, NOBODY = '0 issue "letsencrypt.org"', '0 issue ";"'


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.zone("example.org", {"ns1.example.org": NS1})
        yield world


def findings(
    world: World, *records: str, domain: str = "example.org", ca: str = "letsencrypt", **environ: str
) -> list[Finding]:
    """``records``: the CAA records of example.org."""
    if records:
        world.zones["example.org"].set("example.org", "CAA", *records)
    return list(check(examine(world, domain, timing=IMPATIENT, DNS01_CA=ca, **environ)))


@pytest.mark.parametrize("domain", ["example.org", "*.example.org", "www.example.org"])
@pytest.mark.parametrize(
    "records",
    [(), (OURS,), ('0 issue "sectigo.com"', OURS), (OURS, '0 issuewild "letsencrypt.org"'),
     ('0 iodef "mailto:a@example.org"',), ('0 issue "letsencrypt.org; validationmethods=dns-01"',)],
)  # fmt: skip
def test_nothing_is_wrong_where_the_ca_may_issue(world: World, domain: str, records: tuple[str, ...]) -> None:
    assert findings(world, *records, domain=domain) == []


def record_of(finding: Finding) -> str:
    """The record that its only remedy is to add."""
    (step,) = finding.remedy
    do, _, record = step.partition(": ")
    assert do.startswith("add")
    return record


def test_caa_forbids(world: World) -> None:
    (finding,) = findings(world, '0 issue "sectigo.com"')

    assert (finding.code, finding.severity, finding.subject) == ("caa-forbids", Severity.ERROR, "example.org")
    assert "sectigo.com" in finding.message
    assert record_of(finding) == 'example.org. CAA 0 issue "letsencrypt.org"'


def test_caa_of_a_parent_forbids(world: World) -> None:
    (finding,) = findings(world, NOBODY, domain="a.www.example.org")

    assert (finding.code, finding.subject) == ("caa-forbids", "a.www.example.org")
    assert record_of(finding) == 'example.org. CAA 0 issue "letsencrypt.org"'


def test_caa_forbids_the_wildcard_only(world: World) -> None:
    (finding,) = findings(world, OURS, '0 issuewild ";"', domain="*.example.org")

    assert (finding.code, finding.severity, finding.subject) == (
        "caa-wildcard",
        Severity.ERROR,
        "*.example.org",
    )
    assert record_of(finding) == 'example.org. CAA 0 issuewild "letsencrypt.org"'
    assert findings(world, domain="example.org") == []


def test_caa_allows_the_wildcard_only_which_is_worth_a_note_beside_it(world: World) -> None:
    (finding,) = findings(world, NOBODY, '0 issuewild "letsencrypt.org"', domain="*.example.org")

    assert (finding.code, finding.severity, finding.subject) == ("caa-forbids", Severity.NOTE, "example.org")


def test_one_record_that_forbids_both_kinds_is_one_finding(world: World) -> None:
    assert codes(findings(world, NOBODY, domain="*.example.org")) == ["caa-forbids"]


def test_caa_servfail(world: World) -> None:
    world.servers[NS1].rcodes["example.org", "CAA"] = "SERVFAIL"

    (finding,) = findings(world, domain="www.example.org")

    assert (finding.code, finding.severity) == ("caa-servfail", Severity.ERROR)
    assert f"{NS1}: SERVFAIL" in finding.message
    assert "dig CAA example.org" in finding.remedy[0]


def test_a_zone_that_nobody_serves_is_the_delegations_finding(world: World) -> None:
    for server in world.zones["example.org"].servers:
        server.silent = True

    assert codes(findings(world)) == []


def test_an_unknown_property_that_is_critical(world: World) -> None:
    (finding,) = findings(world, OURS, '128 tbs "Unknown"')

    assert (finding.code, finding.severity) == ("caa-critical", Severity.ERROR)
    assert finding.remedy == ('remove it: example.org. CAA 128 tbs "Unknown"',)


def test_another_account_and_an_account_that_is_not_known(world: World) -> None:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"'

    (unknown,) = findings(world, record)
    (another,) = findings(world, record, DNS01_CA_ACCOUNT=f"{ACCOUNT}5")

    assert (unknown.code, unknown.severity) == ("caa-account", Severity.WARNING)
    assert (another.code, another.severity) == ("caa-account", Severity.ERROR)
    assert record_of(another) == f'example.org. CAA 0 issue "letsencrypt.org; accounturi={ACCOUNT}5"'
    assert findings(world, record, DNS01_CA_ACCOUNT=ACCOUNT) == []


def kept_account(folder: Path, directory: str, url: str = ACCOUNT) -> dict[str, str]:
    """A configuration whose ``[ca]`` has an account, as ``dns01 issue`` keeps it."""
    config, state = folder / "config.toml", folder / "state"
    config.write_text(f'[ca]\ndirectory = "{directory}"\n')
    environ = {"DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(state)}
    file = Path(account_file(load_ca(environ), str(state)))
    file.parent.mkdir(parents=True, mode=0o700)
    key = JWKEC(key=ec.generate_private_key(ec.SECP256R1())).to_json()
    file.write_text(json.dumps({"version": 1, "directory": directory, "url": url, "key": key}))
    file.chmod(0o600)
    return environ


def test_the_account_of_dns01_issue_may_be_the_one_that_is_named(world: World, tmp_path: Path) -> None:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"'

    assert findings(world, record, **kept_account(tmp_path, "letsencrypt")) == []


def test_another_client_may_order_where_the_account_of_dns01_issue_is_not_named(
    world: World, tmp_path: Path
) -> None:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT}5"'

    (finding,) = findings(world, record, **kept_account(tmp_path, "letsencrypt"))

    assert (finding.code, finding.severity) == ("caa-account", Severity.WARNING)


def test_the_account_of_dns01_issue_at_another_ca_says_nothing(world: World, tmp_path: Path) -> None:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"'

    assert codes(findings(world, record, **kept_account(tmp_path, "zerossl"))) == ["caa-account"]


def test_an_account_file_that_is_corrupt_leaves_the_account_open(world: World, tmp_path: Path) -> None:
    record = f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"'
    environ = kept_account(tmp_path, "letsencrypt")
    (file,) = tmp_path.glob("state/accounts/*")
    file.write_text("[]")

    assert codes(findings(world, record, **environ)) == ["caa-account"]


def test_another_method(world: World) -> None:
    (finding,) = findings(world, '0 issue "letsencrypt.org; validationmethods=http-01"')

    assert (finding.code, finding.severity) == ("caa-method", Severity.ERROR)
    wrong, right = finding.remedy
    assert wrong.endswith('example.org. CAA 0 issue "letsencrypt.org; validationmethods=http-01"')
    assert right.endswith('example.org. CAA 0 issue "letsencrypt.org; validationmethods=http-01,dns-01"')


def test_of_a_ca_that_is_not_known_it_is_noted_who_may_issue(world: World) -> None:
    (finding,) = findings(world, OURS, ca="")

    assert (finding.code, finding.severity) == ("caa-unknown-ca", Severity.NOTE)
    assert " letsencrypt.org " in finding.message


def test_without_records_a_ca_need_not_be_known(world: World) -> None:
    assert findings(world, ca="") == []


def test_the_ca_of_certbot_s_renewal_file_is_the_one_that_counts(world: World, tmp_path: Path) -> None:
    world.zones["example.org"].set("example.org", "CAA", '0 issue "sectigo.com"')
    renewal = tmp_path / "etc/letsencrypt/renewal"
    renewal.mkdir(parents=True)
    file = renewal / "example.org.conf"
    examined = examine(world, "example.org")._replace(root=str(tmp_path))

    file.write_text("[renewalparams]\nserver = https://acme.zerossl.com/v2/DV90\n")
    assert codes(check(examined)) == []
    file.write_text("[renewalparams]\nserver = https://acme-v02.api.letsencrypt.org/directory\n")
    assert codes(check(examined)) == ["caa-forbids"]


def test_the_ca_of_dehydrated_s_config_counts_for_what_is_in_its_domains_txt(
    world: World, tmp_path: Path
) -> None:
    world.zones["example.org"].set("example.org", "CAA", '0 issue "sectigo.com"')
    folder = tmp_path / "etc/dehydrated"
    folder.mkdir(parents=True)
    (folder / "config").write_text("CHALLENGETYPE=dns-01\n")
    (folder / "domains.txt").write_text("example.org *.example.org > both\n")
    examined = examine(world, "example.org")._replace(root=str(tmp_path))

    assert codes(check(examined)) == ["caa-forbids"]
    (folder / "domains.txt").write_text("www.example.org\n")
    assert codes(check(examined)) == ["caa-unknown-ca"]


def test_the_ca_that_the_client_orders_from_is_looked_at_beside_another_that_is_configured(
    world: World, tmp_path: Path
) -> None:
    world.zones["example.org"].set("example.org", "CAA", OURS)
    folder = tmp_path / "etc/dehydrated"
    folder.mkdir(parents=True)
    (folder / "config").write_text("# the CA:\n\nCA=buypass\n")
    (folder / "domains.txt").write_text("example.org\n")
    examined = examine(world, "example.org", DNS01_CA="letsencrypt")._replace(root=str(tmp_path))

    (finding,) = check(examined)

    assert (finding.code, finding.severity) == ("caa-forbids", Severity.ERROR)
    assert "https://api.buypass.com/acme/directory" in finding.message
    assert finding.remedy[-1] == "or have the client order from letsencrypt"


@pytest.mark.parametrize(
    ("ca", "severity"),
    [("letsencrypt", Severity.ERROR), ("ca.corp.internal", Severity.WARNING)],
)
def test_servers_that_the_configuration_names_are_asked_themselves(
    world: World, ca: str, severity: Severity
) -> None:
    """A CA of one's own may heed other records, or none."""
    (finding,) = findings(world, '0 issue "sectigo.com"', ca=ca, DNS01_NAMESERVERS=NS1)
    assert (finding.code, finding.severity) == ("caa-forbids", severity)


@pytest.mark.parametrize("named", [NS1, "127.1.0.77"])
def test_what_is_above_their_zones_and_servers_that_say_nothing_are_no_matter_of_caa(
    world: World, named: str
) -> None:
    assert findings(world, OURS, domain="a.www.example.org", DNS01_NAMESERVERS=named) == []
