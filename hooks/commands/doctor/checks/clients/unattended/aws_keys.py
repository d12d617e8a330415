"""Where boto3 finds keys that no variable has: files of the user's, and the machine's own role.

https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html
"""

from __future__ import annotations

import os

from ......clients.setup.text_files import is_gone, read_text
from ....finding import Examined
from .runs import Run, user_of

FILES = (".aws/credentials", ".aws/config", ".boto")  # beneath a user's home
OF_ALL = ("/etc/boto.cfg",)
# Variables that name where keys are, or who gives some out.
ELSEWHERE = (
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "BOTO_CONFIG",
)  # fmt: skip
# What says that a machine is one of Amazon's, which may have a role.
VENDORS = ("/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/board_vendor", "/sys/hypervisor/uuid")


def may_be_found(examined: Examined, run: Run) -> bool:
    """Whether nobody can tell from here that there are none."""
    user = user_of(run, examined.root)
    home = run.environ.get("HOME") or (user.home if user else "/root")
    files = (*(os.path.join(home, file) for file in FILES), *OF_ALL)
    if any(run.environ.get(name) for name in ELSEWHERE):
        return True
    if any(not is_gone(file, examined.root) for file in files):
        return True
    return any(
        (read_text(file, examined.root) or "").lower().startswith(("amazon", "ec2")) for file in VENDORS
    )
