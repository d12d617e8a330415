"""Options of a provider whose names are up to the user: tables in the file, prefixes in variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.config.load import load_settings
from dns01.secret import redact

LEXICON = '[account.web]\nprovider = "lexicon"\napi = "gandi"\n'
VARIABLES = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "lexicon", "LEXICON_PROVIDER": "gandi"}


def options(environ: dict[str, str]) -> dict[str, str]:
    (account,) = load_settings(environ).accounts.values()
    return {key: value for key, value in account.options.items() if "." in key}


def written(folder: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    file = folder / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    return {"DNS01_CONFIG": str(file), "A_TOKEN": "of-a-variable"}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.touch(0o600)
    path.write_text("of-a-file\n")
    return path


class TestVariables:
    def test_are_those_that_begin_as_the_chosen_api_says(self) -> None:
        others = {"LEXICON_OVH_AUTH_TOKEN": "x", "LEXICON_GANDI_": "x", "LEXICON_GANDI_EMPTY": ""}
        ours = {"LEXICON_GANDI_AUTH_TOKEN": "abcdefgh", "LEXICON_GANDI_API_PROTOCOL": "rest"}
        assert options({**VARIABLES, **others, **ours}) == {
            "options.AUTH_TOKEN": "abcdefgh",
            "options.API_PROTOCOL": "rest",
        }

    def test_may_name_a_file_instead(self, secret: Path) -> None:
        environ = {**VARIABLES, "LEXICON_GANDI_AUTH_TOKEN_FILE": str(secret)}
        assert options(environ) == {"options.AUTH_TOKEN": "of-a-file"}
        secret.chmod(0o644)
        with pytest.raises(ConfigError, match=f"LEXICON_GANDI_AUTH_TOKEN_FILE: {secret} ") as refusal:
            load_settings(environ)
        assert refusal.value.hint == f"chmod 600 {secret}"

    def test_none_are_needed(self) -> None:
        assert options(VARIABLES) == {}

    def test_keep_their_case(self) -> None:
        environ = {"DNS01_CONFIG": "", "DNS01_PROVIDER": "exec", "EXEC_PATH": "x", "EXEC_ENV_CF_Token": "t"}
        assert options(environ) == {"env.CF_Token": "t"}

    def test_without_the_api_it_is_what_is_asked_for(self) -> None:
        with pytest.raises(ConfigError, match=r" api \(LEXICON_PROVIDER\)"):
            load_settings({"DNS01_CONFIG": "", "DNS01_PROVIDER": "lexicon", "LEXICON__X": "y"})


class TestFile:
    def test_has_a_table_of_strings_and_of_places(self, tmp_path: Path, secret: Path) -> None:
        text = f"{LEXICON}[account.web.options]\nauth_token = {{ env = 'A_TOKEN' }}\nport = 53\n"
        text += f"other = {{ file = '{secret.name}' }}\n"
        assert options(written(tmp_path, text)) == {
            "options.auth_token": "of-a-variable",
            "options.port": "53",
            "options.other": "of-a-file",
        }

    @pytest.mark.parametrize(
        ("line", "place", "named"),
        [
            ("options.auth_token = true", "options.auth_token: ", "{ file = "),
            ('options.auth_token = { env = "NONE" }', "options.auth_token: ", "NONE"),
            ('option.auth_token = "x"', "", "'options'"),
        ],
    )
    def test_says_what_is_wrong_by_its_key(self, tmp_path: Path, line: str, place: str, named: str) -> None:
        with pytest.raises(ConfigError) as error:
            load_settings(written(tmp_path, LEXICON + line))
        assert f"[account.web]: {place}" in str(error.value)
        assert named in str(error.value) + error.value.hint
        assert error.value.hint

    def test_is_none_where_a_string_stands_in_its_place(self, tmp_path: Path) -> None:
        environ = written(tmp_path, f'{LEXICON}options = "x"')
        with pytest.raises(ConfigError) as error:
            load_settings(environ)
        message = f"{environ['DNS01_CONFIG']}: [account.web]: options: it is no table"
        hint = 'write options = { NAME = "…" } below it'
        assert (str(error.value), error.value.hint) == (message, hint)

    def test_is_refused_with_an_entry_in_it_that_others_can_read(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"options\.auth_token: .*\(mode 0644\)") as error:
            load_settings(written(tmp_path, f'{LEXICON}options.auth_token = "x"', mode=0o644))
        assert error.value.hint.startswith("chmod 600")


@pytest.mark.parametrize(
    ("entry", "hidden"),
    [("AUTH_TOKEN", "s3cret"), ("API_KEY", "s3cret"), ("OTHER", "a-long-value"), ("API_PROTOCOL", "rpcs")],
)
def test_an_entry_is_hidden_unless_it_is_short_and_called_like_no_secret(entry: str, hidden: str) -> None:
    load_settings({**VARIABLES, f"LEXICON_GANDI_{entry}": hidden})
    assert redact(f"it is {hidden}") == ("it is rpcs" if hidden == "rpcs" else "it is [secret]")
