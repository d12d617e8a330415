"""A file is opened in few ways, none of which waits for anybody."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_imports import MODULES

from dns01.regular_file import open_regular, read_regular

# What os.open has to be told: not to wait for a FIFO's other end, or that it is to be no FIFO.
UNWAITING = ("O_NONBLOCK", "O_DIRECTORY", "O_EXCL", "FOLDER", "APPENDING", "devnull")
# What open() is given besides descriptors: what the kernel answers at once.
OF_THE_KERNEL = ("'/proc/", "f'/proc/", "os.devnull", "descriptor", "os.memfd_create(", "os.open(")
PATHLIB = ("read_text", "read_bytes", "write_text", "write_bytes")


def test_no_module_opens_a_path_in_a_way_that_may_wait() -> None:
    assert [place for module in MODULES for place in waiting(module)] == []


def waiting(module: str) -> Iterator[str]:
    tree = ast.parse(MODULES[module].read_text())
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called, words = ast.unparse(node.func), ast.unparse(node)
        arguments = words.removeprefix(f"{called}(")
        refused = (
            (called == "os.open" and not any(flag in words for flag in UNWAITING))
            or (called == "open" and node.args and not arguments.startswith(OF_THE_KERNEL))
            or (isinstance(node.func, ast.Attribute) and node.func.attr in PATHLIB)
        )
        if refused:
            yield f"{module}:{node.lineno} {words}"


def socket_at(path: str) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)


def link_to_itself(path: str) -> None:
    os.symlink(path, path)


def device(path: str) -> None:
    os.symlink("/dev/zero", path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, socket_at, link_to_itself, device])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: object) -> None:
    path = str(tmp_path / "it")
    make(path)  # type: ignore[operator]
    with pytest.raises(ValueError, match="it is"):
        read_regular(path, 10)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(b"0123456789")
    assert read_regular(str(path), 10) == b"0123456789"
    with pytest.raises(ValueError, match="more than 9 octets"):
        read_regular(str(path), 9)


def test_a_link_is_followed_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(str(tmp_path / "link"), 10) == b"a"
    with pytest.raises(ValueError, match="link"), open_regular(str(tmp_path / "link"), os.O_NOFOLLOW):
        pass
