"""What it means that a request had no answer, or one that makes no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from ...errors import ConfigError, HookError, ProviderError, Unreachable

if TYPE_CHECKING:
    from .body import HttpResponse

NETWORK = "see that this machine reaches it, by HTTPS_PROXY if there has to be a proxy"


class Sent(NamedTuple):
    """A request: whose it is, and where it went; ``clean`` makes a text of the API's fit to be shown;
    ``closed``: what to do where the server closes the connection without an answer."""

    whose: str
    base: str
    clean: Callable[[str], str]
    closed: str = NETWORK

    @property
    def host(self) -> str:
        """The API's host, for messages."""
        return urlsplit(self.base).hostname or self.base

    def failed(self, error: Exception) -> HookError:
        """What to raise in the place of an error, whose own text has the URL with the query, and more."""
        from requests import exceptions as failures

        match error:
            case failures.Timeout():
                return self._too_late()
            case failures.SSLError() if "WRONG_VERSION_NUMBER" in str(error):
                return ProviderError(
                    f"{self.whose}: {self.host} speaks no TLS at that port",
                    "write http:// in its URL, if it is to be asked without TLS, or the port that has TLS",
                )
            case failures.SSLError():
                return ProviderError(
                    f"{self.whose}: the certificate of {self.host} cannot be trusted: {self._cause(error)}",
                    "where it is of a CA of your own, have this machine trust it (Debian: its certificate"
                    " into /usr/local/share/ca-certificates, as .crt, and update-ca-certificates), or set"
                    " SSL_CERT_FILE to it",
                )
            case failures.InvalidSchema() if "SOCKS" in str(error):
                return ConfigError(
                    f"{self.whose}: the proxy on the way to {self.host} is a SOCKS proxy, which needs a"
                    " package more",
                    "name an HTTP proxy in HTTPS_PROXY (and unset ALL_PROXY), or install PySocks where"
                    " dns01 is",
                )
            case failures.InvalidProxyURL():
                return ConfigError(
                    f"{self.whose}: the address of the proxy on the way to {self.host} is none",
                    "write HTTPS_PROXY as http://HOST:PORT",
                )
            case failures.ProxyError():
                return Unreachable(
                    f"{self.whose}: the proxy on the way to {self.host} fails: {self._cause(error)}",
                    "see what HTTPS_PROXY and NO_PROXY say",
                )
            case failures.ConnectionError() | failures.ChunkedEncodingError():
                step = self.closed if isinstance(_bottom(error), ConnectionResetError) else NETWORK
                return Unreachable(f"{self.whose}: no answer of {self.host}: {self._cause(error)}", step)
            case _:
                return self._impossible(error)

    def failed_with_httpx(self, error: Exception) -> HookError:
        """The error for what httpx has raised, as ``failed`` has it for requests."""
        import httpx

        match error:
            case httpx.TimeoutException():
                return self._too_late()
            case httpx.TransportError():
                return Unreachable(f"{self.whose}: no answer of {self.host}: {self._cause(error)}", NETWORK)
            case _:
                return self._impossible(error)

    def _too_late(self) -> Unreachable:
        """However long that was: who waits for all of it may have had less time than one request has."""
        where = urlsplit(self.base).netloc.rpartition("@")[2] or self.base
        return Unreachable(
            f"{self.whose}: {where} does not answer in time",
            "a firewall that drops what is for that port looks like this; where there has to be a proxy, set "
            "HTTPS_PROXY",
        )

    def _impossible(self, error: Exception) -> ConfigError:
        return ConfigError(
            f"{self.whose}: no request can be made with {self.base} and these credentials"
            f" ({type(error).__name__})",
            "an address begins with https://; a line break, say, is no part of a token;"
            " SSL_CERT_FILE and REQUESTS_CA_BUNDLE, if set, name files that exist",
        )

    def unreadable(self, call: str, reason: str) -> ProviderError:
        """What to raise for an answer that was not read to its end."""
        return ProviderError(
            f"{self.whose}: the answer of {self.host} to {call} {reason}",
            f"something in between may answer in its place; see that {self.base} is right",
        )

    def nonsense(self, response: HttpResponse, call: str, language: str) -> ProviderError:
        """What to raise for an answer that is not in the API's language."""
        begin = self.clean(response.text)
        kind = response.headers.get("Content-Type", "of no type")
        is_cut = begin.startswith(("{", "[", "<?xml"))
        what = f"{language} that is cut off" if is_cut else f"no {language}"
        return ProviderError(
            f"{self.whose}: the answer of {self.host} to {call} is {what}"
            f" ({kind}, {len(response.content)} bytes): {begin[:80]}",
            f"something in between may answer in its place; see that {self.base} is right",
        )

    def _cause(self, error: BaseException) -> str:
        """What lies at the bottom of an exception: of those above, the text has the URL."""
        error = _bottom(error)
        return self.clean((error.strerror if isinstance(error, OSError) else "") or str(error))


def _bottom(error: BaseException) -> BaseException:
    while inner := error.__cause__ or error.__context__:
        error = inner
    return error
