"""What a command of the configuration gets to know."""

from __future__ import annotations

import pytest

from dns01 import providers
from dns01.hooks.deploy.targets import kinds, load
from dns01.hooks.deploy.targets.command import environment

DECLARED = sorted(
    {
        variable.replace("*", "SOMETHING").replace("{api}", "API")
        for options in (
            *(providers.load(name).options for name in providers.names()),
            *(load(kind).options for kind in kinds()),
        )
        for option in options
        if option.secret
        for variable in option.env
    }
)


@pytest.mark.parametrize("variable", DECLARED)
def test_no_variable_that_is_declared_secret_reaches_a_command(variable: str) -> None:
    given = {variable: "the secret", f"{variable}_FILE": "/path", "HOME": "/root", "PWD": "/"}
    left = environment(given)
    assert variable not in left
    assert left.keys() >= {"HOME", "PWD"}
    assert environment(given, [variable])[variable] == "the secret"
