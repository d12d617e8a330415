"""Folders that other users can write to: nothing of theirs is followed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import pytest
from deployed_files import NOBODY, contents

from dns01.errors import ConfigError, DeployError
from dns01.hooks.deploy.targets.base import CertificateFiles
from dns01.hooks.deploy.targets.files import Target

# Folders of other users


def theirs(path: Path, leads_to: Path) -> None:
    """A link that another user has made."""
    path.symlink_to(leads_to)
    os.chown(path, NOBODY, -1, follow_symlinks=False)


def elsewhere(tmp_path: Path) -> Path:
    """A folder of root's that looks like one of versions."""
    folder = tmp_path / "elsewhere"
    for number in range(1, 9):
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / "precious").write_text("kept")
    return folder


@pytest.mark.parametrize("link", [".fullchain.pem.versions", ""], ids=["the versions", "the folder itself"])
def test_nothing_is_written_or_removed_through_a_link_of_another_user(
    tls: Path, new: CertificateFiles, tmp_path: Path, link: str
) -> None:
    precious = elsewhere(tmp_path)
    before = contents(precious)
    if link:
        tls.mkdir()
        os.chown(tls, NOBODY, -1)
    theirs(tls / link if link else tls, precious)
    target = Target({"directory": str(tls)})
    for step in (target.install, target.undo, target.commit):
        with suppress(DeployError):
            step(new)
    with pytest.raises(DeployError, match=rf"^{tls / link if link else tls} .* {NOBODY} "):
        target.install(new)
    assert contents(precious) == before


def test_a_folder_of_versions_that_another_user_has_made_is_refused(tls: Path, new: CertificateFiles) -> None:
    """They could have links in it wherever we write or remove something."""
    (tls / ".fullchain.pem.versions").mkdir(parents=True)
    os.chown(tls / ".fullchain.pem.versions", NOBODY, -1)
    with pytest.raises(DeployError, match=rf"\.versions .* {NOBODY}\b"):
        Target({"directory": str(tls)}).install(new)
    assert contents(tls) == {".fullchain.pem.versions"}


@pytest.mark.parametrize("name", [".fullchain.pem.new", "fullchain.pem"])
def test_a_link_of_another_user_at_the_path_itself_is_replaced_and_what_it_leads_to_is_not_read(
    tls: Path, new: CertificateFiles, tmp_path: Path, name: str
) -> None:
    tls.mkdir()
    os.chown(tls, NOBODY, -1)
    secret = tmp_path / "secret"
    secret.write_text("of root's")
    theirs(tls / name, secret)
    Target({"directory": str(tls)}).install(new)
    assert secret.read_text() == "of root's"
    assert (tls / "fullchain.pem").read_bytes() == new.fullchain
    copies = [path for path in tls.glob(".fullchain.pem.versions/*/*") if path.read_text() == "of root's"]
    assert copies == []


def test_a_link_that_root_has_made_is_followed(tls: Path, new: CertificateFiles, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    tls.symlink_to(tmp_path / "real")
    Target({"directory": str(tls)}).install(new)
    assert (tmp_path / "real" / "fullchain.pem").read_bytes() == new.fullchain


def test_a_name_that_leads_out_of_the_folder_is_refused(tls: Path, new: CertificateFiles) -> None:
    with pytest.raises(DeployError, match="cannot be a part of a path"):
        Target({"directory": f"{tls}/{{name}}"}).check(new._replace(name="../etc"))


@pytest.mark.parametrize(
    ("options", "said", "hint"),
    [
        ({}, "it says no path", 'directory = "…"'),
        ({"combined": "site.pem"}, "'site.pem' starts nowhere", "begins with /"),
        ({"directory": "/d", "cert": "privkey.pem"}, "another file's place", "another path"),
        ({"pkcs12": "/d/x.p12"}, "needs a password", "password ="),
        ({"directory": "/d", "mode.privkey": "416"}, "'416' is no mode", 'mode.privkey = "0640"'),
        ({"directory": "/d", "mode.privkey": "rw-"}, "'rw-' is no mode", 'mode.privkey = "0640"'),
        ({"directory": "/d", "mode.privkey": "0644"}, "0644 gives the private key to every user", "0640"),
        ({"combined": "/d/x.pem", "mode.combined": "0602"}, "gives the private key", "group.combined for"),
        ({"pkcs12": "/d/x.p12", "password": "p", "mode.pkcs12": "0641"}, "gives the private key", "0640"),
        ({"directory": "/d", "mode.cert": "0666"}, "0666 lets every user change it", 'mode.cert = "0644"'),
        ({"directory": "/d", "owner.key": "me"}, "owner: unknown file 'key'", "fullchain, privkey"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(
    options: dict[str, str], said: str, hint: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        Target(options)
    assert hint in caught.value.hint
