"""botocore's requests and programs, each with a limit of time and of size: those for credentials, too.

botocore has a time limit for each part of an answer, and none for its size; where it asks a machine's or a
container's metadata service, STS or a program for credentials, nobody can pass it anything else. And each
session reads what botocore knows of AWS anew, where one account's is like another's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Any

from .child_process import communicate
from .deadline import within
from .http_deadline import LimitedConnection, WholeResponse

PROGRAM = 60.0  # seconds for a profile's credential_process, which may ask somebody
MOST_PRINTED = 1 << 20  # octets


def limited_session(limit: float) -> Any:
    """A session of botocore's, of which each request, and each try of one, has no longer than ``limit``
    seconds."""
    return _session_class()(limit)


@cache
def _read_once(folders: str | None) -> dict[Any, Any]:
    """What all sessions have read from botocore's folders and these: megabytes of JSON about its services."""
    return {}


@cache
def _session_class() -> Any:
    import botocore.session

    session: Any = botocore.session.Session  # what it keeps to itself is used below

    class LimitedSession(session):  # type: ignore[misc]
        def __init__(self, limit: float) -> None:
            super().__init__()
            self._limit = limit
            self._components.lazy_register_component("data_loader", self._loader_of_all)

        def _loader_of_all(self) -> Any:
            """Of its own, for boto3 adds a folder to it; what it has read is shared."""
            from botocore.loaders import create_loader

            folders = self.get_config_variable("data_path")
            loader: Any = create_loader(folders)
            loader._cache = _read_once(folders)
            return loader

        def create_client(self, *args: Any, **more: Any) -> Any:
            client = super().create_client(*args, **more)
            _limit_requests(client._endpoint.http_session, self._limit)  # there is no public way to it
            return client

        def get_credentials(self) -> Any:
            if self._credentials is None:
                self._limit_sources(self._components.get_component("credential_provider"))
            return super().get_credentials()

        def _limit_sources(self, sources: Any) -> None:
            """Those that ask by way of no client. A version of botocore's may lack one."""
            from botocore.credentials import ProcessProvider
            from botocore.exceptions import UnknownCredentialError

            with suppress(UnknownCredentialError):
                _limit_requests(sources.get_provider("iam-role")._role_fetcher._session, self._limit)
            with suppress(UnknownCredentialError):
                _limit_requests(sources.get_provider("container-role")._fetcher._session, self._limit)
            with suppress(UnknownCredentialError):
                sources.get_provider("custom-process")._popen = _Program
            with suppress(UnknownCredentialError):
                builder = sources.get_provider("assume-role")._profile_provider_builder
                made = partial(ProcessProvider, load_config=lambda: self.full_config, popen=_Program)
                builder._create_process_provider = lambda profile_name: made(profile_name)

    return LimitedSession


class _Program:
    """As much of Popen as botocore uses for a profile's credential_process."""

    def __init__(self, command: Sequence[str], **pipes: int) -> None:
        self._command = command
        self.returncode = 0

    def communicate(self) -> tuple[bytes, bytes]:
        ended = communicate(
            self._command, os.environ, PROGRAM, f"{self._command[0]} (credential_process)", b"", MOST_PRINTED
        )
        self.returncode = ended.status
        return ended.output, ended.stderr


def _limit_requests(session: Any, limit: float) -> None:
    """Have a URLLib3Session of botocore's send each request within the limit, and read its answer."""
    session._pool_classes_by_scheme = _pools()
    session._manager.pool_classes_by_scheme = _pools()
    send = session.send

    def send_within(request: Any) -> Any:
        with within(limit):
            return send(request)

    session.send = send_within


@cache
def _pools() -> Mapping[str, Any]:
    """botocore's own pools of connections, but for the deadline."""
    from botocore.awsrequest import AWSHTTPConnectionPool, AWSHTTPSConnectionPool

    pools = {"http": AWSHTTPConnectionPool, "https": AWSHTTPSConnectionPool}
    return {scheme: _limited_pool(pool) for scheme, pool in pools.items()}


def _limited_pool(pool: Any) -> Any:
    parents = (LimitedConnection, pool.ConnectionCls)
    connection = type("Connection", parents, {"response_class": WholeResponse})
    return type("Pool", (pool,), {"ConnectionCls": connection})
