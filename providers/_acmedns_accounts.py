"""The accounts at acme-dns servers, in the JSON file that lego, acme-dns-client and others share::

{"example.org": {"fulldomain": …, "subdomain": …, "username": …, "password": …, "server_url": …}}
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from ..errors import ConfigError
from ..lockfile import locked
from ..secret import hide, read_secret

VARIABLE = "ACME_DNS_STORAGE_PATH"
LOCK_TIMEOUT = 60.0  # seconds; who holds it waits for an acme-dns server at most
NOT_ACCOUNTS = "it has to be the JSON file of lego or acme-dns-client: accounts by domain"


class AcmeDnsAccount(NamedTuple):
    """One account, which may change the TXT records at one name."""

    fulldomain: str
    subdomain: str
    username: str
    password: str
    server_url: str = ""  # of the API; not every program notes it


class Accounts:
    """The file at ``path``. Every method may raise ConfigError, and ``setdefault`` StateError where another
    process keeps the file locked."""

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(os.path.expanduser(path))

    def read(self) -> dict[str, AcmeDnsAccount]:
        """The accounts by domain; none if there is no file yet. An entry that is none costs the others
        nothing."""
        found, broken = self._sorted()
        if broken and not found:
            raise next(iter(broken.values()))
        return found

    def broken(self) -> list[str]:
        """The domains whose entries are no accounts."""
        return list(self._sorted()[1])

    def _sorted(self) -> tuple[dict[str, AcmeDnsAccount], dict[str, ConfigError]]:
        found, broken = {}, {}
        for domain, entry in self._entries().items():
            try:
                found[domain] = self._account(domain, entry)
            except ConfigError as error:
                broken[domain] = error
        return found, broken

    def setdefault(self, domain: str, register: Callable[[], AcmeDnsAccount]) -> AcmeDnsAccount:
        """The account of the domain: the one in the file, or else what ``register`` gives, once that
        is in the file. Entries of other programs stay as they are."""
        with self._locked():
            entries = self._entries()
            if not entries.get(domain):  # null, or an empty object
                entries[domain] = register()._asdict()
                self._write(entries)
            return self._account(domain, entries[domain])

    def _entries(self) -> dict[str, Any]:
        if not os.path.exists(self.path):
            return {}
        try:
            entries = json.loads(read_secret(self.path, NOT_ACCOUNTS))
        except (ValueError, RecursionError):
            entries = None
        if not isinstance(entries, dict):
            # Without its cause, which quotes the file.
            raise ConfigError(f"{self.path} is no JSON object", NOT_ACCOUNTS) from None
        return entries

    def _account(self, domain: str, entry: object) -> AcmeDnsAccount:
        """Letter case of the keys does not matter: old programs write "FullDomain"."""
        folded = {key.lower(): value for key, value in entry.items()} if isinstance(entry, Mapping) else {}
        values = [str(folded.get(field) or "") for field in AcmeDnsAccount._fields]
        account = AcmeDnsAccount(*values)
        if not (account.fulldomain and account.subdomain and account.username and account.password):
            raise ConfigError(f"{self.path}: the entry of {domain} is no account of acme-dns", NOT_ACCOUNTS)
        hide(account.password)
        return account

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Against other processes of ours."""
        with ExitStack() as held:
            try:
                os.makedirs(os.path.dirname(self.path), 0o700, exist_ok=True)
                held.enter_context(locked(f"{self.path}.lock", self.path, LOCK_TIMEOUT, time.sleep))
            except OSError as error:
                raise self._unwritable(error) from error
            yield

    def _write(self, entries: Mapping[str, Any]) -> None:
        """Whole or not at all, and readable by nobody else."""
        folder = os.path.dirname(self.path)
        try:
            with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".acmedns-", delete=False) as file:
                json.dump(entries, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.rename(file.name, self.path)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> ConfigError:
        return ConfigError(f"{self.path} cannot be written: {error.strerror}", f"{VARIABLE} names the file")
