"""Notifications: what is told, to whom, once for each change, and never at the cost of a phase."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from bundles import issued
from calls import KEY, NAME, Client, Stage
from checkout import ROOT
from contract import validation
from lifetimes import lasting
from machine import Machine, deploy_cert
from testbed import TIME_LIMIT
from testbed.serving import Served, SilentHandler
from tls_server import at_once, served

from dns01.errors import ConfigError
from dns01.hooks.clients.call import Call
from dns01.hooks.clients.challenge import Challenge
from dns01.hooks.notify.section import Receivers, load_receivers, receivers_to_tell
from dns01.hooks.notify.send import Message, deliver
from dns01.hooks.notify.state_changes import SubjectState, of_call, tell
from dns01.hooks.state.atomic import iso
from dns01.secret import hide

SECRET = "Zm9yLXRoZS1ob29r"
NOON = 1_800_000_000.0
WELL = SubjectState("a thing", "the thing")
ILL = SubjectState("a thing", "the thing", "failed", "it broke", "do")
OTHER = SubjectState("another", "the other", "expired", "it expired", "renew")


class Webhook(Served):
    """Takes what Apprise posts to json://, and nothing else; ``status`` spoils it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(SilentHandler):
            def do_POST(self) -> None:
                assert self.path == f"/{SECRET}"
                assert self.headers["Content-Type"] == "application/json"
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert set(said) == {"version", "title", "message", "attachments", "type"}
                if hook.status == 200:
                    hook.messages.append(said)
                self.send_response(hook.status)
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.port}/{SECRET}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as webhook:
        yield webhook


class Post:
    """Stands for ``deliver``; ``down``: the receivers that take nothing."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []
        self.down: set[str] = set()

    def __call__(
        self, receivers: Receivers, messages: Mapping[str, Message], environ: Mapping[str, str]
    ) -> dict[str, str]:
        taken = {name: message for name, message in messages.items() if name not in self.down}
        self.sent += [(name, message.subject, message.body) for name, message in taken.items()]
        return dict.fromkeys(messages.keys() - taken.keys(), "it is down")

    def since(self) -> list[str]:
        """The bodies that were sent since this was last asked."""
        bodies = [body for _, _, body in self.sent]
        self.sent = []
        return bodies


class Office:
    """Somebody is to be notified, and the post is watched."""

    def __init__(self, folder: Path, notify: str = 'command = "true"') -> None:
        file = folder / "notify.toml"
        file.write_text(f"[notify]\n{notify}\n")
        file.chmod(0o600)
        self.state = folder / "state"
        self.environ = {"DNS01_CONFIG": str(file), "DNS01_STATE_DIR": str(self.state)}
        self.post = Post()

    def tell(self, *seen: SubjectState, at: float = NOON) -> list[str]:
        tell(seen, self.environ, lambda: at, self.post)
        return self.post.since()

    def files(self) -> list[Path]:
        return sorted(self.state.glob("notified/*"))


# Once for each change


def test_a_failure_is_told_once_and_its_end_once(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.tell(ILL) == ["it broke\n  -> do"]
    assert office.tell(ILL, at=NOON + 3600) == []
    assert office.tell(WELL) == ["the thing: all is well again (it was not since 2027-01-15T08:00:00.000Z)"]
    assert office.tell(WELL) == []
    assert office.tell(ILL) == ["it broke\n  -> do"]


def test_the_subject_names_the_host_and_the_thing_or_how_many(tmp_path: Path) -> None:
    office, prefix = Office(tmp_path), f"dns01 on {os.uname().nodename}: "
    ill = ILL._replace(state="not-deployed")
    for seen in ([ill], [WELL, OTHER], [ill, OTHER._replace(state="")]):
        tell(seen, office.environ, lambda: NOON, office.post)
    assert [subject.removeprefix(prefix) for _, subject, _ in office.post.sent] == [
        "the thing: not deployed",
        "1 failing, 1 well again",
        "1 failing, 1 well again",
    ]
    office.post.since()
    tell([WELL], office.environ, lambda: NOON, office.post)
    assert [subject for _, subject, _ in office.post.sent] == [f"{prefix}the thing: all is well again"]


def test_what_was_always_well_is_not_told_and_leaves_no_file(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.tell(WELL) == []
    assert not office.state.exists()


def test_the_same_failure_in_other_words_is_not_told_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.tell(ILL)
    assert office.tell(ILL._replace(text="it broke at another place")) == []


def test_another_state_of_the_same_thing_is_told(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.tell(OTHER._replace(state="expiring", text="it expires"))
    assert office.tell(OTHER) == ["it expired\n  -> renew"]


def test_what_a_call_finds_out_is_one_message(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.tell(ILL, ILL._replace(subject="a third"), OTHER) == [
        "it broke\n  -> do\nit expired\n  -> renew"
    ]


def test_the_state_is_a_file_for_each_subject_that_is_nobody_else_s_to_read(tmp_path: Path) -> None:
    office = Office(tmp_path)
    os.umask(0o022)
    office.tell(ILL, OTHER)
    assert [stat.S_IMODE(file.stat().st_mode) for file in office.files()] == [0o600, 0o600]
    assert stat.S_IMODE((office.state / "notified").stat().st_mode) == 0o700
    office.tell(WELL)
    assert [json.loads(file.read_text())["subject"] for file in office.files()] == ["another"]


def test_a_message_that_was_not_taken_is_sent_by_the_next_call_whatever_that_is_about(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path)
    office.post.down = {"the command"}
    assert office.tell(ILL) == []
    said = capfd.readouterr().err
    assert said == " ! the notification by the command failed: it is down; a later call tries again\n"
    office.post.down = set()
    assert office.tell(SubjectState("anything", "anything"), at=NOON + 601) == ["it broke\n  -> do"]


def test_a_receiver_that_has_just_failed_is_left_alone_for_ten_minutes(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.post.down = {"the command"}
    office.tell(ILL)
    office.post.down = set()
    assert office.tell(OTHER, at=NOON + 599) == []
    assert office.tell(OTHER, at=NOON + 601) == ["it broke\n  -> do\nit expired\n  -> renew"]


def test_what_nobody_has_heard_of_needs_no_good_news(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.post.down = {"the command"}
    office.tell(ILL)
    office.post.down = set()
    assert office.tell(WELL) == []
    assert office.files() == []


def test_a_receiver_that_is_down_costs_the_others_no_second_message(tmp_path: Path) -> None:
    office = Office(tmp_path, 'command = "true"\nurls = ["json://192.0.2.1"]')
    office.post.down = {"urls[0] (json)"}
    assert len(office.tell(ILL)) == 1
    office.post.down = set()
    tell([WELL._replace(subject="anything")], office.environ, lambda: NOON + 601, office.post)
    assert [name for name, _, _ in office.post.sent] == ["urls[0] (json)"]


def test_a_receiver_that_is_not_configured_any_more_needs_no_good_news(tmp_path: Path) -> None:
    office = Office(tmp_path, 'command = "true"\nurls = ["json://192.0.2.1"]')
    assert len(office.tell(ILL)) == 2
    office = Office(tmp_path)
    assert len(office.tell(WELL)) == 1
    assert office.files() == []


def test_only_the_occasions_that_are_wanted_are_told(tmp_path: Path) -> None:
    office = Office(tmp_path, 'command = "true"\non = ["expiry"]')
    assert office.tell(ILL, OTHER) == ["it expired\n  -> renew"]
    assert office.tell(WELL, OTHER._replace(state="")) == []
    assert office.files() == []


def test_a_file_that_cannot_be_read_costs_one_message_too_many(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.tell(ILL)
    office.files()[0].write_text("{")
    assert office.tell(ILL) == ["it broke\n  -> do"]


def test_secrets_are_in_no_message_and_no_file(tmp_path: Path) -> None:
    office = Office(tmp_path)
    hide(SECRET)
    (body,) = office.tell(ILL._replace(text=f"it broke on {SECRET}"))
    assert body.startswith("it broke on [secret]")
    assert SECRET not in office.files()[0].read_text()


@pytest.mark.parametrize(
    ("broken", "place"), [("urls = 1", "urls: "), ('comand = "x"', "unknown key 'comand'"), ("", "")]
)
def test_a_wrong_configuration_is_a_warning_with_its_place_and_the_remedy(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], broken: str, place: str
) -> None:
    office = Office(tmp_path, broken)
    assert office.tell(ILL) == []
    problem, hint = capfd.readouterr().err.splitlines()
    assert problem.startswith(f" ! nobody was notified: {office.environ['DNS01_CONFIG']}: [notify]: {place}")
    assert hint.startswith(" ! ")


def test_a_state_folder_that_cannot_be_used_is_a_warning(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    office = Office(tmp_path)
    office.state.write_text("a file")
    assert office.tell(ILL) == []
    assert f" {office.state} " in capfd.readouterr().err


# The configuration


def receivers(tmp_path: Path, text: str, mode: int = 0o600) -> Receivers | None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(mode)
    return load_receivers({"DNS01_CONFIG": str(file), "HOOK_URL": f"json://host/{SECRET}"})


def test_without_a_section_nobody_is_notified(tmp_path: Path) -> None:
    assert receivers(tmp_path, "") is None
    assert load_receivers({"DNS01_CONFIG": ""}) is None


def test_urls_come_from_files_and_variables_and_the_command_is_split_into_words(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("ntfy://host/topic\n")
    (tmp_path / "url").chmod(0o600)
    said = 'urls = [{ file = "url" }, { env = "HOOK_URL" }]\ncommand = "mail \'a b\'"\nexpiry = 10\n'
    said += 'pass_environment = "A_KEY B_KEY"\n'
    assert receivers(tmp_path, f"[notify]\n{said}", 0o644) == Receivers(
        ("ntfy://host/topic", f"json://host/{SECRET}"),
        ("mail", "a b"),
        10,
        pass_environment=("A_KEY", "B_KEY"),
    )


@pytest.mark.parametrize(
    ("said", "problem", "hint"),
    [
        ("", "it says nobody to notify", 'write command = "…" or urls = […] below it'),
        ('urls = "json://host"', "urls: it is no list", 'write urls = [{ file = "/path" }]'),
        (
            'urls = ["host"]',
            "urls[0]: it is no URL",
            "write it as Apprise has it, for example ntfy://host/topic",
        ),
        ("command = 1", "command: 1 is no command", 'write "nginx -t" or ["nginx", "-t"]'),
        (
            'command = "a \'"',
            'command: "a \'" cannot be split into words: No closing quotation',
            "see to its quotes",
        ),
        (
            'command = "a"\nexpiry = "14"',
            "expiry: '14' is no number of days",
            "write, for example, expiry = 14",
        ),
        (
            'command = "a"\non = "failure"',
            "on: it is no list",
            "write some of failure, expiry, recovery in it",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_what_would_be_right(
    tmp_path: Path, said: str, problem: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        receivers(tmp_path, f"[notify]\n{said}\n")
    assert str(caught.value) == f"{tmp_path}/config.toml: [notify]: {problem}"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("said", "place", "named"),
    [
        ('urls = [{ file = "/nowhere" }]', "urls[0]: /nowhere ", []),
        ('command = "a"\non = ["failures"]', "on: ", ["'failures'", "'failure'"]),
        ('command = "a"\npass_environment = 5', "pass_environment: 5 ", []),
        ('command = "a"\nurl = []', "", ["'url'", "'urls'"]),
    ],
)
def test_what_others_find_wrong_is_said_with_its_place_in_the_section(
    tmp_path: Path, said: str, place: str, named: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        receivers(tmp_path, f"[notify]\n{said}\n")
    assert str(caught.value).startswith(f"{tmp_path}/config.toml: [notify]: {place}")
    assert [name for name in named if name not in str(caught.value)] == []
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", ["nobody is to be notified: write [notify] in config.toml"]),
        ('[notify]\ncommand = "mail"\n', []),
        ("[notify]\nurls = 1\n", ["{file}: [notify]: urls: ", "urls = "]),
    ],
)
def test_a_command_that_is_to_notify_and_has_nobody_to_tell_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, named: list[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    told = receivers_to_tell({"DNS01_CONFIG": str(file)})
    assert (told is None) == bool(named)
    warnings = capsys.readouterr().err.splitlines()
    assert [line[:3] for line in warnings] == [" ! "] * len(named)
    assert all(each.format(file=file) in line for each, line in zip(named, warnings, strict=True))


def test_a_url_in_a_file_that_others_can_read_is_refused_and_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        receivers(tmp_path, f'[notify]\nurls = ["json://host/{SECRET}"]\n', 0o644)
    assert "[notify]: urls[0]: " in str(caught.value)
    assert "(mode 0644)" in str(caught.value)
    assert SECRET not in str(caught.value) + caught.value.hint


def test_config_check_shows_who_is_notified_but_no_url(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[notify]\nurls = ["json://host/{SECRET}"]\ncommand = "true"\n')
    file.chmod(0o600)
    said = stage.client("bash", DNS01_CONFIG=str(file))("config", "check")
    assert said.code == 0
    assert "notified: urls[0] (json), the command\n" in said.stdout
    assert SECRET not in said.stdout + said.stderr


# Sending


def send(receivers: Receivers, within: float = 10) -> dict[str, str]:
    message = Message("the subject", "the first line\nthe second")
    return deliver(receivers, dict.fromkeys(receivers.called, message), dict(os.environ), within)


def test_apprise_posts_to_a_service(webhook: Webhook) -> None:
    assert send(Receivers((webhook.url,))) == {}
    (said,) = webhook.messages
    assert (said["title"], said["message"]) == ("the subject", "the first line\nthe second")
    assert said["type"] == "failure"


def test_apprise_sends_mail() -> None:
    taken: list[tuple[str, list[str], EmailMessage]] = []

    class Handler:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            mail = message_from_bytes(envelope.content, policy=default)
            assert isinstance(mail, EmailMessage)
            taken.append((envelope.mail_from, envelope.rcpt_tos, mail))
            return "250 taken"

    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = Controller(Handler(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        url = f"mailto://127.0.0.1:{port}/?from=dns01@example.org&to=root@example.org&mode=insecure"
        assert send(Receivers((url,))) == {}
    finally:
        server.stop()
    ((sender, recipients, mail),) = taken
    assert (sender, recipients) == ("dns01@example.org", ["root@example.org"])
    assert mail["Subject"] == "the subject"
    text = mail.get_body()
    assert text is not None
    assert text.get_content().split() == ["the", "first", "line", "the", "second"]


def test_a_command_gets_the_text_on_its_input_and_in_variables_but_no_arguments(tmp_path: Path) -> None:
    path = tmp_path / "mail"
    line = f'echo "$#: $DNS01_SUBJECT" > {path}; echo "$DNS01_BODY" >> {path}; cat >> {path}'
    assert send(Receivers((), ("sh", "-c", line))) == {}
    assert path.read_text() == "0: the subject\n" + 2 * "the first line\nthe second\n"


@pytest.mark.parametrize(
    "said",
    ["a\0b", "\udcff", "\x1b[2J", "→" * 100_000],
    ids=["a null", "no character", "an escape", "much"],
)
def test_a_command_gets_whatever_somebody_has_said(tmp_path: Path, said: str) -> None:
    line = f'printf %s "$DNS01_BODY" > {tmp_path}/variable; cat > {tmp_path}/input'
    receivers = Receivers((), ("sh", "-c", line))
    assert deliver(receivers, {"the command": Message("a\0b", said)}, dict(os.environ)) == {}

    text = (tmp_path / "input").read_text()
    assert text.removesuffix("\n").isprintable()
    assert text.startswith((tmp_path / "variable").read_text())


def test_a_command_gets_no_secret_of_the_environment_but_those_that_it_is_to_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OTHER_TOKEN", "MAILGUN_KEY"):
        monkeypatch.setenv(variable, f"the {variable}")
    command = ("sh", "-c", f'echo "$OTHER_TOKEN,$MAILGUN_KEY" > {tmp_path}/got')
    assert send(Receivers((), command, pass_environment=("MAILGUN_KEY",))) == {}
    assert (tmp_path / "got").read_text() == ",the MAILGUN_KEY\n"


def test_a_service_that_refuses_is_said_without_its_url(
    webhook: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 500
    refused = send(Receivers((webhook.url,)))
    assert list(refused) == ["urls[0] (json)"]
    assert refused["urls[0] (json)"] == "the service did not take it (`apprise -vv -b test URL` shows why)"
    out, err = capfd.readouterr()
    assert SECRET not in refused["urls[0] (json)"] + out + err


def test_an_unknown_kind_of_service_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    assert send(Receivers((f"jason://host/{SECRET}",))) == {
        "urls[0] (jason)": "Apprise knows no such URL, or something is missing in it"
    }
    assert SECRET not in capfd.readouterr().err


def test_without_apprise_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert send(Receivers(("json://host",))) == {
        "urls[0] (json)": "Apprise is not installed: pip install 'dns01-hook[notify]'"
    }


def test_those_that_hang_are_left_to_hang_and_the_others_get_theirs(webhook: Webhook, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        hanging = f"json://127.0.0.1:{silent.getsockname()[1]}"
        command = ("sh", "-c", f"echo $$ > {mark}; sleep 600")
        refused = send(Receivers((hanging, webhook.url), command), within=2)
    assert refused.keys() == {"urls[0] (json)", "the command"}
    assert refused["urls[0] (json)"] == "it took more than 2 s"
    assert len(webhook.messages) == 1
    assert not Path(f"/proc/{mark.read_text().strip()}").exists()


def test_a_process_ends_whatever_a_service_does() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/?rto=300"
        script = (
            "from dns01.hooks.notify.send import *; from dns01.hooks.notify.section import Receivers;"
            f"print(deliver(Receivers(({url!r},)), {{'urls[0] (json)': Message('a', 'b')}}, {{}}, 1))"
        )
        environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-c", script], env=environ, capture_output=True, timeout=TIME_LIMIT
        )
    assert done.stdout.startswith(b"{'urls[0] (json)': ")


# Whole calls


def notified(machine: Machine, url: str, *, test: str = "true") -> None:
    machine.configure(test=test, more=f'[notify]\nurls = ["{url}"]\n')
    machine.config.chmod(0o600)


def test_failure_failure_recovery_failure_are_three_messages(machine: Machine, webhook: Webhook) -> None:
    for test in ("false", "false", "true", "false"):
        notified(machine, webhook.url, test=test)
        client: Client = machine.client()
        assert deploy_cert(client, machine.issue("a.example")).code == 0
        client("exit_hook")

    assert [said["type"] for said in webhook.messages] == ["failure", "success", "failure"]
    assert all(said["message"].startswith("a.example → web: ") for said in webhook.messages)


def test_a_receiver_that_is_down_fails_no_phase_and_hears_of_it_later(
    machine: Machine, webhook: Webhook
) -> None:
    webhook.status = 503
    notified(machine, webhook.url, test="false")
    client = machine.client()
    said = deploy_cert(client, machine.issue("a.example"))
    assert (said.code, said.stdout) == (0, "")
    assert " urls[0] (json) " in said.stderr
    files = [file.read_text() for file in machine.state.rglob("*") if file.is_file()]
    assert SECRET not in said.stderr + "".join(files)

    webhook.status = 200
    deploy_cert(client, machine.issue("b.example"))
    assert webhook.messages == []  # so soon
    machine.client("bash")("status", str(machine.folder / "certs"), "--notify")
    (message,) = webhook.messages
    assert "a.example → web: " in message["message"]
    assert "b.example → web: " in message["message"]


def test_a_publishing_that_fails_is_told_and_that_it_works_again(stage: Stage, tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    file = tmp_path / "config.toml"
    line = f"echo $DNS01_SUBJECT >> {mail}; cat >> {mail}"
    file.write_text(f'[notify]\ncommand = ["sh", "-c", "{line}"]\n')
    client = stage.client(DNS01_CONFIG=str(file))
    words = ("deploy_challenge", "example.org", "token", validation("a"))
    for _ in range(2):
        said = client(*words, RFC2136_TSIG_SECRET="d3Jvbmc=")
        assert said.code == 5
    assert mail.read_text().count("deploy_challenge example.org failed: ") == 1

    assert client(*words).code == 0
    *_, subject, text = mail.read_text().splitlines()
    assert ": deploy_challenge example.org: " in subject
    assert text.startswith("deploy_challenge example.org: ")
    assert not list(stage.state.glob("notified/*"))
    assert KEY.secret not in mail.read_text()


def test_a_clean_up_that_fails_is_told_after_an_hour_and_when_it_is_done(
    stage: Stage, tmp_path: Path
) -> None:
    mail = tmp_path / "mail"
    file = tmp_path / "config.toml"
    file.write_text(f'[notify]\ncommand = ["sh", "-c", "cat >> {mail}"]\n')
    client = stage.client(DNS01_CONFIG=str(file))
    words = ("example.org", "token", validation("a"))
    client("deploy_challenge", *words)
    client("clean_challenge", *words, RFC2136_TSIG_SECRET="d3Jvbmc=")
    assert not mail.exists()

    (entry,) = stage.state.glob("open/*.json")
    content = json.loads(entry.read_text())
    opened = content["opened"] - 2 * 3600
    entry.write_text(json.dumps({**content, "opened": opened, "opened_at": iso(opened)}))
    for _ in range(2):
        client("startup_hook", RFC2136_TSIG_SECRET="d3Jvbmc=")
    (told, hint) = mail.read_text().splitlines()
    (left,) = stage.journal()
    assert told == f"the record at {NAME} is not taken back: {left['error']}"
    assert hint == "  -> `dns01 sweep` tries again, `dns01 sweep --forget example.org` gives it up"

    client("startup_hook")
    assert mail.read_text().splitlines()[-1].startswith(f"the record at {NAME}: ")
    assert not list(stage.state.glob("notified/*"))
    assert validation("a") not in mail.read_text()


def test_only_certbot_s_last_call_knows_that_all_is_well() -> None:
    names = ("a.example", "b.example")
    for last in (False, True):
        challenge = Challenge(names[last], "", validation("a"))
        call = Call("certbot", "publish", "certbot auth", (challenge,), last=last, run_names=names)
        seen = of_call(call, None, (), (), ())
        assert {each.subject for each in seen} == (
            {"publish a.example", "publish b.example"} if last else set()
        )


def test_nobody_is_notified_of_a_signal(machine: Machine, webhook: Webhook) -> None:
    notified(machine, webhook.url, test="kill -TERM $PPID; sleep 5")
    said = deploy_cert(machine.client(), machine.issue("a.example"))
    assert said.code == 128 + 15
    assert webhook.messages == []


def noticed(machine: Machine) -> list[str]:
    """The states of what is not well, as somebody was told."""
    return [json.loads(file.read_text())["state"] for file in machine.state.glob("notified/*")]


def test_an_expiry_is_told_by_status_and_by_nothing_else(machine: Machine, webhook: Webhook) -> None:
    folder = machine.folder / "certs"
    notified(machine, webhook.url)
    machine.config.write_text(machine.config.read_text() + "expiry = 14\n")
    states = []
    for left in (20, 13, 5, -1, 80):
        lasting(folder / "a.example", "a.example", left=left)
        before = noticed(machine)
        machine.client("bash")("status", str(folder))
        assert noticed(machine) == before
        machine.client("bash")("status", str(folder), "--notify")
        states.append(noticed(machine))
    assert states == [[], ["expiring"], ["expiring"], ["expired"], []]
    assert [said["type"] for said in webhook.messages] == ["failure", "failure", "success"]
    assert all(said["message"].startswith("a.example") for said in webhook.messages)


def test_of_a_short_lived_certificate_it_is_told_when_renewal_is_late(
    machine: Machine, webhook: Webhook
) -> None:
    folder = machine.folder / "certs"
    notified(machine, webhook.url)
    machine.config.write_text(machine.config.read_text() + "expiry = 14\n")
    states = []
    for left in (5.9, 1.6, 1.4):
        lasting(folder / "a.example", "a.example", left=left, of=6)
        machine.client("bash")("status", str(folder), "--notify")
        states.append(noticed(machine))
    assert states == [[], [], ["expiring"]]
    assert len(webhook.messages) == 1


def test_what_a_service_shows_is_told_by_status(machine: Machine, webhook: Webhook) -> None:
    folder = machine.folder / "certs"
    issued(folder / "a.example", "a.example")
    notified(machine, webhook.url)
    with served(at_once, issued(machine.folder / "other", "b.example")) as server:
        for _ in range(2):
            machine.client("bash")("status", str(folder), "--notify", "--probe", f"localhost:{server.port}")
    (message,) = webhook.messages
    assert f"localhost:{server.port} " in message["message"]
    assert " b.example " in message["message"]


def test_to_notify_without_anybody_is_a_warning(machine: Machine) -> None:
    lasting(machine.folder / "certs" / "a.example", "a.example", left=80)
    said = machine.client("bash")("status", str(machine.folder / "certs"), "--notify")
    assert said.code == 0
    assert "[notify]" in said.stderr
