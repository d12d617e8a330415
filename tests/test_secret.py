"""Secrets in files: read only if nobody else can."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.secret import read_secret


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    return path


@pytest.mark.parametrize(
    ("content", "secret"),
    [("s3cret\n", "s3cret"), ("s3cret", "s3cret"), ("s3cret\r\n", "s3cret"), (" a \n\n", " a \n")],
)
def test_the_secret_is_the_text_without_the_newline_that_ends_it(
    file: Path, content: str, secret: str
) -> None:
    file.write_text(content, newline="")
    assert read_secret(str(file)) == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666])
def test_a_file_that_others_can_open_is_refused_with_the_chmod_to_run(file: Path, mode: int) -> None:
    file.write_text("s3cret")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"{file} .*{mode:04o}") as refusal:
        read_secret(str(file))
    assert refusal.value.hint == f"chmod 600 {file}"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xffs3cret"], ids=["nothing", "a newline", "not text"])
def test_a_file_without_a_secret_is_refused_by_name(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=str(file)):
        read_secret(str(file))


def test_a_file_that_is_missing_or_none_is_refused_by_name(tmp_path: Path) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            read_secret(str(path))


def test_no_error_shows_the_secret(file: Path) -> None:
    file.write_bytes(b"s3cret \xff")
    with pytest.raises(ConfigError) as refusal:
        read_secret(str(file))
    assert "s3cret" not in repr((refusal.value, refusal.value.__cause__, refusal.value.hint))
