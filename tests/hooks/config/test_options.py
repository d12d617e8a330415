"""How an option is refused that is not given, or whose value is not where it is said to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.config.options import complete, from_toml, from_variables
from dns01.options import Option

SERVER = Option("nameserver", ("RFC2136_NAMESERVER",), "host or address", required=True)
NEITHER = (
    "it is neither a string nor the place of one",
    'write "…", { file = "…" }, { env = "…" } or { credential = "…" }',
)
SECRET = "q7Zt_9LkXvB2mNc8RsYpWfJ4hGd1aEuT6oIyQwKz"


def said(refusal: pytest.ExceptionInfo[ConfigError]) -> tuple[str, str]:
    return str(refusal.value), refusal.value.hint


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (SERVER, "the account web lacks nameserver (RFC2136_NAMESERVER): host or address"),
        (SERVER._replace(env=()), "the account web lacks nameserver: host or address"),
    ],
)
def test_a_required_one_that_is_not_given_is_asked_for_by_key_and_variable(
    option: Option, message: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        complete("the account web", [option], {}, "/state", "write {key} = …, or export {variable}=…")
    variable = (*option.env, "")[0]
    assert said(refusal) == (message, f"write nameserver = …, or export {variable}=…")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a"], NEITHER),
        (True, NEITHER),
        ({"files": "/x"}, NEITHER),
        ({"file": "/x", "env": "X"}, NEITHER),
        ({"file": 7}, NEITHER),
        ({"env": "SERVER"}, ("the variable SERVER is not set", "export SERVER=…")),
        (
            {"credential": "server"},
            (
                "systemd gives this process no credentials",
                "write LoadCredential=server:/path into its unit, or use { file = … } here",
            ),
        ),
        (
            {"file": SECRET},
            (
                "file = … wants a path, and something else is given"
                " (not shown: it looks like the secret itself)",
                'put it into a file of mode 0600, and write { file = "/path/of/it" }',
            ),
        ),
    ],
)
def test_what_is_no_string_nor_its_place_is_refused_with_what_would_be(
    value: object, expected: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError) as refusal:
        from_toml(value, SERVER, {}, "/etc/dns01")
    assert said(refusal) == expected


def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    path = str(tmp_path / "server")
    with pytest.raises(ConfigError) as refusal:
        from_variables(SERVER, {"RFC2136_NAMESERVER_FILE": path})
    assert said(refusal) == (
        f"RFC2136_NAMESERVER_FILE: {path} cannot be read: No such file or directory",
        "it has to hold host or address",
    )


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "server"
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError) as refusal:
        from_toml({"file": "server"}, SERVER, {}, str(tmp_path))
    assert said(refusal) == (f"{path} is not text (UTF-8)", "it has to hold host or address")
