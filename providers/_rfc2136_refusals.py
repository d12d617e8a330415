"""What it means that a name server refuses an update, or a zone, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

import dns.rcode

from ..errors import AuthRejected, ProviderError, ZoneUnserved


def update_refused(
    server: str, key_name: str, apex: str, names: Sequence[str], rcode: dns.rcode.Rcode, other_primary: str
) -> ProviderError:
    """The error that the response code of an update is (RFC 2136 §2.2).

    ``names``: what it would have changed; ``key_name``: empty where it was not signed; ``other_primary``: the
    address of the primary that the SOA names, where that is another server.
    """
    refused = f"{server} refuses to update {f'{names[0]} in {apex}' if len(names) == 1 else apex}"
    word = dns.rcode.to_text(rcode)
    match rcode:
        case dns.rcode.REFUSED | dns.rcode.NOTAUTH if not key_name:  # BIND; Knot
            return AuthRejected(
                f"{refused} without a key ({word})",
                "set RFC2136_TSIG_KEY and RFC2136_TSIG_SECRET, or RFC2136_TSIG_FILE",
            )
        case dns.rcode.REFUSED if other_primary:
            return ProviderError(
                f"{refused} (REFUSED), and is not the primary that the zone's SOA names, {other_primary}",
                f"set RFC2136_NAMESERVER to {other_primary}, for a secondary takes no updates; if it is the "
                f"primary all the same, grant the key {key_name} TXT in its update-policy",
            )
        case dns.rcode.REFUSED:
            return AuthRejected(
                f"{refused} with the key {key_name} (REFUSED)",
                f"{_grants(key_name, apex, names)}; a zone that is frozen refuses everybody: "
                f"rndc thaw {apex} (BIND), knotc zone-thaw {apex} (Knot)",
            )
        case dns.rcode.NOTAUTH:
            return ProviderError(
                f"{server} is not authoritative for the zone {apex} (NOTAUTH)",
                "set RFC2136_NAMESERVER to the zone's primary server",
            )
        case dns.rcode.NOTZONE:
            return ProviderError(
                f"{refused}: a name is not in that zone (NOTZONE)",
                "the zone of each name has to be the one that the server finds for it",
            )
        case dns.rcode.SERVFAIL if other_primary:  # BIND's allow-update-forwarding
            return ProviderError(
                f"{server} fails to update {apex} (SERVFAIL), and is not the primary that the zone's SOA "
                f"names, {other_primary}: a secondary passes updates on, and fails where the primary refuses "
                "them or does not answer",
                f"set RFC2136_NAMESERVER to {other_primary}, which says why; it has to know the key "
                f"{key_name}, and to grant it TXT in its update-policy",
            )
        case dns.rcode.SERVFAIL:
            return ProviderError(
                f"{server} fails to update {apex} (SERVFAIL)",
                "its log says why; often it may not write the zone's folder, where its journal goes, or "
                "has no private keys to sign the zone with (BIND: key-directory, and who may read them)",
            )
        case dns.rcode.FORMERR | dns.rcode.NOTIMP:
            return ProviderError(
                f"{server} does not understand dynamic updates ({word})",
                "set RFC2136_NAMESERVER to a server that does, usually the zone's primary",
            )
        case _:
            return ProviderError(f"{refused} ({word})", "its log says why")


def not_granted(server: str, key: str, apex: str, names: Sequence[str]) -> AuthRejected:
    """Knot's way to refuse an update by a key that it knows (RFC 8945 §5.2.1 has BADKEY for others)."""
    what = f"{names[0]} in {apex}" if len(names) == 1 else apex
    return AuthRejected(
        f"{server} knows the key {key}, and does not let it update {what} (BADKEY)",
        f"in an acl of Knot's zone {apex}: key, action: update, update-type with TXT, and where there is an "
        f"update-owner-name, {relative(names[0], apex) if len(names) == 1 else 'each of the names'} in it",
    )


def relative(name: str, apex: str) -> str:
    """The name as it stands in the zone's file."""
    return "@" if name == apex else name.removesuffix(f".{apex}")


def _grants(key_name: str, apex: str, names: Sequence[str]) -> str:
    """What BIND, Knot and PowerDNS want to be told for it."""
    name = names[0] if len(names) == 1 else "NAME"
    return (
        f"BIND: `grant {key_name} name {name}. TXT;` in the zone's update-policy"
        f"{'' if len(names) == 1 else ', for each name'}, or allow-update; Knot: an acl of the zone; "
        f"PowerDNS: TSIG-ALLOW-DNSUPDATE, and this machine's address in allow-dnsupdate-from "
        f"(pdnsutil get-meta {apex})"
    )


def unserved(server: str, apex: str) -> ZoneUnserved:
    """The server has the zone, and answers SERVFAIL for it."""
    return ZoneUnserved(
        f"{server} has the zone {apex} and cannot answer for it (SERVFAIL): the zone does not load there, or "
        "the copy of a secondary has expired",
        f"see in its log why, and check the zone's file: named-checkzone {apex} FILE (BIND), "
        f"kzonecheck -o {apex} FILE (Knot)",
    )
