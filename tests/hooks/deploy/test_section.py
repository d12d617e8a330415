"""The [deploy] sections: which certificate goes where, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dns01.errors import ConfigError
from dns01.hooks.clients.call import Certificate
from dns01.hooks.config.load import load_settings
from dns01.hooks.deploy.section import COMMON, TIME_LIMIT, Deployment, load_deployments, targets_for
from dns01.hooks.deploy.targets import kinds, load

FILES = 'to = "files"\ndirectory = "/etc/tls"\n'
WEB = f'[deploy."example.org".web]\n{FILES}'
ACCOUNT = '[account.web]\nprovider = "rfc2136"\nnameserver = "192.0.2.53"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def from_file(file: Path, text: str, mode: int = 0o600, **environ: str) -> list[Deployment]:
    """The targets, as the deploying phases read them, and the publishing ones after the settings."""
    file.write_text(text)
    file.chmod(mode)
    environ["DNS01_CONFIG"] = str(file)
    load_settings(environ)
    return list(load_deployments(environ))


def refusal_of(file: Path, text: str, mode: int = 0o600) -> tuple[str, str]:
    """What the error says of the place in the file, and its hint."""
    with pytest.raises(ConfigError) as caught:
        from_file(file, text, mode)
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value).removeprefix(f"{file}: "), caught.value.hint


class TestATarget:
    def test_has_its_kind_s_options_and_what_every_kind_takes(self, file: Path) -> None:
        (web,) = from_file(
            file,
            f'{WEB}owner.privkey = "www-data"\ntest = "nginx -t -c \'/a b\'"\nreload = ["systemctl", "a b"]\n'
            'verify = "www.example.org:443"\ntime_limit = 5\nstaging = true\non_failure = "abort"\n',
        )
        assert web == Deployment(
            pattern="example.org",
            name="web",
            kind="files",
            options={"directory": "/etc/tls", "owner.privkey": "www-data"},
            test=("nginx", "-t", "-c", "/a b"),
            reload=("systemctl", "a b"),
            verify="www.example.org:443",
            time_limit=5,
            staging=True,
            aborts=True,
        )

    def test_needs_none_of_the_latter(self, file: Path) -> None:
        (web,) = from_file(file, WEB)
        assert (web.test, web.reload, web.verify) == ((), (), "")
        assert (web.time_limit, web.staging, web.aborts) == (TIME_LIMIT, False, False)

    def test_may_be_called_by_its_kind(self, file: Path) -> None:
        (target,) = from_file(file, '[deploy."example.org".files]\ndirectory = "/etc/tls"\n')
        assert (target.name, target.kind) == ("files", "files")

    def test_takes_a_secret_from_where_it_is_kept(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("hush-hush\n")
        (tmp_path / "secret").chmod(0o600)
        (web,) = from_file(file, WEB + 'pkcs12 = "/etc/tls/a.p12"\npassword = { file = "secret" }\n')
        assert web.options["password"] == "hush-hush"

    def test_may_have_nothing_but_what_is_kept_elsewhere(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "program").write_text("/bin/bring\n")
        (target,) = from_file(file, '[deploy."example.org".exec]\ncommand = { file = "program" }\n')
        assert target.options["command"] == "/bin/bring"

    @pytest.mark.parametrize("kind", kinds())
    def test_of_any_kind_may_have_what_every_kind_takes(self, kind: str) -> None:
        keys = {option.key for option in load(kind).options}
        assert keys & set(COMMON) <= {"time_limit"}  # which then is for all that it does


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("text", "message", "hint"),
        [
            (WEB + "reloda = true\n", "unknown key 'reloda'; did you mean 'reload'?", "directory"),
            (
                WEB.replace("files", "file"),
                "unknown kind of target 'file'; did you mean 'files'?",
                "secretsmanager",
            ),
            (
                '[deploy."example.org".web]\ndirectory = "/etc/nginx/tls"\n',
                "it does not say what kind of target it is",
                'write to = "files" below it',
            ),
            (
                '[deploy."example.org".exec]\n',
                "it lacks command: program that installs the certificate",
                "write command = … below it",
            ),
            (WEB + "test = 'a \"b'\n", "test: 'a \"b' ", ""),
            (WEB + "test = []\n", "test: [] ", 'write "nginx -t"'),
            (WEB + "test = [1]\n", "test: [1] ", ""),
            (WEB + "test = true\n", "test: True ", ""),
            (WEB + "time_limit = 0\n", "time_limit: 0 is not a number from 0 to 3600", "in seconds"),
            (WEB + 'staging = "true"\n', "staging: 'true' is neither true nor false", "without quotes"),
            (WEB + 'on_failure = "stop"\n', "on_failure: unknown word 'stop'", "retry, abort"),
            (WEB + "verify = 443\n", "verify: 443 ", ""),
        ],
    )
    def test_names_the_place_and_says_what_would_be_right(
        self, file: Path, text: str, message: str, hint: str
    ) -> None:
        said, advice = refusal_of(file, text)
        assert said.startswith('[deploy."example.org"]: ')
        assert message in said
        assert hint in advice

    def test_a_secret_in_a_file_that_others_can_read_is(self, file: Path) -> None:
        said, hint = refusal_of(file, WEB + 'pkcs12 = "/a.p12"\npassword = "hush"\n', mode=0o644)
        assert "web: password: " in said
        assert "0644" in said
        assert hint == f"chmod 600 {file}"

    def test_a_name_without_quotes_is(self, file: Path) -> None:
        said, hint = refusal_of(file, f"[deploy.example.org.web]\n{FILES}")
        assert said == '[deploy."example"]: org: a name with dots in it needs quotes'
        assert hint == 'write [deploy."example.org".web]'

    def test_a_target_without_a_name_is(self, file: Path) -> None:
        said, hint = refusal_of(file, f'[deploy."example.org"]\n{FILES}')
        assert said == '[deploy."example.org"]: to: it stands where the name of a target is wanted'
        assert hint == 'write [deploy."example.org".files], and the rest below it'

    @pytest.mark.parametrize("pattern", ["www.*", "*example.org", "*.*.example.org", "**"])
    def test_a_pattern_of_another_form_is(self, file: Path, pattern: str) -> None:
        said, hint = refusal_of(file, WEB.replace("example.org", pattern))
        assert "a * stands for all labels before it or for the whole name" in said
        assert '"*.example.org"' in hint

    def test_two_spellings_of_one_section_are(self, file: Path) -> None:
        said, _ = refusal_of(file, WEB + WEB.replace("example.org", "Example.ORG"))
        assert "there is another one for example.org" in said


class TestTwoCertificatesAtOnePlace:
    """One would overwrite the other; and where it is the same, the second service is never reloaded."""

    @pytest.mark.parametrize("pattern", ["*", "*.example.org"])
    @pytest.mark.parametrize(
        ("target", "place"),
        [
            (FILES, "/etc/tls/fullchain.pem"),
            ('to = "files"\ncombined = "/etc/haproxy/all.pem"\n', "/etc/haproxy/all.pem"),
            ('to = "secretsmanager"\nname = "tls"\n', "the secret tls"),
        ],
    )
    def test_are_refused_for_a_pattern_without_the_name_in_the_path(
        self, file: Path, pattern: str, target: str, place: str
    ) -> None:
        said, hint = refusal_of(file, f'[deploy."{pattern}".web]\n{target}')
        assert said == (
            f'[deploy."{pattern}".web]: every certificate that matches would be written to {place}'
        )
        assert "put {name} into it" in hint

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (
                '[deploy."example.org".web]\ndirectory = "/etc/tls"',
                'a.example".web]\ndirectory = "/etc/tls/"',
            ),
            (
                '[deploy."example.org".web]\ndirectory = "/etc/tls"',
                'example.org".mail]\ndirectory = "/etc/tls"',
            ),
            ('[deploy."*".web]\ncombined = "/etc/{name}"', 'example.org".mail]\ncombined = "/etc/{name}"'),
        ],
        ids=["of two certificates", "of two targets", "of a pattern and a name"],
    )
    def test_are_refused_for_two_sections(self, file: Path, one: str, other: str) -> None:
        said, hint = refusal_of(file, f'{one}\nto = "files"\n[deploy."{other}\nto = "files"\n')
        first, second = (section.partition("\n")[0] for section in (one, other))
        assert said.startswith(f"{first}: ")
        assert f' [deploy."{second} ' in said
        assert 'for a second service that reads it: to = "command"' in hint

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ('a.example".web]\ndirectory = "{t}/two"', 'b.example".web]\ndirectory = "{t}/twolink"'),
            ('*".web]\ncombined = "{t}/two/{name}"', 'b.example".m]\ncombined = "{t}/twolink/b.example"'),
            ('*".web]\ncombined = "{t}/{name}.pem"', 'b.example".mail]\ncombined = "{t}/b.example.pem"'),
            (
                '*".web]\ncombined = "{t}/{name}/{name}"',
                'b.example".m]\ncombined = "{t}/b.example/b.example"',
            ),
            ('a.example".web]\ndirectory = "{t}/{name}"', 'b.example".web]\ndirectory = "{t}/a.example"'),
            ('a.example".web]\ndirectory = "{t}/{name}"', 'a.example".mail]\ndirectory = "{t}/a.example"'),
        ],
    )
    def test_are_refused_whatever_path_leads_there(
        self, file: Path, tmp_path: Path, one: str, other: str
    ) -> None:
        (tmp_path / "two").mkdir()
        (tmp_path / "twolink").symlink_to("two")
        for first, second in ((one, other), (other, one)):
            sections = (f'[deploy."{each}\nto = "files"\n' for each in (first, second))
            said, _ = refusal_of(file, "".join(sections).replace("{t}", str(tmp_path)))
            assert "already, which writes to " in said

    def test_are_refused_within_one_target(self, file: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(".")
        paths = f'cert = "{tmp_path}/a.pem"\nprivkey = "{tmp_path}/link/a.pem"\n'
        said, _ = refusal_of(file, f'[deploy."a.example".web]\nto = "files"\n{paths}')
        assert "are one file" in said

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ('*.example".web]\ncombined = "/t/{name}"', 'b.test".mail]\ncombined = "/t/b.test"'),
            ('*".web]\ncombined = "/t/{name}"', 'b.test".web]\ncombined = "/t/b.test"'),
            ('*".web]\ncombined = "/t/{name}"', 'b.test".mail]\ncombined = "/t/mail.pem"'),
            ('*".web]\ncombined = "/t/{name}"', 'b.test".mail]\ncombined = "/t/mail/b.test"'),
            ('*".web]\ncombined = "/t/{name}/{name}"', 'b.test".mail]\ncombined = "/t/b.test/c.test"'),
        ],
    )
    def test_are_none_where_no_name_fits(self, file: Path, one: str, other: str) -> None:
        sections = (f'[deploy."{each}\nto = "files"\n' for each in (one, other))
        assert len(from_file(file, "".join(sections))) == 2

    @pytest.mark.parametrize(
        ("kind", "one", "other"),
        [
            ("secretsmanager", 'region = "eu-west-1"', 'region = "us-east-1"'),
            ("secretsmanager", 'role_arn = "arn:aws:iam::1:role/a"', 'role_arn = "arn:aws:iam::2:role/a"'),
            ("vault", 'base_url = "https://a:8200"', 'base_url = "https://b:8200"'),
            ("vault", 'namespace = "a"', 'namespace = "b"'),
            ("kubernetes", 'namespace = "a"', 'namespace = "b"'),
            ("kubernetes", 'context = "a"', 'context = "b"'),
            ("azurekeyvault", 'base_url = "https://a"', 'base_url = "https://b"'),
        ],
    )
    def test_are_none_where_one_name_is_in_two_places(
        self, file: Path, kind: str, one: str, other: str
    ) -> None:
        sections = (
            f'[deploy."*".{key}]\nto = "{kind}"\n{more}\n' for key, more in (("a", one), ("b", other))
        )
        assert len(from_file(file, "".join(sections))) == 2

    @pytest.mark.parametrize("kind", ["secretsmanager", "vault", "kubernetes"])
    def test_are_refused_where_the_second_says_the_same_of_the_place(self, file: Path, kind: str) -> None:
        sections = (f'[deploy."*".{key}]\nto = "{kind}"\nreload = "{key}"\n' for key in "ab")
        assert 'is that of [deploy."*".b] already' in refusal_of(file, "".join(sections))[0]

    def test_are_none_where_the_more_exact_section_holds_alone(self, file: Path) -> None:
        target = 'to = "files"\ndirectory = "/etc/{name}"\n'
        assert len(from_file(file, f'[deploy."*".web]\n{target}[deploy."example.org".web]\n{target}')) == 2


class TestWhichCertificateGoesWhere:
    def names(self, *sections: str, domain: str, folder: str = "") -> Mapping[str, str]:
        """The sections that the targets are taken from, by the targets' names."""
        deployments = [Deployment(*section.split(), "files", {}) for section in sections]
        certificate = Certificate(domain, cert=f"/certs/{folder or domain}/cert.pem")
        return {found.name: found.pattern for found in targets_for(deployments, certificate)}

    @pytest.mark.parametrize(
        ("pattern", "domain", "fits"),
        [
            ("example.org", "example.org", True),
            ("example.org", "Example.ORG.", True),
            ("example.org", "www.example.org", False),
            ("*.example.org", "www.example.org", True),
            ("*.example.org", "a.b.example.org", True),
            ("*.example.org", "*.example.org", True),
            ("*.example.org", "example.org", False),
            ("*.example.org", "badexample.org", False),
            ("*", "example.org", True),
            ("xn--bcher-kva.example", "bücher.example", True),
        ],
    )
    def test_a_pattern_stands_for_all_names_beneath_it(self, pattern: str, domain: str, fits: bool) -> None:
        assert bool(self.names(f"{pattern} web", domain=domain)) == fits

    def test_the_sections_that_match_add_up(self) -> None:
        sections = ("* backup", "*.example.org web", "mail.example.org mail", "example.net other")
        assert self.names(*sections, domain="mail.example.org") == {
            "backup": "*",
            "web": "*.example.org",
            "mail": "mail.example.org",
        }

    def test_of_two_targets_of_one_name_the_more_exact_section_s_holds(self) -> None:
        sections = ("www.a.example.org web", "*.a.example.org web", "*.example.org web", "* web")
        for most_exact in (sections, sections[::-1]):
            assert self.names(*most_exact, domain="www.a.example.org") == {"web": "www.a.example.org"}
            assert self.names(*most_exact, domain="x.a.example.org") == {"web": "*.a.example.org"}
            assert self.names(*most_exact, domain="x.example.org") == {"web": "*.example.org"}
            assert self.names(*most_exact, domain="example.net") == {"web": "*"}

    def test_a_certificate_goes_by_its_folder_s_name_too(self) -> None:
        """Two certificates of one domain, an RSA and an ECDSA one, are told apart by it."""
        sections = ("example.org-rsa rsa", "example.org-ecdsa ecdsa")
        assert self.names(*sections, domain="example.org", folder="example.org-rsa").keys() == {"rsa"}


class TestAConfiguration:
    def test_needs_no_account_for_deploying(self, file: Path) -> None:
        from_file(file, WEB)
        settings = load_settings({"DNS01_CONFIG": str(file)})
        with pytest.raises(ConfigError, match="account"):
            settings.accounts_for("_acme-challenge.example.org")

    def test_may_have_its_account_in_variables_and_its_targets_in_a_file(self, file: Path) -> None:
        file.write_text(WEB)
        environ = {"DNS01_CONFIG": str(file), "DNS01_PROVIDER": "rfc2136", "RFC2136_NAMESERVER": "192.0.2.53"}
        (account,) = load_settings(environ).accounts_for("_acme-challenge.example.org")
        assert account.provider == "rfc2136"
        assert [each.name for each in load_deployments(environ)] == ["web"]

    def test_without_a_file_has_no_targets(self) -> None:
        assert load_deployments({"DNS01_CONFIG": ""}) == ()

    def test_is_read_for_deploying_without_what_the_accounts_need(self, file: Path) -> None:
        file.write_text(WEB + ACCOUNT + 'tsig_secret = { env = "NOT_SET" }\n')
        assert [each.name for each in load_deployments({"DNS01_CONFIG": str(file)})] == ["web"]
