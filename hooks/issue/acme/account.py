"""The account at the CA: made once, its key kept with mode 0600 (RFC 8555 §7.3).

::

    STATE/accounts/HOST-….json    the directory, the key (JWK) and the account's URL
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from acme import messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.errors import Error as JoseError
from josepy.jwk import JWK, JWKEC, JWKRSA

from .... import output
from ....errors import AcmeError, ConfigError
from ....secret import hide, read_secret
from ...state.atomic import iso, labelled, read_own, stage, sync_folder, usable
from ...state.folder import private_folder
from ..section import CaSection
from .client import AcmeSession

VERSION = 1
LARGEST_FILE = 1 << 16  # octets


def sign_in(ca: CaSection, state: str, clock: Callable[[], float] = time.time) -> AcmeSession:
    """A client with the account of this state folder, which is registered if there is none yet.

    Raises AcmeError, ConfigError and StateError.
    """
    path = account_file(ca, state)
    kept = _read(path)
    theirs = _key_of(ca.account_key) if ca.account_key else None
    if kept and theirs and _thumbprint(theirs) != _thumbprint(kept[0]):
        kept = None  # another account is configured by now
    key = kept[0] if kept else theirs or JWKEC(key=ec.generate_private_key(ec.SECP256R1()))
    url = kept[1] if kept else ""
    if not url:  # before the CA hears of it
        _write(path, ca, key, "", clock())
    client = AcmeSession(ca.directory, key, url, ca.ca_file)
    if not url:
        client.account = _register(client, ca)
        _write(path, ca, key, client.account, clock())
        return AcmeSession(ca.directory, key, client.account, ca.ca_file)
    return client


def forget_account(ca: CaSection, state: str, now: float) -> None:
    """Remove the account's URL, so that the next run registers the key once more: the CA does not know its
    account. Raises ConfigError and StateError."""
    path = account_file(ca, state)
    if kept := _read(path):
        _write(path, ca, kept[0], "", now)


def account_file(ca: CaSection, state: str) -> str:
    """The path of the file that the account at this CA is kept in."""
    return os.path.join(state, "accounts", labelled(urlsplit(ca.directory).hostname or "ca", ca.directory))


def account_url(ca: CaSection, state: str) -> str:
    """The URL of the account that is kept; empty where there is none yet."""
    kept = _read(account_file(ca, state))
    return kept[1] if kept else ""


def _register(client: AcmeSession, ca: CaSection) -> str:
    meta = client.directory.meta
    if meta.external_account_required and not ca.eab_kid:
        raise AcmeError(
            f"{urlsplit(ca.directory).hostname} makes an account for none but its customers",
            "write eab_kid and eab_hmac_key in [ca], as the CA gives them",
            code="externalAccountRequired",
        )
    if meta.terms_of_service:
        output.step(f"an account is made, which accepts the CA's terms of service: {meta.terms_of_service}")
    fields: dict[str, Any] = {"termsOfServiceAgreed": True}
    if ca.contact:
        fields["contact"] = list(ca.contact)
    if ca.eab_kid:
        fields["externalAccountBinding"] = _binding(client, ca)
    return _new_account(client, fields)


def _new_account(client: AcmeSession, fields: Mapping[str, Any]) -> str:
    """RFC 8555 §7.3: a key that has an account already gets that."""
    response = client.post(client.resource("newAccount"), fields, again=True)
    url = response.headers.get("Location", "")
    if not url.startswith("https://"):
        raise AcmeError("the CA gives the account no URL", "see what answers there")
    return url


def _binding(client: AcmeSession, ca: CaSection) -> Mapping[str, Any]:
    """RFC 8555 §7.3.4. Raises ConfigError."""
    try:
        return messages.ExternalAccountBinding.from_data(
            client.key.public_key(), ca.eab_kid, ca.eab_hmac_key, client.directory
        )
    except (ValueError, JoseError):
        raise ConfigError("eab_hmac_key is not in base64url", "copy it from the CA once more") from None


def _key_of(path: str) -> JWK:
    """The key of another client's account: dehydrated's account_key.pem, certbot's private_key.json."""
    content = read_secret(path)
    try:
        if content.lstrip().startswith("{"):
            return _jwk(json.loads(content))
        return _asymmetric(JWK.load(content.encode()))
    except Exception as error:  # without what it says, which may quote the key
        raise ConfigError(
            f"{path} holds no account key ({type(error).__name__})",
            "name dehydrated's accounts/…/account_key.pem or certbot's accounts/…/private_key.json",
        ) from None


def _jwk(document: Mapping[str, Any]) -> JWK:
    return _asymmetric(JWK.from_json(document))


def _asymmetric(key: object) -> JWK:
    """What is no key of the other kinds is one of octets to the library. Raises TypeError."""
    if not isinstance(key, (JWKEC, JWKRSA)):
        raise TypeError("it is no key pair")
    return key


def _thumbprint(key: JWK) -> bytes:
    return bytes(key.thumbprint())


def _read(path: str) -> tuple[JWK, str] | None:
    with suppress(FileNotFoundError), usable(os.path.dirname(path)):
        try:
            data = json.loads(read_own(path, LARGEST_FILE))
            key = _jwk(data["key"])
            url = data["url"]
            if not isinstance(url, str):
                raise TypeError("url")
        except FileNotFoundError:
            return None
        except (LookupError, RecursionError, TypeError, ValueError, JoseError) as error:
            raise ConfigError(
                f"the account file {path} is corrupt ({type(error).__name__})",
                "restore it from a backup; without one, move it away, and another account is made",
            ) from None
        hide(str(data["key"].get("d", "")))
        return key, url
    return None


def _write(path: str, ca: CaSection, key: JWK, url: str, now: float) -> None:
    content = {
        "version": VERSION,
        "directory": ca.directory,
        "url": url,
        "key": key.to_json(),
        "written_at": iso(now),
    }
    folder = os.path.dirname(path)
    with usable(folder):
        private_folder(folder)
        os.rename(stage(path, content), path)
        sync_folder(folder)
