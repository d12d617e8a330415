"""Every client gets its certificate past every name server, and leaves nothing behind."""

from __future__ import annotations

import pytest

from .clients import CLIENTS, HOOKS, Host
from .conftest import newcomers
from .stage import NAMES, STAGES, Stage
from .verify import verify

# The two forms of the hook take turns, so that each client and each server meets both.
MATRIX = [
    pytest.param(server, list(HOOKS)[(i + j) % 2], client, id=f"{client}-{server}")
    for i, server in enumerate(STAGES)
    for j, client in enumerate(CLIENTS)
]


@pytest.mark.parametrize(("stage", "host", "client"), MATRIX, indirect=["stage", "host"])
def test_a_certificate_is_issued_and_nothing_is_left(
    stage: Stage, host: Host, bystanders: set[str], client: str
) -> None:
    issued = CLIENTS[client](host)
    verify(issued, NAMES, stage.ca.roots())
    assert stage.texts() == set()
    assert host.open_entries() == []
    assert newcomers(bystanders) == set()
    assert " + ready after " in host.said
    assert " ! " not in host.said  # the hook's warnings look like this
