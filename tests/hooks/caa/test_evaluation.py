"""CAA, by the rules alone: who may issue for what (RFC 8659), by which account and method (RFC 8657)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dns01.hooks.caa.evaluation import CaaRRset, CannotTell, Verdict, check
from dns01.hooks.caa.issuers import Issuer

LETSENCRYPT = Issuer(("letsencrypt.org",), "https://acme-v02.api.letsencrypt.org/acme/acct/1")
EXAMPLE_CA = Issuer(("ca1.example.net",))
ISSUE = '0 issue "letsencrypt.org"'
NOBODY = '0 issue ";"'
ANOTHER = '0 issue "sectigo.com"'

Zone = Mapping[str, str | Sequence[str]]


def judged(zone: Zone, identifier: str = "example.org", issuer: Issuer = LETSENCRYPT) -> Verdict:
    """``zone``: the CAA records by owner name, as in a zone file; SERVFAIL for an error; or another
    owner name, that a CNAME leads to."""

    def lookup(owner: str) -> CaaRRset:
        said = zone.get(owner, ())
        if said == "SERVFAIL":
            raise CannotTell(owner, "127.0.0.1: SERVFAIL")
        if isinstance(said, str) and not said[0].isdigit():
            return lookup(said)
        lines = [said] if isinstance(said, str) else said
        return CaaRRset(owner, [dns.rdata.from_text("IN", "CAA", line) for line in lines])  # type: ignore[misc]

    return check(identifier, issuer, lookup)


def outcome(zone: Zone, identifier: str = "example.org", issuer: Issuer = LETSENCRYPT) -> str:
    return judged(zone, identifier, issuer).outcome


# Where the records stand (RFC 8659 §3)


def test_without_any_record_everybody_may_issue() -> None:
    assert judged({}) == Verdict("example.org", "allowed")


def test_the_closest_set_decides_and_no_other() -> None:
    zone = {"www.example.org": ISSUE, "example.org": ANOTHER, "org": NOBODY}

    assert judged(zone, "a.b.www.example.org") == Verdict("a.b.www.example.org", "allowed", "www.example.org")
    assert outcome(zone, "mail.example.org") == "forbidden"


def test_a_tld_s_records_decide_where_no_closer_ones_are() -> None:
    assert judged({"org": NOBODY}).owner == "org"


def test_a_wildcard_starts_at_the_name_behind_its_star() -> None:
    zone = {"*.example.org": NOBODY, "example.org": ISSUE}

    assert judged(zone, "*.example.org") == Verdict("*.example.org", "allowed", "example.org")


def test_the_records_that_a_cname_leads_to_are_the_name_s_own() -> None:
    zone = {"www.example.org": "cdn.example.net", "cdn.example.net": ANOTHER, "example.org": ISSUE}

    found = judged(zone, "www.example.org")

    assert (found.outcome, found.owner) == ("forbidden", "cdn.example.net")
    assert found.reason.endswith("not letsencrypt.org (a CNAME leads there)")
    add, elsewhere = found.remedy
    assert add.endswith(': cdn.example.net. CAA 0 issue "letsencrypt.org"')
    assert (
        elsewhere == "if cdn.example.net is somebody else's, ask them, or put addresses in the CNAME's place"
    )


def test_what_is_above_a_cname_s_target_is_not_looked_at() -> None:
    zone = {"www.example.org": "cdn.example.net", "example.net": NOBODY, "example.org": ISSUE}

    assert judged(zone, "www.example.org") == Verdict("www.example.org", "allowed", "example.org")


# Errors


def test_a_server_failure_on_the_way_leaves_it_open_and_says_that_a_ca_refuses() -> None:
    found = judged({"example.org": "SERVFAIL", "org": ISSUE}, "www.example.org")

    assert (found.outcome, found.cause) == ("unknown", "servfail")
    assert found.reason == (
        "its CAA records cannot be found out: 127.0.0.1: SERVFAIL; a CA issues nothing then"
    )
    assert found.remedy == (
        "have the name servers answer: dig CAA example.org (NOERROR if there is none)",
        "software that is older than CAA, or a load balancer before them, is the usual reason",
        "or, where example.org is not yours to mend, add a CAA record of your own, which ends the climb "
        'before example.org: www.example.org. CAA 0 issue "letsencrypt.org"',
    )


@pytest.mark.parametrize("identifier", ["example.org", "*.example.org"])
@pytest.mark.parametrize("registry", ["SERVFAIL", NOBODY, ANOTHER])
def test_what_is_wrong_at_a_registry_is_kept_out_by_a_record_of_one_s_own(
    identifier: str, registry: object
) -> None:
    own = (
        "add a CAA record of your own, which ends the climb before org: "
        'example.org. CAA 0 issue "letsencrypt.org"'
    )

    assert judged({"org": registry}, identifier).remedy[0] == own
    assert outcome({"org": registry, "example.org": ISSUE}, identifier) == "allowed"


def test_a_server_failure_at_a_cname_s_target_names_both_and_the_zone() -> None:
    def lookup(owner: str) -> CaaRRset:
        raise CannotTell("cdn.example.net", "127.0.0.1: SERVFAIL", [owner], "example.net")

    found = check("www.example.org", LETSENCRYPT, lookup)

    assert (
        "www.example.org -> cdn.example.net is a CNAME, and the name servers of example.net" in found.reason
    )
    assert found.remedy[0].startswith("have the name servers of example.net answer: dig CAA cdn.example.net")
    assert found.remedy[-1] == (
        "or, where example.net is somebody else's, put addresses (A, AAAA) in the place of the CNAME of "
        "www.example.org"
    )


def test_a_server_failure_at_a_cname_s_target_is_got_round_without_the_cname() -> None:
    found = judged({"www.example.org": "cdn.example.net", "cdn.example.net": "SERVFAIL"}, "www.example.org")

    assert found.remedy[-1] == "or put addresses (A, AAAA) in the place of the CNAME that leads there"


def test_a_server_failure_above_the_records_that_decide_is_of_no_account() -> None:
    assert outcome({"www.example.org": ISSUE, "example.org": "SERVFAIL"}, "www.example.org") == "allowed"


# Who may issue (RFC 8659 §4.2 and §4.3)


def test_a_ca_that_is_not_named_may_not_issue_and_the_record_that_mends_it_is_shown() -> None:
    assert judged({"example.org": [ANOTHER, '0 issue "pki.goog"']}) == Verdict(
        "example.org",
        "forbidden",
        "example.org",
        "forbids",
        "the CAA records of example.org let pki.goog, sectigo.com issue certificates, not letsencrypt.org",
        ('add this record: example.org. CAA 0 issue "letsencrypt.org"',),
    )


@pytest.mark.parametrize("nobody", ['0 issue ";"', '0 issue ""', '0 issue " ; "', '0 issue "; tag=value"'])
def test_an_issue_property_without_an_issuer_lets_nobody_issue(nobody: str) -> None:
    found = judged({"example.org": nobody})

    assert (found.outcome, found.cause) == ("forbidden", "forbids")
    assert " nobody " in found.reason


def test_several_records_are_a_union() -> None:
    assert outcome({"example.org": [NOBODY, ANOTHER, ISSUE]}) == "allowed"


@pytest.mark.parametrize(
    "record", ['0 iodef "mailto:a@example.org"', '0 issuemail ";"', '0 contactemail "a@example.org"']
)
def test_records_that_speak_of_something_else_restrict_nobody(record: str) -> None:
    assert outcome({"example.org": record}) == "allowed"
    assert outcome({"example.org": record}, "*.example.org") == "allowed"


@pytest.mark.parametrize(
    "record",
    ['0 ISSUE "letsencrypt.org"', '0 issue "LetsEncrypt.ORG"', '0 issue "  letsencrypt.org\t; "',
     '128 issue "letsencrypt.org"', '1 issue "letsencrypt.org"', '0 issue "letsencrypt.org;"'],
)  # fmt: skip
def test_case_spaces_and_flags_do_not_matter(record: str) -> None:
    assert outcome({"example.org": record}) == "allowed"
    assert outcome({"example.org": ['0 ISSUE ";"', record]}, issuer=EXAMPLE_CA) == "forbidden"


@pytest.mark.parametrize(
    "value", ["%%%%%", "letsencrypt.org; accounturi", "letsencrypt.org; =x", "letsencrypt.org account=x",
              "letsencrypt.org; a=b c=d", "letsencrypt..org", "letsencrypt.org; a=b;", "-letsencrypt.org"]
)  # fmt: skip
def test_a_malformed_record_permits_nobody(value: str) -> None:
    """RFC 8659 §4.2; the first is the example there."""
    assert outcome({"example.org": f'0 issue "{value}"'}) == "forbidden"
    assert (
        f'example.org. CAA 0 issue "{value}" is malformed'
        in judged({"example.org": f'0 issue "{value}"'}).reason
    )
    assert outcome({"example.org": [f'0 issue "{value}"', ISSUE]}) == "allowed"


def test_a_ca_may_answer_to_several_names() -> None:
    zerossl = Issuer(("sectigo.com", "zerossl.com"))

    assert outcome({"example.org": '0 issue "zerossl.com"'}, issuer=zerossl) == "allowed"
    assert outcome({"example.org": ISSUE}, issuer=zerossl) == "forbidden"


# Wildcards: the examples of RFC 8659 §4.3


@pytest.mark.parametrize(
    ("records", "wildcard_by_ca1", "wildcard_by_ca2"),
    [
        (['0 issue "ca1.example.net"', '0 issuewild "ca2.example.org"'], "forbidden", "allowed"),
        (['0 issuewild "ca2.example.org"'], "forbidden", "allowed"),
        (['0 issue "ca1.example.net"'], "allowed", "forbidden"),
        (['0 issuewild ";"', '0 issue "ca1.example.net"'], "forbidden", "forbidden"),
    ],
)
def test_issuewild_goes_before_issue_for_wildcards(
    records: list[str], wildcard_by_ca1: str, wildcard_by_ca2: str
) -> None:
    zone = {"example.com": records}

    assert outcome(zone, "*.example.com", EXAMPLE_CA) == wildcard_by_ca1
    assert outcome(zone, "*.example.com", Issuer(("ca2.example.org",))) == wildcard_by_ca2


def test_issuewild_is_nothing_to_names_without_a_star() -> None:
    assert outcome({"example.org": '0 issuewild ";"'}, "example.org") == "allowed"
    assert outcome({"example.org": ['0 issuewild "letsencrypt.org"', NOBODY]}, "example.org") == "forbidden"


def test_the_record_for_a_wildcard_is_an_issuewild_where_one_decides() -> None:
    found = judged({"example.org": [ISSUE, '0 issuewild ";"']}, "*.example.org")

    assert found.cause == "wildcard"
    assert found.reason.endswith(" nobody issue wildcard certificates")
    (add,) = found.remedy
    assert add.endswith(': example.org. CAA 0 issuewild "letsencrypt.org"')


# Critical properties: the example of RFC 8659 §4.5


def test_an_unknown_property_that_is_critical_refuses() -> None:
    found = judged({"example.org": [ISSUE, '128 tbs "Unknown"']})

    assert (found.outcome, found.cause) == ("forbidden", "critical")
    assert found.reason == "the CAA property 'tbs' at example.org is critical, and CAs do not know it"
    assert found.remedy == ('remove it: example.org. CAA 128 tbs "Unknown"',)


def test_an_unknown_property_that_is_not_critical_is_passed_over() -> None:
    assert outcome({"example.org": [ISSUE, '0 tbs "Unknown"', '127 tbs "Unknown"']}) == "allowed"


# Accounts and methods: the examples of RFC 8657, appendix A

ACCOUNT = "https://example.com/account/1234"
MINE = Issuer(("example.net",), ACCOUNT)


def with_parameters(*parameters: str, issuer: Issuer = MINE) -> Verdict:
    return judged({"example.org": f'0 issue "{"; ".join(("example.net", *parameters))}"'}, issuer=issuer)


def test_only_the_account_that_is_named_may_order() -> None:
    assert with_parameters(f"accounturi={ACCOUNT}").outcome == "allowed"
    found = with_parameters("accounturi=https://example.net/account/2345")

    assert (found.outcome, found.cause) == ("forbidden", "account")
    assert found.reason == (
        "the CAA record of example.org for example.net allows the account "
        f"https://example.net/account/2345 alone, not {ACCOUNT}"
    )
    (add,) = found.remedy
    assert add.endswith(f': example.org. CAA 0 issue "example.net; accounturi={ACCOUNT}"')


@pytest.mark.parametrize(("said", "outcome"), [("1234", "allowed"), ("4321", "forbidden")])
def test_a_uri_of_acme_v1_means_the_same_account(said: str, outcome: str) -> None:
    old = f"https://acme-v01.api.letsencrypt.org/acme/reg/{said}"
    new = "https://acme-v02.api.letsencrypt.org/acme/acct/1234"
    for there, here in ((old, new), (new, old)):
        zone = {"example.org": f'0 issue "letsencrypt.org; accounturi={there}"'}
        assert judged(zone, issuer=Issuer(("letsencrypt.org",), here)).outcome == outcome


def test_an_account_that_nobody_has_told_leaves_it_open() -> None:
    found = with_parameters(f"accounturi={ACCOUNT}", issuer=Issuer(("example.net",)))

    assert (found.outcome, found.cause) == ("unknown", "account")
    assert found.remedy == ("name the account's URI: ca_account in config.toml, or DNS01_CA_ACCOUNT",)


def test_two_records_are_for_two_accounts() -> None:
    records = [f'0 issue "example.net; accounturi={uri}"' for uri in (ACCOUNT, "https://example.net/2")]

    assert outcome({"example.org": records}, issuer=MINE) == "allowed"


def test_several_accounts_are_named_together_where_none_of_them_orders() -> None:
    records = [f'0 issue "example.net; accounturi=https://example.net/{number}"' for number in (1, 2, 1)]
    both = "the CAA records of example.org for example.net allow the accounts "
    both += "https://example.net/1, https://example.net/2 alone"

    assert judged({"example.org": records}, issuer=MINE).reason == f"{both}, not {ACCOUNT}"
    open_ended = judged({"example.org": records}, issuer=Issuer(("example.net",)))
    assert open_ended.reason == f"{both}, and which one orders is not known here"


def test_a_record_for_every_account_counts_beside_one_for_an_account_that_is_not_known() -> None:
    records = [f'0 issue "letsencrypt.org; accounturi={ACCOUNT}"', ISSUE]

    assert outcome({"example.org": records}, issuer=Issuer(("letsencrypt.org",))) == "allowed"
    assert outcome({"example.org": records[:1]}, issuer=Issuer(("letsencrypt.org",))) == "unknown"


def test_the_same_parameter_twice_is_never_met() -> None:
    accounts = with_parameters(f"accounturi={ACCOUNT}", f"accounturi={ACCOUNT}")
    methods = with_parameters("validationmethods=dns-01", "validationmethods=dns-01")

    assert (accounts.outcome, accounts.cause) == ("forbidden", "account")
    assert (methods.outcome, methods.cause) == ("forbidden", "method")
    assert methods.remedy == (
        'change this record: example.org. CAA 0 issue "example.net; validationmethods=dns-01; '
        'validationmethods=dns-01"',
        'so that it reads: example.org. CAA 0 issue "example.net; validationmethods=dns-01"',
    )


@pytest.mark.parametrize("methods", ["dns-01", "http-01,dns-01", "dns-01,xyz-01", "ca-foo,dns-01"])
def test_a_list_of_methods_with_dns_01_in_it_allows(methods: str) -> None:
    assert with_parameters(f"validationmethods={methods}").outcome == "allowed"


@pytest.mark.parametrize(
    "methods", ["http-01", "", "dns-02,http-01", "xdns-01", "dns-01,", "dns-01,,http-01"]
)
def test_a_list_of_methods_without_it_or_malformed_forbids(methods: str) -> None:
    found = with_parameters(f"validationmethods={methods}")

    assert (found.outcome, found.cause) == ("forbidden", "method")


def test_the_mended_record_keeps_the_other_methods_and_parameters() -> None:
    found = with_parameters("validationmethods=http-01", f"accounturi={ACCOUNT}")

    mended = f'"example.net; accounturi={ACCOUNT}; validationmethods=http-01,dns-01"'
    assert found.remedy[1].endswith(f": example.org. CAA 0 issue {mended}")


@given(
    st.lists(
        st.sampled_from(
            [NOBODY, ANOTHER, '0 issuewild ";"', '0 issuewild "sectigo.com"', '0 iodef "mailto:a@b"',
             '128 tbs "x"', '0 issue "%%%"', '0 issue "example.net; validationmethods=http-01"',
             '0 issue "example.net; accounturi=a:b"', '0 issue "example.net; accounturi=a:b; accounturi=c:d"',
             '0 issue "example.net; validationmethods=,"', r'0 issuewild "example.net; a=\"; accounturi=a:b"']
        ),
        unique=True,
    ),
    st.sampled_from(["example.org", "*.example.org"]),
)  # fmt: skip
def test_whoever_does_what_the_remedy_says_is_allowed_in_the_end(records: list[str], identifier: str) -> None:
    for _ in range(len(records) + 1):
        found = judged({"example.org": records}, identifier, MINE)
        if not found.remedy:
            break
        step, _, line = found.remedy[0].partition(": example.org. CAA ")
        if step == "add this record":
            records = [*records, line]
        else:
            records = [record for record in records if canonical(record) != line]
        records += [step.partition(" CAA ")[2] for step in found.remedy[1:]]

    assert found.outcome == "allowed"


def canonical(record: str) -> str:
    return str(dns.rdata.from_text("IN", "CAA", record))


def test_a_record_that_the_mended_one_stands_in_for_allows() -> None:
    for broken in (
        with_parameters("validationmethods=http-01", f"accounturi={ACCOUNT}"),
        with_parameters("accounturi=https://example.net/2"),
        with_parameters("accounturi=a:b", "accounturi=c:d"),
        judged({"example.org": NOBODY}, issuer=MINE),
        judged({"example.org": '0 issuewild ";"'}, "*.example.org", issuer=MINE),
    ):
        record = broken.remedy[-1].partition(" CAA ")[2]

        assert outcome({"example.org": record}, broken.identifier, MINE) == "allowed"


def test_parameters_that_nobody_knows_are_the_ca_s_own_affair() -> None:
    assert with_parameters("policy=ev", "account=230123").outcome == "allowed"


# A CA that is not known


def test_of_an_unknown_ca_it_is_said_who_may_issue() -> None:
    found = judged({"example.org": ISSUE}, issuer=Issuer())

    assert (found.outcome, found.cause) == ("unknown", "unknown-ca")
    assert " letsencrypt.org " in found.reason


def test_what_forbids_everybody_forbids_an_unknown_ca_as_well() -> None:
    assert outcome({"example.org": NOBODY}, issuer=Issuer()) == "forbidden"
    assert outcome({"example.org": '128 tbs "x"'}, issuer=Issuer()) == "forbidden"
    assert outcome({}, issuer=Issuer()) == "allowed"
