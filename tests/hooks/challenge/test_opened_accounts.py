"""The accounts of a configuration, opened as they are needed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from dns01.hooks.challenge.opened_accounts import OpenedAccounts
from dns01.hooks.config.load import load_settings
from dns01.hooks.config.settings import Account
from dns01.providers.base import Provider
from dns01.providers.memory import Provider as Memory


def test_an_account_is_opened_once_however_many_ask_for_it_at_once() -> None:
    meeting = threading.Barrier(2)

    def open_account(account: Account) -> Provider:
        with suppress(threading.BrokenBarrierError):
            meeting.wait(0.1)
        return Memory(account.options)

    variables = {"DNS01_PROVIDER": "memory", "DNS01_MEMORY_ZONES": "example.org"}
    settings = load_settings({"DNS01_CONFIG": "", **variables})
    accounts = OpenedAccounts(settings, lambda names: {}, open_account)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(accounts.provider, [settings.account_named("memory")] * 2)

    assert one is two
