"""Which files are trusted to say what is done: nobody else can have written them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.trusted_file import LARGEST_FILE, read_trusted, secrets_of

ANOTHER = 65534
OPEN_FOLDER = "{file} lies in {folder}, where other users may put another file in its place"
CLOSE_FOLDER = "chown root {folder} && chmod go-w {folder}"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    file = folder / "config.toml"
    file.write_text("a = 1")
    file.chmod(0o644)
    return file


def test_a_file_of_ours_is_read_with_its_mode(file: Path) -> None:
    assert read_trusted(str(file)) == (b"a = 1", 0o644)


def test_a_link_of_root_s_is_followed(file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file)
    assert read_trusted(str(tmp_path / "link"))[0] == b"a = 1"


def owned_by_another(file: Path) -> None:
    os.chown(file, ANOTHER, ANOTHER)


def writable_by_all(file: Path) -> None:
    file.chmod(0o646)


def writable_by_its_group(file: Path) -> None:
    file.chmod(0o664)


def in_a_folder_of_another(file: Path) -> None:
    os.chown(file.parent, ANOTHER, ANOTHER)


def in_a_folder_for_all(file: Path) -> None:
    file.parent.chmod(0o777)


def linked_by_another(file: Path) -> None:
    real = file.with_suffix(".real")
    file.rename(real)
    file.symlink_to(real)
    os.chown(file, ANOTHER, ANOTHER, follow_symlinks=False)


@pytest.mark.parametrize(
    ("spoil", "message", "hint"),
    [
        (owned_by_another, "{file} belongs to the user nobody, who can change it", "chown root {file}"),
        (writable_by_all, "{file} can be written by others (mode 0646)", "chmod go-w {file}"),
        (writable_by_its_group, "{file} can be written by others (mode 0664)", "chmod go-w {file}"),
        (in_a_folder_of_another, OPEN_FOLDER, CLOSE_FOLDER),
        (in_a_folder_for_all, OPEN_FOLDER, CLOSE_FOLDER),
        (linked_by_another, "{file} is a link that the user nobody has made", "name the file itself"),
    ],
)
def test_what_another_user_could_have_changed_is_refused_with_what_to_do(
    file: Path, spoil: Callable[[Path], None], message: str, hint: str
) -> None:
    spoil(file)
    with pytest.raises(ConfigError) as caught:
        read_trusted(str(file))
    names = {"file": file, "folder": file.parent}
    assert str(caught.value) == message.format_map(names)
    assert caught.value.hint == hint.format_map(names)


def test_a_private_one_that_others_can_read_is_refused_with_the_chmod(file: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_trusted(str(file), private=True)
    assert str(caught.value) == f"{file} can be read by others (mode 0644)"
    assert caught.value.hint == f"chmod 600 {file}"


def test_a_folder_for_all_in_which_each_keeps_his_own_is_no_danger(file: Path) -> None:
    file.parent.chmod(0o1777)
    assert read_trusted(str(file))[0] == b"a = 1"


def a_device(path: str) -> None:
    os.symlink("/dev/zero", path)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, a_device])
def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path, make: Callable[[str], None]) -> None:
    path = str(tmp_path / "strange")
    make(path)
    with pytest.raises(ConfigError) as caught:
        read_trusted(path)
    assert str(caught.value) == f"{path} is not a regular file"
    assert caught.value.hint == f"see what it is: ls -ld {path}"


def test_a_file_without_end_is_not_read_to_it(file: Path) -> None:
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    with pytest.raises(ConfigError) as caught:
        read_trusted(str(file))
    assert str(caught.value) == f"{file} has more than {LARGEST_FILE} octets"
    assert caught.value.hint == f"see what it is: head -c 200 {file}"


def test_a_secret_of_the_user_whom_root_looks_as(file: Path) -> None:
    """What all may read is no secret, and says what is done: that stays root's."""
    file.chmod(0o600)
    owned_by_another(file)
    with secrets_of(ANOTHER):
        assert read_trusted(str(file), private=True) == (b"a = 1", 0o600)
        with pytest.raises(ConfigError):
            read_trusted(str(file))
    with pytest.raises(ConfigError):
        read_trusted(str(file), private=True)


@pytest.mark.parametrize("way", [linked_by_another, in_a_folder_of_another])
def test_a_secret_that_the_user_could_exchange(file: Path, way: Callable[[Path], None]) -> None:
    file.chmod(0o600)
    way(file)
    with secrets_of(ANOTHER), pytest.raises(ConfigError):
        read_trusted(str(file), private=True)
