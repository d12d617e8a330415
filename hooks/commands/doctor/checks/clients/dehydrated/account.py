"""dehydrated's account at its CA: is it there, or could it be made (``account_key`` of 0.7.0)?"""

from __future__ import annotations

import os
import re
import shlex
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ......caa.issuers import of_dehydrated
from ......clients.setup.dehydrated_config import FOLDERS, Dehydrated
from ......clients.setup.text_files import is_empty
from ....finding import Examined, Finding, Severity
from ..certificate_authorities import wants_eab


def register(main: Dehydrated) -> str:
    """The command that agrees to the CA's terms and makes the account, by the same configuration."""
    path = main.files[0]
    option = "" if path in (f"{folder}/config" for folder in FOLDERS) else f" -f {shlex.quote(path)}"
    return f"dehydrated{option} --register --accept-terms"


def check(examined: Examined, main: Dehydrated, ca: str, arguments: Sequence[str]) -> Iterator[Finding]:
    """``ca``: that of the command line, if one is named there; ``arguments``: what stands behind dehydrated
    in what runs it."""
    directory = of_dehydrated(main, ca, examined.root).directory
    accounts = main.settings.get("ACCOUNTDIR") or f"{main.settings['BASEDIR']}/accounts"
    another_key = any(re.search(r"\s(-p|--privkey)\s", f"{line} ") for line in arguments)
    if not directory or another_key or not accounts.startswith("/") or "$" in accounts or "`" in accounts:
        return
    encoded = urlsafe_b64encode(f"{directory}\n".encode()).decode().rstrip("=")
    folder = f"{accounts}/{encoded}"
    if os.path.exists(examined.path(f"{folder}/deactivated")):
        message = f"the account at {directory} has been deactivated: dehydrated ends"
        steps = (f"mv {folder} {folder}.old", register(main))
        yield Finding("account-deactivated", Severity.ERROR, folder, message, steps)
        return
    keys = (f"{folder}/account_key.pem", f"{main.settings['BASEDIR']}/private_key.pem")  # of old versions
    try:
        with suppress(FileNotFoundError):
            os.listdir(examined.path(accounts))
    except OSError:  # the folder is its owner's
        return
    if key := next((key for key in keys if os.path.exists(examined.path(key))), ""):
        if is_empty(key, examined.root):
            message = "nothing stands in it, as after a full disk: dehydrated takes it for no key, and ends"
            steps = (f"restore it, or make another account: rm {key}", register(main))
            yield Finding("account-missing", Severity.ERROR, key, message, steps)
        return
    yield from _missing(main, directory, accepts=any("--accept-terms" in line for line in arguments))


def _missing(main: Dehydrated, directory: str, *, accepts: bool) -> Iterator[Finding]:
    lacking = [key for key in ("EAB_KID", "EAB_HMAC_KEY") if not main.settings.get(key)]
    if not wants_eab(directory) or ("zerossl" in directory and main.settings.get("CONTACT_EMAIL")):
        lacking = []  # ZeroSSL gives dehydrated both for a mail address
    message = f"dehydrated has no account at {directory}"
    if lacking:
        values = " and ".join(f"{key}=…" for key in lacking)
        eab = f"write in {main.files[0]} what the CA gives you: {values}"
        message += f", which makes none without {' and '.join(lacking)}"
        yield Finding(
            "account-binding-missing", Severity.ERROR, main.files[0], message, (eab, register(main))
        )
    elif not accepts:
        message += ": it ends, and says how to agree to the CA's terms"
        yield Finding("account-missing", Severity.ERROR, main.files[0], message, (register(main),))
