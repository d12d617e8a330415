"""The DNS providers' APIs on loopback: strict, with a state of their own, and spoilt on command.

One module for each, with a class that says what the API takes and what it answers; all else is in
``server``. They are independent of what they test, and Debian's lego has to be content with them::

    with Cloudflare(["example.com"]) as fake:
        fake.fail(Status(429, {"Retry-After": "2"}))
        ...  # fake.url, fake.token
        assert fake.values("_acme-challenge.example.com") == {"value"}
"""

from .faults import Altered, Bomb, Cut, Drip, Encoded, Fault, Hang, Json, Reset, Shape, Status, Text
from .server import FOREVER, IDN, NAME_SERVERS, Fake, Record, Refusal, Zone, optional, route
from .wire import Answer, Request

__all__ = [
    "FOREVER",
    "IDN",
    "NAME_SERVERS",
    "Altered",
    "Answer",
    "Bomb",
    "Cut",
    "Drip",
    "Encoded",
    "Fake",
    "Fault",
    "Hang",
    "Json",
    "Record",
    "Refusal",
    "Request",
    "Reset",
    "Shape",
    "Status",
    "Text",
    "Zone",
    "optional",
    "route",
]
