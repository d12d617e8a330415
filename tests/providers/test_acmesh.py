"""acme.sh's DNS scripts: how they are driven.

acme.sh itself is on no registry that these tests may use. What is driven here is a STAND-IN: a file
of the same shape (functions, and at its end ``main "$@"``, which shows the help where there is no
word), with those of its functions that a script cannot do without, and a script that uses nsupdate.
"""

from __future__ import annotations

import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from api_refusals import API_ACCESS
from contract import KeepsRecords, validation
from programs import NSUPDATE, SECRET, TTL, OnBind, script
from testbed import Bind
from testbed.serving import Served, SilentHandler

from dns01.errors import ConfigError, ProviderError, Unreachable
from dns01.providers import load
from dns01.providers.base import TxtRecord, Zone

ZONE = Zone("example.com")
RECORD = TxtRecord("_acme-challenge.example.com", validation("a"))

STAND_IN = """#!/usr/bin/env sh
# A stand-in for acme.sh.
_info() { echo "[$(date)] $1"; }
_err() { echo "[$(date)] $1" >&2; return 1; }
_debug() { [ -z "$DEBUG" ] || echo "$@" >&2; }
_startswith() { echo "$1" | grep "^$2" >/dev/null 2>&1; }
__initHome() {
  if [ -z "$LE_WORKING_DIR" ]; then LE_WORKING_DIR="$HOME/.acme.sh"; fi
  export LE_WORKING_DIR
  if [ -z "$LE_CONFIG_HOME" ]; then LE_CONFIG_HOME="$LE_WORKING_DIR"; fi
  export LE_CONFIG_HOME
  mkdir -p "$LE_CONFIG_HOME"
}
_initpath() {
  __initHome
  if [ -z "$ACCOUNT_CONF_PATH" ]; then ACCOUNT_CONF_PATH="$LE_CONFIG_HOME/account.conf"; fi
  if [ -f "$ACCOUNT_CONF_PATH" ]; then . "$ACCOUNT_CONF_PATH"; fi
  initialized=yes
}
_saveaccountconf_mutable() { echo "SAVED_$1='$2'" >>"$ACCOUNT_CONF_PATH"; }
_readaccountconf_mutable() { eval "echo \\"\\$SAVED_$1\\""; }
showhelp() { _initpath; echo "Usage: acme.sh <command> ... [parameters ...]"; }
_process() { echo "no word of ours is an option of acme.sh" >&2; exit 99; }
main() {
  [ -z "$1" ] && showhelp && return
  if _startswith "$1" '-'; then _process "$@"; else "$@"; fi
}
main "$@"
"""

SCRIPT = f"""#!/usr/bin/env sh
{NSUPDATE}
dns_test_add() {{
  [ "$initialized" ] || return 1
  NS_SECRET="${{NS_SECRET:-$(_readaccountconf_mutable NS_SECRET)}}"
  _saveaccountconf_mutable NS_SECRET "$NS_SECRET"
  _debug "secret $NS_SECRET"
  _info "Adding $2"
  change add "$1." "$2"
}}
dns_test_rm() {{ change delete "$1." "$2"; }}
"""

POSTS = r"""#!/usr/bin/env sh
dns_posts_add() {
  _CURL="curl --silent --show-error --dump-header $LE_CONFIG_HOME/http.header "
  _H1="Authorization: Bearer $PO_Token" _H2=
  $_CURL --user-agent "acme.sh user" -X POST -H "$_H1" -H "$_H2" --data "$PO_Body" "$PO_URL/add?key=$PO_Token"
}
dns_posts_rm() {
  printf %s "$PO_Body" | curl --silent -u "user:$PO_Token" --data-binary @- -X DELETE "$PO_URL/rm" &&
    curl --silent --data "" -d "$PO_Body" "$PO_URL/rm"
}
"""

FAULTS = """
dns_faulty_add() {
  case $FAULT in
    refuse) _err "You don't specify $FAULT_Id"; return 1 ;;
    look) cat /proc/$$/cmdline >"$SEEN" ;;
    plan) _err '{"statusDescription":"You do not have access to the HTTP API. Check your plan."}'; return 1 ;;
    hang) _info "Sleeping"; sleep 100 ;;
    syntax) if ; ;;
  esac
}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "acme home"
    (home / "dnsapi").mkdir(parents=True)
    script(home / "acme.sh", STAND_IN)
    script(home / "dnsapi" / "dns_test.sh", SCRIPT)
    return home


@pytest.fixture(scope="module")
def bind() -> Iterator[Bind]:
    with Bind("127.1.62.1", {"example.com": ""}, [("hook", "hmac-sha256", SECRET)]) as bind:
        yield bind


@pytest.fixture
def case(bind: Bind, home: Path) -> OnBind:
    return OnBind(bind, "acmesh", {"api": "dns_test", "home": str(home)})


class TestContract(KeepsRecords):
    """But for one promise, which is the script's own affair: nsupdate gives all records of a name
    the TTL of the newest."""

    test_a_foreign_value_stays_with_its_ttl = None  # type: ignore[assignment]
    MANY = 12

    @pytest.fixture
    def least_ttl(self) -> int:
        return TTL


def test_the_zone_is_the_one_that_the_dns_says(case: OnBind) -> None:
    assert case.provider().zone_for("deep.example.com") == Zone("deep.example.com")


def test_nothing_is_left_in_its_folder_nor_elsewhere(
    case: OnBind, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    monkeypatch.setenv("HOME", str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    case.provider().publish(ZONE, [RECORD])
    assert sorted(tmp_path.rglob("*")) == before
    assert case.world_sees(RECORD.name) == {RECORD.value}


def test_its_variables_may_be_those_of_the_environment(case: OnBind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NS_SECRET", case.options.pop("env.NS_SECRET"))
    record = TxtRecord("environment.example.com", validation("a"))
    case.provider().publish(ZONE, [record])
    assert case.world_sees(record.name) == {record.value}


def test_what_it_says_on_the_way_is_not_our_output(case: OnBind, capfd: pytest.CaptureFixture[str]) -> None:
    case.provider().publish(ZONE, [RECORD])
    assert capfd.readouterr() == ("", "")


class Web(Served, ThreadingHTTPServer):
    """Takes every request, and looks meanwhile what arguments the processes of this machine have."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._server = self
        self.asked: list[tuple[str, str, str, bytes]] = []
        self.arguments = b""


class Handler(SilentHandler):
    server: Web

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                self.server.arguments += file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_DELETE = answer


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.mark.parametrize(
    "body",
    [
        '{"value": "a"}',
        "words of 5e0c71",  # which no other process of this machine has
        'back\\slash "quote" \\n $(id) `id` $HOME %41 # x',
        "lines\nof \\\nJSON\n}",
        "\ttab é",
        "--config",
    ],
)
def test_no_credential_is_an_argument_of_curl_and_all_of_it_arrives(home: Path, web: Web, body: str) -> None:
    token = 'c9f1"\\$7b2e'
    script(home / "dnsapi" / "dns_posts.sh", POSTS)
    url = f"http://127.0.0.1:{web.server_port}"
    options = {"api": "dns_posts", "home": str(home), "time_limit": "300"}
    variables = {"env.PO_Token": token, "env.PO_Body": body, "env.PO_URL": url}
    provider = load("acmesh")(options | variables)

    provider.run("add", RECORD)
    provider.run("rm", RECORD)

    path, basic = f"/add?key={token}", f"Basic {b64encode(f'user:{token}'.encode()).decode()}"
    assert web.asked == [
        ("POST", path, f"Bearer {token}", body.encode()),
        ("DELETE", "/rm", basic, body.encode()),
        ("POST", "/rm", "", b"&" + body.encode()),
    ]
    assert b"--config" in web.arguments
    assert token.encode() not in web.arguments
    assert body == "--config" or body.encode() not in web.arguments


def test_where_there_is_no_curl_none_is_made_up(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """acme.sh takes wget then."""
    (tmp_path / "bin").mkdir()
    for program in ("sh", "cat", "mkdir", "grep", "date"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    script(home / "dnsapi" / "dns_has.sh", "dns_has_add() { ! command -v curl; }\n")
    provider = load("acmesh")({"api": "dns_has", "home": str(home), "time_limit": "300"})

    provider.run("add", RECORD)


class TestFaults:
    @pytest.fixture
    def options(self, home: Path) -> dict[str, str]:
        (home / "dnsapi" / "dns_faulty.sh").write_text(FAULTS.replace("syntax) if ; ;;", ""))
        return {"api": "dns_faulty", "home": str(home), "time_limit": "300"}

    def test_what_a_script_refuses_is_said_without_what_it_tells_of_the_account(
        self, options: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FAULT_Id", "a-name-that-is-no-secret-to-guess")
        with pytest.raises(ProviderError, match=r"_add _acme-challenge\.example\.com ended") as error:
            load("acmesh")({**options, "env.FAULT": "refuse"}).publish(ZONE, [RECORD])
        assert "You don't specify [secret]" in str(error.value)

    def test_the_next_step_is_that_of_what_the_api_says(self, options: dict[str, str]) -> None:
        """acmesh-official/acme.sh#6520"""
        with pytest.raises(ProviderError, match="Check your plan") as error:
            load("acmesh")({**options, "env.FAULT": "plan"}).publish(ZONE, [RECORD])
        assert f"{API_ACCESS} at dns_faulty" in error.value.hint

    def test_a_script_that_hangs_is_ended(self, options: dict[str, str]) -> None:
        options |= {"env.FAULT": "hang", "time_limit": "2"}
        with pytest.raises(Unreachable, match=r"ended after 2 s.*Sleeping"):
            load("acmesh")(options).publish(ZONE, [RECORD])

    def test_its_secrets_are_in_no_command_line(self, options: dict[str, str], tmp_path: Path) -> None:
        """Which all users of the machine may read; the shell's own has the name and the value."""
        options |= {"env.FAULT": "look", "env.FAULT_Secret": "never-in-argv", "env.SEEN": f"{tmp_path}/seen"}
        load("acmesh")(options).publish(ZONE, [RECORD])
        seen = (tmp_path / "seen").read_text()
        assert RECORD.value in seen
        assert "never-in-argv" not in seen

    def test_a_script_that_is_no_shell_is_an_error(self, options: dict[str, str], home: Path) -> None:
        (home / "dnsapi" / "dns_faulty.sh").write_text(FAULTS)
        with pytest.raises(ProviderError, match=r"(?i)syntax error"):
            load("acmesh")(options).publish(ZONE, [RECORD])

    def test_a_verb_that_it_does_not_have_is_an_error(self, options: dict[str, str]) -> None:
        with pytest.raises(ProviderError, match=r"dns_faulty_rm.*not found"):
            load("acmesh")(options).retract(ZONE, [RECORD])

    def test_a_script_that_is_not_there_names_the_nearest(self, options: dict[str, str]) -> None:
        with pytest.raises(ConfigError, match=r"no dns_tets\.sh") as error:
            load("acmesh")({**options, "api": "dns_tets"})
        assert "dns_test" in error.value.hint

    @pytest.mark.parametrize("api", ["../dns_test", "", "test"])
    def test_what_is_no_name_of_a_script_is_refused(self, options: dict[str, str], api: str) -> None:
        with pytest.raises(ConfigError):
            load("acmesh")({**options, "api": api})

    def test_an_acme_sh_that_is_not_installed_says_where_it_was_looked_for(
        self, options: dict[str, str], tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match=str(tmp_path)) as error:
            load("acmesh")({**options, "home": str(tmp_path)})
        assert "ACMESH_HOME" in error.value.hint
        os.unlink(f"{options['home']}/acme.sh")
        with pytest.raises(ConfigError, match=r"there is no acme\.sh"):
            load("acmesh")(options)
