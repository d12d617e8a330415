"""May this CA issue for this name? The rules of CAA (RFC 8659) and of its ACME parameters (RFC 8657).

The rules alone: where the records come from is the affair of ``lookup`` (``preflight`` has one).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from ...names import ancestors, is_within

if TYPE_CHECKING:  # who deploys asks the DNS nothing
    from dns.rdtypes.ANY.CAA import CAA

    from .issuers import Issuer

UNDERSTOOD = {"issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"}
CRITICAL = 128  # RFC 8659 §4.1
METHOD = "dns-01"

Cause = Literal["", "forbids", "wildcard", "critical", "account", "method", "servfail", "unknown-ca"]


class CaaRRset(NamedTuple):
    """The CAA records for a name, and the owner name where they stand: another one if a CNAME
    leads there."""

    owner: str
    records: Sequence[CAA] = ()


class Verdict(NamedTuple):
    """What CAA says of one identifier, ``*.`` included.

    "unknown" is no refusal: only the CA can tell. ``owner``: where the records stand that decide;
    empty if there are none. ``reason``: one sentence. ``remedy``: the steps that mend it.
    """

    identifier: str
    outcome: Literal["allowed", "forbidden", "unknown"]
    owner: str = ""
    cause: Cause = ""
    reason: str = ""
    remedy: tuple[str, ...] = ()


class CannotTell(Exception):
    """No server answers for ``owner`` with authority; says what they do instead. ``chain``: the names whose
    CNAMEs lead there; ``zone``: that of ``owner``, where it is known."""

    def __init__(self, owner: str, message: str, chain: Sequence[str] = (), zone: str = "") -> None:
        super().__init__(message)
        self.owner, self.chain, self.zone = owner, tuple(chain), zone

    @property
    def servers(self) -> str:
        """Whose servers those are."""
        return f"the name servers of {self.zone}" if self.zone else "the name servers"


Lookup = Callable[[str], CaaRRset]
"""The CAA RRset of exactly this name, CNAMEs followed (RFC 8659 §3). Raises CannotTell."""


def check(identifier: str, issuer: Issuer, lookup: Lookup) -> Verdict:
    """Whether ``issuer`` may issue for ``identifier``, by the dns-01 challenge."""
    try:
        verdict = _judge(identifier, relevant(identifier, lookup), issuer)
    except CannotTell as problem:
        led = ""
        if problem.chain:
            drawn = " -> ".join((*problem.chain, problem.owner))
            led = f"{drawn} is a CNAME, and {problem.servers} fail: "
        reason = f"its CAA records cannot be found out: {led}{problem}; a CA issues nothing then"
        return Verdict(identifier, "unknown", "", "servfail", reason, _to_answer(identifier, problem, issuer))
    if verdict.outcome == "forbidden" and "." not in verdict.owner:  # a registry's
        return verdict._replace(remedy=(_own(identifier, verdict.owner, issuer),))
    if verdict.remedy and not is_within(identifier, verdict.owner):
        elsewhere = f"if {verdict.owner} is somebody else's, ask them, or put addresses in the CNAME's place"
        return verdict._replace(
            reason=f"{verdict.reason} (a CNAME leads there)", remedy=(*verdict.remedy, elsewhere)
        )
    return verdict


def relevant(identifier: str, lookup: Lookup) -> CaaRRset:
    """The records that decide: the closest, from the name itself up to its TLD (RFC 8659 §3).

    Raises CannotTell for what is on the way there, and not for what lies beyond.
    """
    for name in ancestors(identifier.removeprefix("*.")):
        found = lookup(name)
        if found.records:
            return found
    return CaaRRset("")


def _to_answer(identifier: str, problem: CannotTell, issuer: Issuer) -> tuple[str, ...]:
    """What this person can do: nobody mends a registry's servers, and few those of the zone above."""
    owner, base = problem.owner, identifier.removeprefix("*.")
    answer = f"have {problem.servers} answer: dig CAA {owner} (NOERROR if there is none)"
    if "." not in owner:
        return (
            _own(identifier, owner, issuer),
            f"and tell the registry of {owner} that its servers fail: dig CAA {owner} +trace",
        )
    steps = (answer, *_why_not(str(problem)))
    if owner != base and is_within(base, owner) and not problem.chain:
        return (*steps, f"or, where {owner} is not yours to mend, {_own(identifier, owner, issuer)}")
    if owner != base:
        cname = f"the CNAME of {problem.chain[-1]}" if problem.chain else "the CNAME that leads there"
        foreign = f", where {problem.zone} is somebody else's," if problem.zone else ""
        return (*steps, f"or{foreign} put addresses (A, AAAA) in the place of {cname}")
    return steps


def _own(identifier: str, above: str, issuer: Issuer) -> str:
    """The closest records decide (RFC 8659 §3), and nothing above them is asked for."""
    ca = (*issuer.names, "the CA's domain name")[0]
    record = _new(identifier.removeprefix("*."), "issue", ca)
    return f"add a CAA record of your own, which ends the climb before {above}: {record}"


def _why_not(words: str) -> Iterator[str]:
    """What mostly keeps servers that answer otherwise from answering for CAA."""
    if "truncated" in words:
        yield "let TCP port 53 through to them: the answer does not fit into a datagram"
    elif "timed out" in words or "no answer" in words:
        yield "a firewall or load balancer before them that drops types it does not know is the usual reason"
    elif any(rcode in words for rcode in ("NOTIMP", "FORMERR", "REFUSED", "SERVFAIL", "authority")):
        yield "software that is older than CAA, or a load balancer before them, is the usual reason"
    elif "no end" in words:
        yield "let the CNAME lead to a name that has records, or put addresses in its place"


def _judge(identifier: str, rrset: CaaRRset, issuer: Issuer) -> Verdict:
    owner = rrset.owner
    strange = [each for each in rrset.records if each.flags & CRITICAL and _tag(each) not in UNDERSTOOD]
    if strange:
        reason = f"the CAA property {_tag(strange[0])!r} at {owner} is critical, and CAs do not know it"
        remedy = (f"remove it: {_line(owner, strange[0])}",)
        return Verdict(identifier, "forbidden", owner, "critical", reason, remedy)
    tag, properties = _properties(rrset.records, identifier)
    if not properties:  # an RRset with nothing but iodef restricts nobody
        return Verdict(identifier, "allowed", owner)
    issues = [(record, issue) for record in properties if (issue := _parse(record))]
    ours = [(record, issue) for record, issue in issues if issue.issuer in issuer.names]
    if not ours:
        verdict = _not_named(identifier, owner, tag, {issue.issuer for _, issue in issues}, issuer)
        malformed = [f"{_line(owner, each)} is malformed" for each in properties if not _parse(each)]
        return verdict._replace(reason="; ".join([verdict.reason, *malformed]))
    only = _only_accounts(owner, [issue for _, issue in ours])
    verdicts = [_parameters(identifier, owner, record, issue, issuer, only) for record, issue in ours]
    # Several records are a union: the most generous of them counts.
    return min(verdicts, key=lambda verdict: ("allowed", "unknown", "forbidden").index(verdict.outcome))


def _not_named(identifier: str, owner: str, tag: str, issuers: Iterable[str], issuer: Issuer) -> Verdict:
    issuers = sorted(set(issuers) - {""})  # an issue property without one lets nobody issue
    what = "wildcard certificates" if tag == "issuewild" else "certificates"
    reason = f"the CAA records of {owner} let {', '.join(issuers) or 'nobody'} issue {what}"
    if issuers and not issuer.names:
        remedy = ("name the CA that is meant: ca in config.toml, or DNS01_CA",)
        return Verdict(identifier, "unknown", owner, "unknown-ca", reason, remedy)
    ours = (*issuer.names, "the CA's domain name")[0]
    reason += f", not {ours}" if issuers else ""
    cause: Cause = "wildcard" if tag == "issuewild" else "forbids"
    remedy = (f"add this record: {_new(owner, tag, ours)}",)
    return Verdict(identifier, "forbidden", owner, cause, reason, remedy)


def _properties(records: Iterable[CAA], identifier: str) -> tuple[str, list[CAA]]:
    """The properties that hold for the identifier, and their tag (RFC 8659 §4.2, §4.3)."""
    by_tag: dict[str, list[CAA]] = {"issue": [], "issuewild": []}
    for record in records:
        by_tag.setdefault(_tag(record), []).append(record)
    tag = "issuewild" if identifier.startswith("*.") and by_tag["issuewild"] else "issue"
    return tag, by_tag[tag]


# The parameters of RFC 8657


class _Issue(NamedTuple):
    """An issuer domain name, and the parameters that it is given."""

    issuer: str
    parameters: tuple[tuple[str, str], ...]

    def values(self, tag: str) -> list[str]:
        return [value for name, value in self.parameters if name == tag]

    def replaced(self, tag: str, value: str) -> str:
        """The property's value as a record has it, with this value for the parameter ``tag``."""
        kept = [each for each in self.parameters if each[0] != tag]
        return "; ".join((self.issuer, *(f"{name}={text}" for name, text in (*kept, (tag, value)))))


def _only_accounts(owner: str, issues: Sequence[_Issue]) -> str:
    """Which accounts the records that name the CA allow, all of them together, if they name any."""
    named = [uris[0] for issue in issues if len(uris := issue.values("accounturi")) == 1]
    accounts = list(dict.fromkeys(named))
    records, allow, count = (
        ("records", "allow", "accounts") if len(accounts) > 1 else ("record", "allows", "account")
    )
    listed = ", ".join(accounts)
    return f"the CAA {records} of {owner} for {issues[0].issuer} {allow} the {count} {listed} alone"


def _parameters(
    identifier: str, owner: str, record: CAA, issue: _Issue, issuer: Issuer, only: str
) -> Verdict:
    """Whether a record that names the CA restricts it further; ``only``: the accounts that all such records
    allow. A parameter that is given twice, or does not follow its grammar, is never met (RFC 8657 §3, §4)."""
    accounts, methods = issue.values("accounturi"), issue.values("validationmethods")
    at = f"the CAA record of {owner} for {issue.issuer}"
    forbidden = partial(Verdict, identifier, "forbidden", owner)
    if methods and (len(methods) > 1 or METHOD not in _labels(methods[0])):
        reason = f"{at} does not allow {METHOD}: validationmethods={', '.join(methods)}"
        mended = issue.replaced("validationmethods", ",".join([*_labels(methods[0]), METHOD]))
        if len(methods) > 1:
            reason = f"{at} has validationmethods twice, which nothing meets"
            mended = issue.replaced("validationmethods", METHOD)
        return forbidden("method", reason, _change(owner, record, mended))
    if len(accounts) > 1:
        reason = f"{at} has accounturi twice, which no account meets"
        mended = issue.replaced("accounturi", issuer.account or accounts[0])
        return forbidden("account", reason, _change(owner, record, mended))
    if accounts and not issuer.account:
        reason = f"{only}, and which one orders is not known here"
        remedy = ("name the account's URI: ca_account in config.toml, or DNS01_CA_ACCOUNT",)
        return Verdict(identifier, "unknown", owner, "account", reason, remedy)
    if accounts and _account(accounts[0]) != _account(issuer.account):
        reason = f"{only}, not {issuer.account}"
        mended = issue.replaced("accounturi", issuer.account)
        return forbidden("account", reason, (f"add this record: {_new(owner, _tag(record), mended)}",))
    return Verdict(identifier, "allowed", owner)


def _account(uri: str) -> str:
    """The URI; Let's Encrypt's in one form, for to them those of ACME v1 mean the same accounts, and
    certbot still has those of old ones."""
    old = _OLD_ACCOUNT.fullmatch(uri)
    return f"https://acme-v02.api.letsencrypt.org/acme/acct/{old[1]}" if old else uri


def _labels(methods: str) -> list[str]:
    return methods.split(",") if _METHODS.fullmatch(methods) else []


_OLD_ACCOUNT = re.compile(r"https://acme-v01\.api\.letsencrypt\.org/acme/reg/(\d+)")
_METHODS = re.compile(r"[A-Za-z0-9-]+(,[A-Za-z0-9-]+)*")  # RFC 8657 §4
_LABEL = r"[A-Za-z0-9](?:-*[A-Za-z0-9])*"  # RFC 8659 §4.2, and what follows
_ISSUER = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*)?")
_PARAMETER = re.compile(rf"({_LABEL})[ \t]*=[ \t]*([!-:<-~]*)")


def _parse(record: CAA) -> _Issue | None:
    """None where the value does not follow its grammar: it permits nobody then (RFC 8659 §4.2)."""
    issuer, *parts = (part.strip(" \t") for part in record.value.decode("latin-1").split(";"))
    parameters = [_PARAMETER.fullmatch(part) for part in ([] if parts == [""] else parts)]
    if not _ISSUER.fullmatch(issuer) or not all(parameters):
        return None
    return _Issue(issuer.lower(), tuple((match[1].lower(), match[2]) for match in parameters if match))


# Records in a zone file


def _tag(record: CAA) -> str:
    return record.tag.decode("latin-1").lower()


def _line(owner: str, record: CAA) -> str:
    return f"{owner}. CAA {record}"


def _new(owner: str, tag: str, value: str) -> str:
    return f"{owner}. CAA 0 {tag} {_quoted(value)}"


def _change(owner: str, record: CAA, value: str) -> tuple[str, ...]:
    return (
        f"change this record: {_line(owner, record)}",
        f"so that it reads: {owner}. CAA {record.flags} {_tag(record)} {_quoted(value)}",
    )


def _quoted(value: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
