"""How long name servers have to answer, and how often they are asked."""

from typing import NamedTuple


class Timing(NamedTuple):
    """Time limits and intervals of queries, in seconds. What a configuration can say of it is in a provider's
    Profile."""

    datagram: float = 2.0  # until a datagram is taken for lost
    stream: float = 3.0  # for a TCP connection to open or to go on answering
    zone_query: float = 5.0  # for one query to all the servers of a zone
    address_lookup: float = 3.0  # for the addresses of its servers
    survey: float = 3.5  # for a look at all of its servers: a lost datagram is sent again after 2
    catch_up: float = 2.0  # that a server which is behind gets to fetch what the others have
    view: float = 3.0  # for what resolvers and servers say of a zone's apex
    again: float = 0.5  # for a question that got no answer, beside one that is known to get one
    round: float = 2.0  # between two rounds of a server on which many machines share an address
    degraded_after: float = 30.0  # without a word until resolvers may decide in the place of servers


USUAL = Timing()
