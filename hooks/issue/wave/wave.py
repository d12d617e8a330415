"""One wave: all orders opened, all values published at once, one wait, and each certificate goes on as
soon as its own names are ready.

What an order is about to do is on the disk before the CA hears of it: a kill at any instant leaves
orders that the next run goes on with, and records that the journal knows.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from ....errors import AcmeError, DeployError, HookError
from ...clients.challenge import Challenge
from ...deploy.certificate.checks import check_issued
from .. import files
from ..acme.csr import answers, new_csr, read_csr
from ..acme.order import Authorization, Order, Orders
from ..order_state import OrderStates
from ..planning.limits import Event, backoff
from ..section import CaSection
from .issuance import Issuance
from .ordering import SHARED, Ordering, is_rate_limited, keep
from .publication import Publication
from .scheduler import Scheduler

VALIDATION_TIMEOUT = 900.0  # seconds for the CA to validate, and once more to issue
RATE_LIMIT_PAUSE = 3600.0  # seconds without orders, where a CA that is over its limit does not say
LEAST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # the same in seconds for requests about an order that is open
FIRST_LOOK = 0.5  # seconds after the last challenge of an order has been answered

# Waits until the CA can see what is published; tells the names that are ready, and those that will not be,
# and asks whether a name is still wanted.
WaitUntilReady = Callable[
    [Callable[[Sequence[str]], None], Callable[[Mapping[str, HookError]], None], Callable[[str], bool]], None
]


class Wave:
    """What the certificates of one wave go through together. ``account``: the URL that limits are
    counted for; ``folder``: that of the certificates."""

    def __init__(
        self,
        orders: Orders,
        states: OrderStates,
        publication: Publication,
        ca: CaSection,
        folder: str,
        account: str,
        scheduler: Scheduler,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._orders = orders
        self._ordering = Ordering(orders, states, ca, folder, account, clock)
        self._states = states
        self._publication = publication
        self._ca = ca
        self._folder = folder
        self._account = account
        self._scheduler = scheduler
        self._clock = clock
        self._monotonic = monotonic
        self._waiting: dict[str, list[tuple[Issuance, Authorization]]] = defaultdict(list)
        self._unanswered: dict[str, int] = {}
        self._issuances: Sequence[Issuance] = ()
        self._retracting = False
        self._lock = threading.Lock()

    def open(self, issuances: Sequence[Issuance]) -> None:
        """Open every order, or go on with the one that is open; what the CA holds already needs no more."""
        self._issuances = issuances
        for issuance in issuances:
            self._scheduler.submit(partial(self._step, issuance, self._open))
        self._scheduler.join()

    def publish(self) -> None:
        """Publish what the CA wants to see, all of it at once."""
        challenges: list[Challenge] = []
        for issuance in self._issuances:
            if issuance.stage == "ordered":
                for authorization in issuance.pending():
                    assert authorization.challenge
                    challenges.append(authorization.challenge)
                    self._waiting[authorization.challenge.name].append((issuance, authorization))
                self._unanswered[issuance.name] = len(issuance.pending())
        if challenges:
            self._publication.publish(challenges)
        for name, error in self._publication.failed.items():
            for issuance, _ in self._waiting.pop(name, ()):
                self._fail(issuance, error)
        for issuance in self._issuances:
            if issuance.stage == "ordered":
                issuance.reach("published")

    def answer_as_ready(self, wait: WaitUntilReady) -> None:
        """Wait for the name servers, and let each certificate go on as soon as its names are ready.
        Returns when all have come to an end."""
        for issuance in self._issuances:
            if issuance.stage == "published" and not self._unanswered.get(issuance.name):
                self._go_on(issuance)  # the CA holds all of its authorizations
        if self._waiting:
            wait(self._ready, self._late, self._is_wanted)
        self._scheduler.join()
        self._retract_if_done()

    # Steps of one certificate

    def _step(self, issuance: Issuance, step: Callable[[Issuance], None]) -> None:
        """Do it; an error is that certificate's alone."""
        if issuance.is_over:
            return
        try:
            with issuance.lock:
                step(issuance)
        except HookError as error:
            if issuance.order and is_rate_limited(error) and self._monotonic() < issuance.deadline:
                pause = min(max(error.retry_after or 0.0, LEAST_PAUSE), LONGEST_PAUSE)
                self._scheduler.submit(partial(self._step, issuance, step), pause)
            else:
                self._fail(issuance, error)
        self._retract_if_done()

    def _open(self, issuance: Issuance) -> None:
        order = self._ordering.order_for(issuance)
        issuance.order = order
        issuance.deadline = self._monotonic() + VALIDATION_TIMEOUT
        issuance.reach("ordered")
        if order.status == "pending":
            issuance.authorizations = self._orders.to_prove(order, issuance.wanted.names)
        else:
            issuance.reach("valid")
            self._look(issuance)

    def _ready(self, names: Sequence[str]) -> None:
        for name in names:
            for issuance, authorization in self._waiting.pop(name, ()):
                step = partial(self._answer, authorization=authorization)
                self._scheduler.submit(partial(self._step, issuance, step))

    def _is_wanted(self, name: str) -> bool:
        """Whether a certificate that can still be had waits for the name."""
        return any(not issuance.is_over for issuance, _ in self._waiting.get(name, ()))

    def _late(self, errors: Mapping[str, HookError]) -> None:
        for name, error in errors.items():
            for issuance, _ in self._waiting.pop(name, ()):
                self._fail(issuance, error)

    def _answer(self, issuance: Issuance, authorization: Authorization) -> None:
        if not authorization.answered:
            self._orders.answer(authorization)
        self._unanswered[issuance.name] -= 1
        if not self._unanswered[issuance.name]:
            issuance.reach("ready")
            self._go_on(issuance, FIRST_LOOK)

    def _go_on(self, issuance: Issuance, delay: float = 0.0) -> None:
        issuance.deadline = self._monotonic() + VALIDATION_TIMEOUT
        self._scheduler.submit(partial(self._step, issuance, self._look), delay)

    def _look(self, issuance: Issuance) -> None:
        """See how the order stands, and do what is next."""
        assert issuance.order
        self._proceed(issuance, self._orders.look(issuance.order.url))

    def _proceed(self, issuance: Issuance, order: Order) -> None:
        issuance.order = order
        match order.status:
            case "ready":
                issuance.reach("valid")
                csr = self._csr(issuance)
                self._states.finalizing(issuance.kept)
                self._proceed(issuance, self._orders.finalize(order, csr))
            case "valid":
                issuance.reach("valid")
                self._install(issuance, order)
            case "pending" | "processing":
                if order.status == "processing":
                    issuance.reach("valid")
                if self._monotonic() > issuance.deadline:
                    raise AcmeError(
                        f"the CA has not come to an end within {VALIDATION_TIMEOUT:.0f} s",
                        "its order stays open: the next run goes on with it",
                    )
                self._scheduler.submit(partial(self._step, issuance, self._look), order.pause)
            case _:
                self._refused(issuance, order)

    def _csr(self, issuance: Issuance) -> bytes:
        wanted = issuance.wanted
        return read_csr(wanted.csr, wanted.names) if wanted.csr else new_csr(issuance.kept.key, wanted.names)

    def _refused(self, issuance: Issuance, order: Order) -> None:
        """The CA has given the order up: its authorizations tell why."""
        authorizations = [self._orders.authorization(url) for url in order.authorizations]
        problems = [each.problem for each in authorizations if each.status == "invalid"] or [order.problem]
        raise AcmeError(
            f"the CA refuses: {'; '.join(filter(None, problems)) or 'it does not say why'}",
            f"`dns01 doctor {shlex.join(issuance.wanted.names)}` looks at what it may have seen",
            code="invalid",
        )

    def _install(self, issuance: Issuance, order: Order) -> None:
        chain = self._orders.chain(order, self._ca.preferred_chain)
        if not issuance.kept.replaces:  # the CA counts it, whatever it is
            self._states.count(self._account, Event("issued", self._clock(), issuance.wanted.names))
        now = self._orders.time_at_ca() or self._clock()  # its own clock counts: ours may be wrong
        try:
            check_issued(order.certificate, "".join(chain), issuance.wanted.names, now)
        except DeployError as error:
            raise AcmeError(str(error), error.hint, code="invalid") from None
        if not answers(chain[0], self._csr(issuance)):
            raise AcmeError(
                "the order was finalised with another key than the one that is kept",
                "another one is ordered by a later run",
                code="invalid",
            )
        issuance.certificate = files.install(self._folder, issuance.name, issuance.kept.key, chain)
        issuance.kept = issuance.kept.closed()
        keep(self._states, issuance, failures=0, next_try=0.0, error="", undelivered=True)
        issuance.reach("issued")

    # What fails, and what is left

    def _fail(self, issuance: Issuance, error: HookError) -> None:
        """An order that the CA has refused is closed; any other stays open for the next run."""
        if issuance.is_over:
            return
        code = error.code if isinstance(error, AcmeError) else ""
        if code in ("invalid", SHARED) or not issuance.kept.order:
            issuance.kept = issuance.kept.closed()
        if is_rate_limited(error):
            pause = RATE_LIMIT_PAUSE if error.retry_after is None else error.retry_after
            keep(self._states, issuance, next_try=self._clock() + pause, error=str(error))
            issuance.fail(error, "deferred")
            return
        if code == SHARED:
            keep(self._states, issuance, error=str(error))
            issuance.fail(error, "deferred")
            return
        failures = issuance.kept.failures + 1
        wait = backoff(failures, validation=code == "invalid")
        keep(self._states, issuance, failures=failures, next_try=self._clock() + wait, error=str(error))
        issuance.fail(error)

    def _retract_if_done(self) -> None:
        """Take everything back in one batch, as soon as the CA asks for nothing any more."""
        with self._lock:
            if self._retracting or any(each.validates for each in self._issuances):
                return
            self._retracting = True
        self._publication.retract()
