"""The user and the API key: from variables, or from a credentials file as pyrax has it."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping

from ..errors import ConfigError
from ..secret import hide, read_secret

FILE_HINT = "it has to hold\n        [rackspace_cloud]\n        username = …\n        api_key = …"


def read_credentials(options: Mapping[str, str]) -> tuple[str, str]:
    """The user's name and API key.

    Raises ConfigError.
    """
    user, key, path = (options.get(name, "") for name in ("user", "api_key", "credentials"))
    if path and (user or key):
        raise ConfigError(
            "PYRAX_CREDS is set, and so is RACKSPACE_USER or RACKSPACE_API_KEY",
            "keep the file, or the other two",
        )
    if path:
        return _read_file(os.path.expanduser(path))
    if not user or not key:
        lacking = "RACKSPACE_API_KEY" if user else "RACKSPACE_USER"
        raise ConfigError(f"{lacking} is not set", "set RACKSPACE_USER and RACKSPACE_API_KEY, or PYRAX_CREDS")
    return user, key


def _read_file(path: str) -> tuple[str, str]:
    file = configparser.ConfigParser(interpolation=None)
    try:
        file.read_string(read_secret(path))
        user, key = file["rackspace_cloud"]["username"], file["rackspace_cloud"]["api_key"]
    except (configparser.Error, KeyError):
        # Without its cause, which quotes the secret.
        raise ConfigError(f"{path} is no credentials file of pyrax", FILE_HINT) from None
    hide(key)
    return user, key
