"""``dns01 issue`` past every name server: referrals, a CNAME, a delegated challenge, resolvers asked last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from calls import HOOK

from .clients import Issued
from .conftest import newcomers
from .stage import NAMES, STAGES, Stage
from .verify import verify


@pytest.mark.parametrize("stage", list(STAGES), indirect=True)
def test_a_certificate_is_issued_and_nothing_is_left(
    stage: Stage, bystanders: set[str], tmp_path: Path
) -> None:
    config = Path(stage.environment.get("DNS01_CONFIG", tmp_path / "issue.toml"))
    config.touch(0o600)
    names = ", ".join(f'"{name}"' for name in NAMES)
    more = f'[ca]\ndirectory = "{stage.ca.directory}"\nca_file = "{stage.ca.ca_file}"\n'
    config.write_text(f'{config.read_text()}\n{more}[certificate."all"]\nnames = [{names}]\n')
    state = tmp_path / "state"
    environ = {**stage.environment, "DNS01_CONFIG": str(config), "DNS01_STATE_DIR": str(state)}

    run = subprocess.run(
        [sys.executable, str(HOOK), "issue"],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    print(run.stdout, run.stderr)
    assert run.returncode == 0
    folder = state / "certificates" / "all"
    verify(Issued(folder / "privkey.pem", folder / "fullchain.pem"), NAMES, stage.ca.roots())
    assert stage.texts() == set()
    assert not list(state.glob("open/*"))
    assert newcomers(bystanders) == set()
    assert " ! " not in run.stderr  # the warnings look like this
