"""What is issued on its way to its targets: several at a time, each service reloaded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ....errors import HookError
from ...clients.process import ClientProcess
from ...deploy.delivery.deliverer import Deliverer
from ...deploy.delivery.ledger import Ledger
from ...deploy.section import load_deployments
from ...state.folder import state_dir
from ..files import paths

DELIVERIES_AT_ONCE = 4  # certificates


def deliver(
    names: Sequence[str], folder: str, environ: Mapping[str, str], client: ClientProcess
) -> list[dict[str, str]]:
    """Bring the certificates to the targets of the configuration; gives a row for each.

    What does not arrive is pending, and a later call of any kind tries it again.
    """
    if not names:
        return []
    rows: list[dict[str, str]] = []
    try:
        deliverer = Deliverer(load_deployments(environ), Ledger(state_dir(environ)), client)

        def bring(name: str) -> None:
            certificate = paths(folder, name)
            if targets := deliverer.targets(certificate):
                deliverer.deliver(certificate, targets, queue=True)

        with ThreadPoolExecutor(DELIVERIES_AT_ONCE) as pool:
            list(pool.map(bring, names))
        deliverer.end_run()
    except HookError as error:
        return [{"name": name, "target": "", "section": "", "error": str(error)} for name in names]
    for delivery in (*deliverer.arrived, *deliverer.failed):
        where = {"name": delivery.certificate.domain, "target": delivery.target, "section": delivery.pattern}
        rows.append({**where, "error": delivery.error})
    return rows
