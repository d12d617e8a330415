"""acme-dns, a name server for challenges alone: a CNAME leads to it from each name."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import ClassVar
from urllib.parse import urlsplit

from ..errors import AuthRejected, ConfigError, ProviderError
from ._acmedns_accounts import Accounts, AcmeDnsAccount
from .base import Option, Profile, TxtRecord, Zone
from .rest import NotFound, Rest

DOMAINS_SHOWN = 5  # domains in one message
SPACING = 1.1  # seconds between updates of one account: its clock has whole seconds only
VALUE = re.compile(r"[A-Za-z0-9_-]{43}")  # it takes no other


class NothingSent(ProviderError):
    """What was asked for cannot be, which is known before the server is asked."""

    definite = True


class Provider(Rest):
    """One acme-dns server, and the accounts there: one for each name, in a file or in variables.

    An account keeps two values, of which an update overwrites the older; nothing can be deleted.
    """

    title = "acme-dns"
    docs = "https://github.com/joohoi/acme-dns#api"
    permission = "an account whose allowfrom, if it has one, includes this machine's address"
    options = (
        Option("base_url", ("ACME_DNS_API_BASE", "ACMEDNS_BASE_URL"), "address of the API", required=True),
        Option(
            "storage",
            ("ACME_DNS_STORAGE_PATH",),
            "file of the accounts, as lego and acme-dns-client have it",
            default="{state}/acmedns.json",
        ),
        Option("username", ("ACME_DNS_USERNAME", "ACMEDNS_USERNAME"), "an account besides: its user"),
        Option("password", ("ACME_DNS_PASSWORD", "ACMEDNS_PASSWORD"), "its key", secret=True),
        Option("subdomain", ("ACME_DNS_SUBDOMAIN", "ACMEDNS_SUBDOMAIN"), "its first label"),
    )
    profile = Profile(ttl=1, rounds=1)
    keyless = True  # the accounts are in a file
    overheard = "can answer these names' challenges"
    values_per_name = 2
    failing = "try later; the log of the acme-dns server may know more"
    remedies: ClassVar[Mapping[str, str]] = {
        "bad_subdomain": "compare the account's subdomain with what its registration said"
        " (ACME_DNS_SUBDOMAIN, or the file of the accounts)"
    }
    monotonic: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(self, options: Mapping[str, str]) -> None:
        """Raises ConfigError."""
        super().__init__(options)
        self.accounts = Accounts(options["storage"])
        self._besides = _account_in(options)
        self._acting: AcmeDnsAccount | None = None
        self._updated: dict[str, float] = {}  # subdomain -> when, by the monotonic clock
        self._unanswered: set[str] = set()  # subdomains

    def zone_for(self, name: str) -> Zone:
        """The name itself as a zone: all names are in one of the server's own."""
        return Zone(name)

    def publish(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Raises ProviderError, before anything is sent, for a name of no account and for more
        values than an account can hold."""
        values: dict[AcmeDnsAccount, list[str]] = {}
        for name, value in dict.fromkeys((record.name, _checked(record.value)) for record in records):
            values.setdefault(self.account_at(name), []).append(value)
        for account, wanted in values.items():
            if len(wanted) > self.values_per_name:
                raise NothingSent(
                    f"{self.whose}: {len(wanted)} values for account {account.subdomain}, which keeps two",
                    "register an account for each name (`dns01 register`), or order fewer names at a time",
                )
        # First of all accounts the first value, so that one pause does for all.
        for number in range(self.values_per_name):
            for account, wanted in values.items():
                if number < len(wanted):
                    self.attempt(account.subdomain, partial(self._push, account, wanted[: number + 1]))

    def retract(self, zone: Zone, records: Sequence[TxtRecord]) -> None:
        """Nothing: the values stay until others take their place."""

    def alias_for(self, name: str) -> str:
        """Of the account in the variables nothing but its label is known: it is most often beneath the
        name that its API goes by."""
        domain = name.removeprefix("_acme-challenge.")
        accounts = self.accounts.read()
        for key in (domain, f"*.{domain}", name):
            if key in accounts:
                return accounts[key].fulldomain.rstrip(".")
        host = urlsplit(self._base).hostname or ""
        named = "" if re.fullmatch(r"[\d.:]*", host) else f".{host}"
        return next((account.fulldomain or f"{account.subdomain}{named}" for account in self._besides), "")

    def takes(self, target: str) -> bool:
        try:
            return bool(self.account_at(target))
        except ProviderError:
            return False

    def account_at(self, name: str) -> AcmeDnsAccount:
        """The account with the name, of which acme-dns looks at the first label alone.

        Raises ProviderError.
        """
        label = name.partition(".")[0]
        for account in (*self._besides, *self.accounts.read().values()):
            if account.subdomain == label and account.server_url.rstrip("/") in ("", self._base):
                return account
        broken = ", ".join(self.accounts.broken()[:DOMAINS_SHOWN])
        besides = f" (where the entry of {broken} is no account)" if broken else ""
        missing = "if it is a challenge name, it lacks its CNAME: "
        if self._besides:
            ours = self._besides[0].subdomain
            besides += f", and ACME_DNS_SUBDOMAIN is {ours}"
            missing += f"it has to lead to {ours} in the zone of the acme-dns server"
        else:
            missing += "`dns01 register DOMAIN` says which"
        raise NothingSent(
            f"{self.whose}: {name} is not the name of any account at {self._base} in {self.accounts.path}"
            f"{besides}",
            missing,
        )

    def register(self, domain: str, allowfrom: Sequence[str] = ()) -> AcmeDnsAccount:
        """The domain's account: the one in the file, or else a new one, which is put there.

        ``allowfrom``: the networks that may update it, in CIDR notation; everybody, if there are
        none. Raises ProviderError, and ConfigError where the file cannot be written.
        """
        return self.accounts.setdefault(
            domain, lambda: self.attempt(domain, partial(self._register, list(allowfrom)))
        )

    def update(self, account: AcmeDnsAccount, value: str) -> None:
        """Put the value in the place of the account's older one. Raises ProviderError."""
        self._acting = account
        try:
            self.post("update", subdomain=account.subdomain, txt=value)
        except AuthRejected as refusal:
            again = f"remove it from {self.accounts.path}, run `dns01 register` again, and change the CNAME"
            if account in self._besides:
                again = (
                    "compare ACME_DNS_USERNAME, ACME_DNS_PASSWORD and ACME_DNS_SUBDOMAIN with what its"
                    " registration said; if they are right, register another one from this machine, and"
                    " change the CNAME"
                )
            raise AuthRejected(
                f"{self.whose}: {self._base} forbids to update {account.subdomain}: either its user or key is"
                " wrong, or this machine's address is not in the allowfrom that it was registered with",
                again,
            ) from refusal
        except NotFound as refusal:
            refusal.hint = f"see that /update is right beneath {self._base} (ACME_DNS_API_BASE)"
            raise
        finally:
            self._acting = None

    def check_health(self) -> None:
        """Raises ProviderError if the server does not say that it is well."""
        with suppress(NotFound):  # versions before 0.8 do not know the question
            self.get("health")

    def credentials(self, method: str, url: str, body: str) -> Mapping[str, str]:
        if self._acting is None:
            return {}
        return {"X-Api-User": self._acting.username, "X-Api-Key": self._acting.password}

    def _push(self, account: AcmeDnsAccount, values: Sequence[str]) -> None:
        """Have the account keep these values, of which it has all but the last.

        An update that got no answer may have been carried out. To send it again then pushes out the
        value before, so that one has to be sent again as well.
        """
        for value in values if account.subdomain in self._unanswered else values[-1:]:
            until = self._updated.get(account.subdomain, -SPACING) + SPACING
            if (wait := until - self.monotonic()) > 0:
                self.sleep(wait)
            self._unanswered.add(account.subdomain)
            try:
                self.update(account, value)
            finally:
                self._updated[account.subdomain] = self.monotonic()
        self._unanswered.discard(account.subdomain)

    def _register(self, allowfrom: list[str]) -> AcmeDnsAccount:
        try:
            made = self.post("register", **({"allowfrom": allowfrom} if allowfrom else {}))
        except NotFound as refusal:
            raise ProviderError(
                f"{self.whose}: {self._base} takes no registrations (404)",
                f"have its administrator register an account, and write it to {self.accounts.path} or to "
                "ACME_DNS_USERNAME, ACME_DNS_PASSWORD and ACME_DNS_SUBDOMAIN",
            ) from refusal
        return AcmeDnsAccount(
            made["fulldomain"], made["subdomain"], made["username"], made["password"], self._base
        )


def _account_in(options: Mapping[str, str]) -> tuple[AcmeDnsAccount, ...]:
    """The account that the variables describe, if they do."""
    credentials = [options.get(key, "") for key in ("subdomain", "username", "password")]
    if not any(credentials):
        return ()
    if not all(credentials):
        raise ConfigError(
            "of ACME_DNS_SUBDOMAIN, ACME_DNS_USERNAME and ACME_DNS_PASSWORD one is missing",
            "set all, or none",
        )
    # Of the whole name, which registration calls fulldomain, the API takes the first label.
    subdomain, _, zone = credentials[0].partition(".")
    return (AcmeDnsAccount(credentials[0] if zone else "", subdomain, *credentials[1:]),)


def _checked(value: str) -> str:
    if VALUE.fullmatch(value):
        return value
    raise ProviderError(
        f"acme-dns takes nothing but dns-01 values (43 base64url characters), not {value!r}",
        "publish this value through another provider",
    )
