"""Google Cloud DNS and Azure DNS at their fakes: with a key, and with a client's secret."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from contract import ZONES, validation
from contract_http import HttpCase
from fakes import Fake
from fakes.azure import CLIENT, SUBSCRIPTION, TENANT, Azure
from fakes.google import Google, key_file

from dns01.providers.base import TxtRecord

NAME = "_acme-challenge.example.com"
RECORD = TxtRecord(NAME, validation("a"))
SECRET = {"client_id": CLIENT, "client_secret": Azure.token, "tenant_id": TENANT}


@contextmanager
def on_google() -> Iterator[HttpCase]:
    with Google(ZONES) as fake:
        yield from _case("gcloud", fake, {"service_account": key_file(fake.token_uri)})


@contextmanager
def on_azure() -> Iterator[HttpCase]:
    with Azure(ZONES) as fake:
        options = {"subscription_id": SUBSCRIPTION, "authority": fake.url, **SECRET}
        yield from _case("azure", fake, options)


def _case(provider: str, fake: Fake, options: Mapping[str, str]) -> Iterator[HttpCase]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield HttpCase(provider, fake, options)
