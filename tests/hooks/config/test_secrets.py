"""Where secrets may stand, and that they are shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from configured import ACCOUNT, VARIABLES, from_file, refusal, refusal_of, secret_file

from dns01.hooks.config.load import load_settings
from dns01.secret import redact

SECRET = "q7Zt_9LkXvB2mNc8RsYpWfJ4hGd1aEuT6oIyQwKz"


class TestSecretsInTheWrongPlace:
    @pytest.mark.parametrize("kind", ["file", "env", "credential"])
    @pytest.mark.parametrize("folder", ["", "/run/credentials/dns01"])
    def test_a_secret_in_the_place_of_its_place_is_not_shown(
        self, file: Path, kind: str, folder: str
    ) -> None:
        text = f'{ACCOUNT}tsig_secret = {{ {kind} = "{SECRET}" }}\n'
        message, hint = refusal_of(file, text, {"CREDENTIALS_DIRECTORY": folder})
        assert message.startswith(f"[account.web]: tsig_secret: {kind} = … ")
        assert SECRET not in message + hint
        assert SECRET not in redact(f"nor later: {SECRET}")

    def test_nor_one_of_an_option_that_is_no_secret(self, file: Path) -> None:
        message, hint = refusal_of(file, f'{ACCOUNT}tsig_key = {{ file = "{SECRET}" }}\n')
        assert SECRET not in message + hint

    def test_a_file_whose_name_looks_like_a_secret_is_read(self, file: Path) -> None:
        (file.parent / SECRET).touch(0o600)
        (file.parent / SECRET).write_text("from a file\n")
        settings = from_file(file, f'{ACCOUNT}tsig_secret = {{ file = "{SECRET}" }}\n')
        assert settings.account_named("web").options["tsig_secret"] == "from a file"

    def test_nor_one_in_the_place_of_the_provider_s_name(self, file: Path) -> None:
        message, hint = refusal({"DNS01_PROVIDER": SECRET})
        assert message.startswith("DNS01_PROVIDER: ")
        in_file, hint_in_file = refusal_of(file, f'[account.web]\nprovider = "{SECRET}"\n')
        assert SECRET not in message + hint + in_file + hint_in_file


class TestSecrets:
    def read(self, file: Path, said: str, environ: Mapping[str, str] | None = None) -> str:
        settings = from_file(file, f"{ACCOUNT}tsig_secret = {said}\n", environ)
        return settings.account_named("web").options["tsig_secret"]

    def test_may_stand_in_the_file_if_nobody_else_reads_it(self, file: Path) -> None:
        assert self.read(file, '"by value"') == "by value"
        file.chmod(0o604)
        message, hint = refusal({"DNS01_CONFIG": str(file)})
        assert message == (
            f"{file}: [account.web]: tsig_secret: a secret stands in this file,"
            " which others can read (mode 0604)"
        )
        assert hint == f"chmod 600 {file}"

    def test_a_file_without_secrets_may_be_read_by_all(self, file: Path) -> None:
        file.write_text(ACCOUNT + "tsig_secret = { env = 'SECRET' }")
        file.chmod(0o644)
        assert load_settings({"DNS01_CONFIG": str(file), "SECRET": "by name"}).accounts

    def test_may_stand_in_a_file_of_their_own_beside_it(self, file: Path) -> None:
        secret_file(file.parent / "key", "by file")
        assert self.read(file, '{ file = "key" }') == "by file"
        assert self.read(file, f'{{ file = "{file.parent}/key" }}') == "by file"

    def test_that_file_must_be_the_owners_alone(self, file: Path) -> None:
        key = secret_file(file.parent / "key", mode=0o644)
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { file = "key" }')
        assert message.startswith(f"[account.web]: tsig_secret: {key} ")
        assert hint == f"chmod 600 {key}"

    def test_may_stand_in_a_variable(self, file: Path) -> None:
        assert self.read(file, '{ env = "SECRET" }', {"SECRET": "by name"}) == "by name"
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { env = "SECRET" }')
        assert message.startswith("[account.web]: tsig_secret: the variable SECRET ")
        assert "export SECRET=" in hint

    def test_may_be_a_credential_of_systemd_whose_mode_shows_an_acl(
        self, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secret_file(file.parent / "key", "by systemd", mode=0o440)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
        environ = {"CREDENTIALS_DIRECTORY": str(file.parent)}
        assert self.read(file, '{ credential = "key" }', environ) == "by systemd"
        message, hint = refusal_of(file, ACCOUNT + 'tsig_secret = { credential = "key" }')
        assert message.startswith("[account.web]: tsig_secret: ")
        assert "LoadCredential=key:" in hint

    @pytest.mark.parametrize("secret", ["in-the-file", "in-the-env"])
    def test_are_hidden_once_they_are_read(self, file: Path, secret: str) -> None:
        said = '{ env = "SECRET" }' if secret == "in-the-env" else f'"{secret}"'
        self.read(file, said, {"SECRET": secret})
        assert secret not in redact(f"the key {secret} is wrong")

    def test_are_hidden_where_variables_alone_say_them(self) -> None:
        load_settings({**VARIABLES, "RFC2136_TSIG_SECRET": "said-by-variable"})
        assert "said-by-variable" not in redact("the key said-by-variable is wrong")


CERTBOTS = """# Cloudflare API token used by Certbot
dns_cloudflare_api_token = dG9rZW4K-value
"""
LEGOS_UNIT = """EXEC_PATH=/usr/local/bin/dns01
CF_DNS_API_TOKEN=dG9rZW4K-value
"""
LEXICONS = """[cloudflare]
auth_token = dG9rZW4K-value
"""


class TestFilesOfOtherPrograms:
    @pytest.mark.parametrize(
        ("text", "named"),
        [
            (CERTBOTS, "settings (dns_cloudflare_api_token = …)"),
            (CERTBOTS.replace("\n", "\r\n"), "settings (dns_cloudflare_api_token = …)"),
            (
                "dns_cloudflare_email=a@b.example\ndns_cloudflare_api_key=dG9rZW4K-value\n",
                "dns_cloudflare_api_key",
            ),
            (LEGOS_UNIT, "settings (EXEC_PATH = …)"),
            (LEXICONS, "settings (auth_token = …)"),
            ("# acme.sh's\nexport CF_Token='dG9rZW4K-value'\n", "settings (CF_Token = …)"),
        ],
    )
    @pytest.mark.parametrize("in_toml", [True, False])
    def test_are_no_secret_s_own(self, file: Path, text: str, named: str, in_toml: bool) -> None:
        secret = secret_file(file.parent / "credentials.ini", text)
        if in_toml:
            said = f'[account.web]\nprovider = "cloudflare"\ntoken = {{ file = "{secret}" }}\n'
            message, hint = refusal_of(file, said)
        else:
            message, hint = refusal({"DNS01_PROVIDER": "cloudflare", "CF_DNS_API_TOKEN_FILE": str(secret)})
        assert named in message
        assert "behind the =" in hint
        assert "dG9rZW4K" not in message + hint

    @pytest.mark.parametrize(
        "text",
        [
            "dG9rZW4K-value",
            "d3Jvbmc=",
            "two=words",
            "a password = with blanks",
            "key=value",
            "MTIz\nNDU2==\n",
        ],
    )
    def test_what_may_be_a_secret_is_read(self, file: Path, text: str) -> None:
        secret = secret_file(file.parent / "token", text)
        settings = load_settings({"DNS01_PROVIDER": "cloudflare", "CF_DNS_API_TOKEN_FILE": str(secret)})
        assert settings.accounts["cloudflare"].options["token"] == text
