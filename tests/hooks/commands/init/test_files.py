"""What is written: whole, for nobody else's eyes, through no link, into nobody else's file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.commands.init.written.files import Draft, changes, difference, write
from dns01.hooks.commands.init.written.lines import assign, set_key, without
from dns01.secret import hide


def test_a_file_and_its_folder_are_made(tmp_path: Path) -> None:
    draft = Draft(str(tmp_path / "new" / "config.toml"), "a = 1\n", 0o600)
    write(changes([draft]))
    assert (tmp_path / "new" / "config.toml").read_text() == "a = 1\n"
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert changes([draft]) == []


def test_a_file_keeps_its_mode_and_its_group(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old\n")
    path.chmod(0o640)
    os.chown(path, -1, 12)
    write(changes([Draft(str(path), "new\n")]))
    status = path.stat()
    assert (path.read_text(), status.st_mode & 0o777, status.st_gid) == ("new\n", 0o640, 12)


def test_a_secret_that_others_can_read_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("the-token\n")
    path.chmod(0o644)
    write(changes([Draft(str(path), "the-token\n", 0o600, secret=True)]))
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_difference_has_no_secret_and_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    hide("an-old-secret")
    path = tmp_path / "config"
    path.write_text('export OLD_SECRET="an-old-secret"\nTITLE="\x1b[31m"\n')
    shown = "\n".join(difference(Draft(str(path), "\n")))
    assert "an-old-secret" not in shown
    assert "\x1b" not in shown
    secret = list(difference(Draft(str(tmp_path / "token"), "a-new-secret\n", 0o600, secret=True)))
    assert secret == [f"new, mode 0600, not shown: {tmp_path}/token"]


def a_link(path: Path) -> None:
    (path.parent / "elsewhere").write_text("theirs\n")
    path.symlink_to(path.parent / "elsewhere")


def a_link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def of_another_user(path: Path) -> None:
    path.write_text("theirs\n")
    os.chown(path, 12345, 12345)


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.mkdir()


def not_text(path: Path) -> None:
    path.write_bytes(b"\xff\xfe")


@pytest.mark.parametrize(
    "make", [a_link, a_link_to_nowhere, of_another_user, a_fifo, a_folder, not_text], ids=lambda f: f.__name__
)
def test_what_is_not_a_file_of_ours_is_left_alone(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path = tmp_path / "config"
    make(path)
    before = os.lstat(path)
    with pytest.raises(ConfigError, match=str(path)) as error:
        changes([Draft(str(path), "ours\n")])
    assert error.value.hint
    assert os.lstat(path) == before


def test_nothing_is_written_where_others_may_put_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    draft = Draft(str(folder / "config"), "ours\n")
    with pytest.raises(ConfigError, match=f"^{folder}/config ") as error:
        write(changes([draft]))
    assert error.value.hint == f"chown root {folder} && chmod go-w {folder}"
    assert list(folder.iterdir()) == []


def test_what_a_killed_run_has_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "config.0123abcd.tmp").write_text("a secret perhaps\n")
    (tmp_path / "other.0123abcd.tmp").write_text("somebody else's\n")
    write(changes([Draft(str(tmp_path / "config"), "ours\n")]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config", "other.0123abcd.tmp"]


class TestToml:
    def test_a_new_section_stands_at_the_end_and_all_else_stays(self) -> None:
        text = '# mine\nca = "letsencrypt"   # and more\n\n[account.a]\nprovider = "memory"\n'
        after = set_key(text, ["account", "b"], "provider", '"rfc2136"', "f")
        assert after == text + '\n[account.b]\nprovider = "rfc2136"\n'

    def test_a_key_is_changed_in_its_place(self) -> None:
        text = '[account.b]\nprovider = "x"\ntoken = "old" # why\n\n# about c\n[account.c]\nprovider = "y"\n'
        after = set_key(text, ["account", "b"], "token", '"new"', "f")
        assert after == text.replace('token = "old" # why', 'token = "new"')

    def test_a_new_key_stands_in_its_section(self) -> None:
        text = '[account.b]\nprovider = "x"\n\n# about c\n[ account . "c" ]\nprovider = "y"\n'
        after = set_key(text, ["account", "b"], "options.user", '"me"', "f")
        assert after == text.replace('"x"\n', '"x"\noptions.user = "me"\n')

    def test_a_zone_s_name_is_quoted(self) -> None:
        after = set_key("", ["zone", "example.org"], "account", '"own"', "f")
        assert tomllib.loads(after) == {"zone": {"example.org": {"account": "own"}}}

    @pytest.mark.parametrize(
        "text",
        [
            'account = { b = { provider = "x" } }\n',
            'note = """\n[account.b]\n"""\n',
            'account.b.provider = "x"\n',
            '[account.b]\ntoken = """\nold\n"""\n',
        ],
    )
    def test_what_cannot_be_changed_line_by_line_is_said_with_what_to_write(self, text: str) -> None:
        with pytest.raises(ConfigError, match="line by line") as error:
            set_key(text, ["account", "b"], "token", '"new"', "f")
        assert error.value.hint == 'write in it by hand, below [account.b]: token = "new"'


class TestShell:
    PATTERN = r"\s*(export\s+)?{name}="

    def test_the_last_assignment_gives_way(self) -> None:
        text = "#CA=no\nCA=one\nCA=two\nOTHER_CA=x\n"
        assert assign(text, "CA", 'CA="three"', self.PATTERN) == '#CA=no\nCA=one\nCA="three"\nOTHER_CA=x\n'

    def test_what_is_not_there_stands_at_the_end(self) -> None:
        assert assign("A=1", "CA", "CA=2", self.PATTERN) == "A=1\nCA=2\n"

    def test_variables_are_taken_out_by_their_whole_names(self) -> None:
        text = "export A=1\nAB=2\n  A=3\n#A=4\n"
        assert without(text, {"A"}) == "AB=2\n#A=4\n"
