"""A certificate's order: the one that an earlier run has opened, or another one.

What is about to be ordered is on the disk before the CA hears of it, and its URL at once after that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeGuard

from ....errors import AcmeError, HookError
from .. import files
from ..acme.csr import new_key
from ..acme.order import Order, Orders
from ..order_state import OrderStates
from ..planning.limits import Event
from ..section import CaSection
from .issuance import Issuance

SHARED = "shared"  # the code, of our own, of an order that is another certificate's already
NOT_ABOUT_THE_ORDER = ("badNonce", "connection", "rateLimited", "serverInternal")


class Ordering:
    """Opens the orders of certificates, or goes on with open ones. ``account``: what the CA's limits are
    counted for; ``folder``: that of the certificates."""

    def __init__(
        self,
        orders: Orders,
        states: OrderStates,
        ca: CaSection,
        folder: str,
        account: str,
        clock: Callable[[], float],
    ) -> None:
        self._orders = orders
        self._states = states
        self._ca = ca
        self._folder = folder
        self._account = account
        self._clock = clock
        self._rate_limited: AcmeError | None = None
        self._owners: dict[str, str] = {}  # of each order's URL: the certificate's name
        self._lock = threading.Lock()

    def order_for(self, issuance: Issuance) -> Order:
        """The order, whatever its status is. Raises AcmeError; once the CA allows no more of them, for
        every one that is not open yet."""
        order = self._resumed(issuance) if issuance.kept.order else None
        if order:
            self._claim(order, issuance)
        if order and not issuance.kept.key:  # another machine has opened it
            keep(self._states, issuance, key=self._key(issuance))
        if order is None:
            if self._rate_limited:
                raise self._rate_limited
            order = self._ordered(issuance)
        return order

    def _resumed(self, issuance: Issuance) -> Order | None:
        """The order of an earlier run; None if it is of no use any more."""
        try:
            order = self._orders.look(issuance.kept.order)
        except AcmeError as error:
            if error.code in ("malformed", "unauthorized", "orderDoesNotExist", "accountDoesNotExist"):
                return None  # the CA has forgotten it
            raise
        return None if order.status == "invalid" else order

    def _ordered(self, issuance: Issuance) -> Order:
        """A new order: its key is on the disk before the CA hears of it, its URL at once after that."""
        wanted = issuance.wanted
        keep(
            self._states,
            issuance,
            names=wanted.names,
            directory=self._ca.directory,
            key=issuance.kept.key or self._key(issuance),
            order="",
            replaces=issuance.replaces,
            begun=self._clock(),
        )
        try:
            order = self._place(issuance)
        except AcmeError as error:
            if error.code == "rateLimited":
                self._rate_limited = error
            if not issuance.replaces or error.code in NOT_ABOUT_THE_ORDER:
                raise
            # CAs refuse what they do not like about it by many names: replaced already, by another
            # account, unknown; without it, it is an order like any other
            issuance.replaces = ""
            keep(self._states, issuance, replaces="")
            order = self._place(issuance)
        self._claim(order, issuance)
        keep(self._states, issuance, order=order.url)
        return order

    def _claim(self, order: Order, issuance: Issuance) -> None:
        """Raises AcmeError where another certificate has the order: CAs give an open one again to whoever
        asks for the same names, and it can be finalised with one key only."""
        with self._lock:
            owner = self._owners.setdefault(order.url, issuance.name)
        if owner != issuance.name:
            raise AcmeError(
                f"the CA has one order at a time for the same names, and it is that of {owner}",
                "the next run orders this one: dns01 issue",
                code=SHARED,
            )

    def _place(self, issuance: Issuance) -> Order:
        names = issuance.wanted.names
        if not issuance.replaces:
            self._states.count(self._account, Event("order", self._clock(), names))
        return self._orders.open(names, issuance.wanted.profile or self._ca.profile, issuance.replaces)

    def _key(self, issuance: Issuance) -> str:
        """The private key that the certificate is to have; none for a CSR of one's own."""
        wanted = issuance.wanted
        if wanted.csr:
            return ""
        reuse = self._ca.reuse_key if wanted.reuse_key is None else wanted.reuse_key
        current = files.current_key(self._folder, wanted.name) if reuse else ""
        return current or new_key(wanted.key or self._ca.key)


def keep(states: OrderStates, issuance: Issuance, **changes: object) -> None:
    """Change what is kept of the certificate's order, and have it on the disk. Raises StateError."""
    issuance.kept = issuance.kept._replace(**changes)  # type: ignore[arg-type]
    states.write(issuance.kept)


def is_rate_limited(error: HookError) -> TypeGuard[AcmeError]:
    """Whether the CA says that it is enough (RFC 8555 §6.6)."""
    return isinstance(error, AcmeError) and error.code == "rateLimited"
