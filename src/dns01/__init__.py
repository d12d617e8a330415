"""dns01 makes the ACME dns-01 challenge simply work.

For scripts that speak ACME themselves::

    with dns01.published([dns01.Challenge("example.org", token, validation)]):
        ...  # every name server has the record now; it is gone again on the way out
"""

__version__ = "0.1.0"
__all__ = ["Challenge", "published"]

TYPE_CHECKING = False  # as in typing, whose import would double the start-up
if TYPE_CHECKING:
    from .hooks.clients.challenge import Challenge
    from .hooks.phases.run import published


def __getattr__(name: str) -> object:
    """Import the API when it is asked for: a phase with no work must not pay for it (PEP 562)."""
    if name == "Challenge":
        from .hooks.clients.challenge import Challenge

        return Challenge
    if name == "published":
        from .hooks.phases.run import published

        return published
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
