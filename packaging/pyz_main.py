# ruff: noqa: UP032 (f-strings are of Python 3.6)
"""``dns01.pyz``: unpacks dns01 once into the user's cache, and runs it from there.

From within a ZIP file neither compiled modules nor a second process could be started, and each call would
read the archive's table. What is too old for dns01 shall be able to read this file, and say so.
"""

import os
import sys
import time

DIGEST = "{digest}"  # of the payload: another build has another folder
UNUSED = 30 * 86400  # seconds after which the folder of another build is removed
KILLED = 86400  # seconds after which a folder that was not completed is
DAY = 86400


def run():
    """Gives the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036
        version = ".".join(map(str, sys.version_info[:2]))
        fail(
            "dns01 needs Python 3.11 or newer, and {} is {}".format(sys.executable, version),
            "name a newer one, also where a client calls it: python3.11 " + sys.argv[0],
        )
    cache = cache_folder()
    folder = os.path.join(cache, DIGEST)
    try:
        if not is_there(folder):
            unpack(cache, folder)
    except ImportError as error:
        fail(
            "{} lacks {}, which is Python's own".format(sys.executable, error.name),
            "install all of it; in Debian, python3 beside python3-minimal",
        )
    sys.path[0] = folder
    from dns01.hooks.hook import main

    return main()


def cache_folder():
    """Where the user's cache is (XDG base directories; CacheDirectory= of systemd)."""
    given = os.environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    if given:
        return given
    if os.geteuid() == 0:
        return "/var/cache/dns01"
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if not os.path.isabs(folder):
        fail("this user has no home to unpack dns01 into", "export CACHE_DIRECTORY=, a folder of this user's")
    return os.path.join(folder, "dns01")


def is_there(folder):
    """Whether it has been unpacked. Code of somebody else's making is not run."""
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        return False
    except OSError as error:
        fail_for(error)
    refuse_others(folder, status)
    if time.time() - status.st_mtime > DAY:
        try:  # noqa: SIM105 (contextlib costs more than all of this)
            os.utime(folder)  # it is in use
        except OSError:
            pass
    return True


def refuse_others(folder, status):
    import stat

    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        fail(
            folder + " is not a folder that this user alone may write",
            "remove it, or export CACHE_DIRECTORY=, a folder of this user's",
        )


def unpack(cache, folder):
    """Whole or not at all, whoever else does the same at this moment."""
    import shutil
    import tempfile

    try:
        os.makedirs(cache, 0o700, exist_ok=True)
        refuse_others(cache, os.stat(cache))
        remove_old(cache)
        new = tempfile.mkdtemp(prefix="partial-", dir=cache)
        try:
            extract(new)
            os.rename(new, folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        if not is_there(folder):  # nor has another process been faster
            fail_for(error)


def extract(folder):
    """What the payload has for this machine."""
    from io import BytesIO
    from zipfile import ZipFile

    with ZipFile(sys.path[0]) as outer, ZipFile(BytesIO(outer.read("payload.zip"))) as payload:
        for entry in payload.infolist():
            part, _, entry.filename = entry.filename.partition("/")
            if part in ("any", os.uname().machine):
                payload.extract(entry, folder)


def remove_old(cache):
    """What other builds have left that nobody uses, and what was killed half-way."""
    import shutil

    for entry in os.scandir(cache):
        age = time.time() - entry.stat(follow_symlinks=False).st_mtime
        partial = entry.name.startswith("partial-")
        whole = len(entry.name) == len(DIGEST) and not entry.name.strip("0123456789abcdef")
        if (partial and age > KILLED) or (whole and age > UNUSED):
            shutil.rmtree(entry.path, ignore_errors=True)


def fail_for(error):
    fail(
        "{}: {}".format(error.filename or "the cache", error.strerror),
        "dns01.pyz is unpacked there once: export CACHE_DIRECTORY=, a folder that this user may write",
    )


def fail(message, hint):
    sys.exit("dns01: {}\n   -> {}".format(message, hint))


sys.exit(run())
