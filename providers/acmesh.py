"""An installed acme.sh's DNS scripts, ``dnsapi/dns_*.sh``, of which there are about 180.

The account is what the script's own variables say (CF_Token, …), as acme.sh's page on it tells: they
are taken from the environment, or from the table ``env``. What acme.sh itself has saved of an
account is not looked at, and nothing is saved there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from tempfile import TemporaryDirectory

from ..child_process import run
from ..errors import ConfigError, ProviderError
from ..options import seconds
from ..regular_file import read_regular
from ..secret import hide_setting
from ._bridge import ProgramBridge, entries
from ._http.causes import cause_of, in_words
from .base import Option, Profile, TxtRecord

# acme.sh gives curl credentials as arguments, which every user of the machine can see (ps): what may hold one
# is handed on as a configuration, on a descriptor. What stands for the standard input stays where it is.
CURL = r"""
if command -v curl >/dev/null; then
_dns01_hide() {
  _dns01_quoted=$(printf %s "$2" | sed 's/[\\"]/\\&/g' | sed -e :a -e '$!{N;ba' -e '}' -e 's/\n/\\n/g')
  _dns01_hidden="$_dns01_hidden$1 \"$_dns01_quoted\"
"
}
curl() {
  _dns01_hidden= _dns01_option= _dns01_left=$#
  while [ "$_dns01_left" -gt 0 ]; do
    _dns01_word=$1 _dns01_left=$((_dns01_left - 1))
    shift
    case $_dns01_option in
      "") case $_dns01_word in
        -H|--header|-d|--data|--data-*|-u|--user|-F|--form|-b|--cookie|-x|--proxy|-e|--referer)
          _dns01_option=$_dns01_word ;;
        http://*|https://*) _dns01_hide --url "$_dns01_word" ;;
        *) set -- "$@" "$_dns01_word" ;;
        esac ;;
      *) case $_dns01_word in
        @-) set -- "$@" "$_dns01_option" "$_dns01_word" ;;
        *) _dns01_hide "$_dns01_option" "$_dns01_word" ;;
        esac
        _dns01_option= ;;
    esac
  done
  command curl --config /dev/fd/3 "$@" 3<<DNS01
$_dns01_hidden
DNS01
}
fi
"""

# acme.sh is a program, and a library if it is sourced without a word, when it shows but its help.
# Whatever a script saves goes to a folder that is gone afterwards.
DRIVER = f"""
_dns01_script=$1 _dns01_verb=$2 _dns01_name=$3 _dns01_value=$4
set --
. "$LE_WORKING_DIR/acme.sh" >/dev/null
_initpath
{CURL}
. "$_dns01_script" || exit
"$_dns01_verb" "$_dns01_name" "$_dns01_value"
"""

# What a script is told that is no secret: a domain, an address, a mail address, a path, a number.
PLAIN = re.compile(
    r"(https?://)?[a-z0-9_*.-]+\.[a-z]{2,24}\.?(:\d+)?(/[\w./-]*)?|[\w.+-]+@[\w.-]+|/[\w./-]+|[\d.:]+"
)

LARGEST_SCRIPT = 4 << 20  # octets
NOISE = ("DEBUG", "OUTPUT_INSECURE", "LOG_FILE")  # with these, acme.sh tells secrets


class Provider(ProgramBridge):
    """Some scripts remove every TXT record at a name and not the given one alone (dns_nsupdate does:
    use rfc2136). The zone's name servers tell: what another order waits for is put back then, and
    what else is lost is said. Some scripts add what is there once more.
    """

    title = "acme.sh's DNS scripts"
    docs = "https://github.com/acmesh-official/acme.sh/wiki/dnsapi"
    options = (
        Option("api", ("ACMESH_API",), "the script, for example dns_cf", required=True),
        Option("home", ("ACMESH_HOME",), "where acme.sh is installed", default="~/.acme.sh"),
        Option("time_limit", ("ACMESH_TIME_LIMIT",), "how many seconds one call may take", default="120"),
        Option(
            "env",
            ("ACMESH_ENV_*",),
            "a variable of the script's own, once for each that is not in the environment anyway",
            secret=True,
            table=True,
        ),
    )
    profile = Profile()
    adds, removes = "add", "rm"

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__()
        self._api = options["api"]
        self._home = os.path.abspath(os.path.expanduser(options["home"]))
        self._limit = seconds(options["time_limit"], "ACMESH_TIME_LIMIT")
        self._variables = entries(options, "env")
        self._script = self._find()

    def run(self, verb: str, record: TxtRecord) -> None:
        arguments = [self._script, f"{self._api}_{verb}", record.name, record.value]
        with TemporaryDirectory(prefix="dns01-acmesh-") as scratch:
            command = ["sh", "-c", DRIVER, "acme.sh", *arguments]
            try:
                run(command, self._environ(scratch), self._limit, self.doing(verb, record.name))
            except ProviderError as failure:
                _, remedy = cause_of(str(failure), record.name, {})
                failure.hint = in_words(remedy, self._api, "its variables", record.name) or failure.hint
                raise

    def doing(self, verb: str, name: str) -> str:
        return f"{self.whose}: {self._api}_{verb} {name}"

    def _find(self) -> str:
        """The script's path. Raises ConfigError, which names the nearest ones."""
        folder = f"{self._home}/dnsapi"
        if not os.path.isfile(f"{self._home}/acme.sh") or not os.path.isdir(folder):
            raise ConfigError(
                f"there is no acme.sh with its dnsapi in {self._home}",
                "ACMESH_HOME says where it is installed",
            )
        scripts = sorted(name.removesuffix(".sh") for name in os.listdir(folder) if name.endswith(".sh"))
        if self._api in scripts:
            return f"{folder}/{self._api}.sh"
        near = get_close_matches(self._api, scripts, 3, 0.5) or scripts[:3]
        raise ConfigError(f"{folder} has no {self._api}.sh", f"there are, for example, {', '.join(near)}")

    def _environ(self, scratch: str) -> Mapping[str, str]:
        environ = {name: value for name, value in os.environ.items() if name not in NOISE}
        for name in self._asked() & environ.keys():
            if not PLAIN.fullmatch(environ[name]):
                hide_setting(name, environ[name])
        ours = {
            "LE_WORKING_DIR": self._home,
            "LE_CONFIG_HOME": scratch,
            "ACCOUNT_CONF_PATH": f"{scratch}/account.conf",
        }
        return {**environ, **self._variables, **ours}

    def _asked(self) -> set[str]:
        """The words of the script, the variables that it wants among them; PATH and HOME, which are
        no setting of an account, aside."""
        try:
            text = read_regular(self._script, LARGEST_SCRIPT).decode(errors="replace")
        except (OSError, ValueError) as error:
            raise ConfigError(f"{self._script} cannot be read: {error}", "see what it is: ls -lL") from None
        return set(re.findall(r"\w+", text)) - {"PATH", "HOME", "PWD", "USER"}
