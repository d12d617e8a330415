"""Causes about name servers that cannot be asked, or do not speak for the zone."""

from __future__ import annotations

import dns.rcode

from ...dns.inspect.faults import copy_at, listed, retransfer
from .cause import Cause
from .evidence import Evidence


def intercepted(evidence: Evidence) -> Cause | None:
    """Resolvers answer in the place of the name servers."""
    if not evidence.survey.intercepted:
        return None
    return Cause(
        "interception",
        "resolvers answer in the place of the name servers (AA=0, RA=1): something on the way intercepts "
        "port 53",
        "have the firewall or router let port 53 through to the name servers as it is",
    )


def no_server_answers(evidence: Evidence) -> Cause | None:
    """All name servers are silent, over UDP and over TCP."""
    if not all(server.silent for server in evidence.survey.answers):
        return None
    where = listed(evidence.survey.answers) or "they have no address"
    return Cause(
        "silence",
        f"none of the name servers of {evidence.survey.apex} answers, over UDP or TCP ({where}): they are "
        "down, or a firewall is in between",
        f"see from elsewhere whether they answer: dig SOA {evidence.survey.apex} +norec"
        + (f" @{evidence.survey.answers[0].address.ip}" if evidence.survey.answers else ""),
    )


def udp_blocked(evidence: Evidence) -> Cause | None:
    """No name server answers over UDP."""
    if any(server.udp for server in evidence.survey.answers):
        return None
    return Cause(
        "udp-blocked",
        "the name servers answer over TCP and none of them over UDP, which is blocked on the way",
        "let UDP port 53 out of this machine, and its answers in",
    )


def lame_server(evidence: Evidence) -> Cause | None:
    """A name server answers, and not for the zone (RFC 9499 §7)."""
    lame = [server for server in evidence.unauthoritative if not server.silent]
    if not lame:
        return None
    text = ", ".join(f"{server} says {server.soa_response.summary}" for server in lame)
    if all(
        server.soa_response.message and server.soa_response.message.rcode() == dns.rcode.SERVFAIL
        for server in lame
    ):
        return Cause(
            "server-fails",
            f"a name server has no usable copy of {evidence.survey.apex}, and a CA may ask that one: {text}; "
            "it is a secondary whose copy has expired or never came, or its zone file does not load",
            "see in its log why the zone transfer from the primary fails, and mend that: "
            f"{retransfer(evidence.survey.apex)}",
        )
    return Cause(
        "lame-server",
        f"a name server of {evidence.survey.apex} does not serve it, and a CA may ask that one: {text}",
        "have it serve the zone, or remove it from the NS records, at the parent and in the zone",
    )


def names_filtered(evidence: Evidence) -> Cause | None:
    """A server with the very copy of the zone that the record is in denies its name. Only an update (RFC
    2136) is certain to have changed the serial."""
    sources = [server for server in (*evidence.having, *evidence.primaries) if evidence.has(server)]
    copies = {(copy_at(server).mname, server.serial): server for server in sources if evidence.updated}
    denying = [
        server
        for server in evidence.lacking
        if (copy_at(server).mname, server.serial) in copies
        if any(name.startswith("_") and server.texts[name].denies for name in evidence.wanted)
    ]
    if not denying:
        return None
    source, name = copies[copy_at(denying[0]).mname, denying[0].serial], next(iter(evidence.wanted))
    hosts = ", ".join(dict.fromkeys(server.host for server in denying))
    return Cause(
        "underscore-refused",
        f"{listed(denying)} has the zone with the record in it, as {source} does (serial {source.serial}), "
        f"and says that {name} does not exist: a filter before it lets no name through that begins with an "
        "underscore",
        f"see what filters names before {hosts} (a firewall that inspects DNS, a load balancer), and have it "
        f"let {name} through: dig TXT {name} +norec @{denying[0].address.ip}",
    )


def silent_server(evidence: Evidence) -> Cause | None:
    """A name server does not answer."""
    if not evidence.unauthoritative:
        return None
    return Cause(
        "silent-server",
        f"a name server of {evidence.survey.apex} does not answer, and a CA may ask that one: "
        f"{listed(evidence.unauthoritative)}",
        "bring it back, or remove it from the NS records, at the parent and in the zone",
    )
