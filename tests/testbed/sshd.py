"""OpenSSH's server on loopback, and a client's configuration that leads there."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from .process import Server, free_port, is_listening

# In a /run of its own, where the server wants an empty folder. Each address is a machine: what is in
# MACHINES/ADDRESS there is in MACHINE here. Its HOME is not this machine's: bash reads the .bashrc in there
# at each connection, whatever that may start.
SERVER = """
Port {port}
ListenAddress 0.0.0.0
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
AllowUsers root
PasswordAuthentication no
KbdInteractiveAuthentication no
MaxStartups 100
SetEnv HOME={folder}/machine
ForceCommand {folder}/session
"""
SESSION = """#!/bin/sh
set -- $SSH_CONNECTION
mkdir -p {folder}/machines/$3
exec unshare --mount sh -c 'mount --bind {folder}/machines/'"$3"' {folder}/machine && exec "$@"' \\
    sh {shell} -c "$SSH_ORIGINAL_COMMAND"
"""
# The key exchange that is the default takes ten times as much computing.
CLIENT = """
Host silent
    HostName 127.0.0.1
    Port {silent}
Host *
    Port {port}
    User root
    KexAlgorithms curve25519-sha256
    IdentityFile {folder}/client_key
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile none
"""


class Sshd(Server):
    """``config``: for ``ssh -F``. Any address of 127.0.0.0/8 is a machine of its own, whose ``machine``
    is the folder of that path. ``login_shell``: what root has there."""

    def __init__(self, login_shell: str = "/bin/sh", silent_port: int = 1) -> None:
        self.port = free_port("127.0.0.1")
        self._shell = login_shell
        self._silent_port = silent_port

    def prepare(self) -> Sequence[str]:
        for key in ("host_key", "client_key"):
            command = ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / key)
            subprocess.run(command, check=True)
        self.know()
        told = {"folder": self.folder, "port": self.port, "shell": self._shell, "silent": self._silent_port}
        for name, text in (("sshd_config", SERVER), ("session", SESSION), ("config", CLIENT)):
            (self.folder / name).write_text(text.format(**told))
        (self.folder / "session").chmod(0o755)
        self.folder.chmod(0o755)
        (self.folder / "machine").mkdir()
        run = "mount -t tmpfs none /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f sshd_config"
        return ["unshare", "--mount", "sh", "-c", run]

    def is_ready(self) -> bool:
        return is_listening("127.0.0.1", self.port)

    def know(self, key: str = "host_key") -> None:
        """Have the client know the server by that key."""
        kind, content, *_ = (self.folder / f"{key}.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"* {kind} {content}\n")

    @property
    def config(self) -> str:
        return str(self.folder / "config")

    @property
    def machine(self) -> str:
        """The path of a machine's own folder, as the machine itself has it."""
        return str(self.folder / "machine")

    def on(self, address: str) -> Path:
        """Where that folder is to us."""
        path = self.folder / "machines" / address
        path.mkdir(parents=True, exist_ok=True)
        return path
