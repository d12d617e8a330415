"""Google Cloud DNS: the credentials file of Google's own tools, and federated credentials."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract import publish
from contract_http import HttpCase
from fakes.google import (
    AUDIENCE,
    IDENTITY_PATH,
    PROJECT,
    REFRESH_TOKEN,
    ROLE_PATH,
    key_file,
)
from on_clouds import NAME, RECORD, on_google

from dns01.errors import AuthRejected, ConfigError, ProviderError


@pytest.fixture
def case() -> Iterator[HttpCase]:
    with on_google() as case:
        yield case


class TestApplicationCredentials:
    """The file that Google's own tools are told of."""

    @pytest.fixture
    def file(self, case: HttpCase, tmp_path: Path) -> Path:
        file = tmp_path / "credentials.json"
        file.touch(0o600)
        file.write_text(case.options.pop("service_account"))
        case.options["credentials_file"] = str(file)
        return file

    def test_a_key_in_it_does(self, case: HttpCase, file: Path) -> None:
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    @pytest.mark.parametrize(
        "kind",
        ["external_account_authorized_user", "gdch_service_account", "compute_engine", "", "SERVICE_ACCOUNT"],
    )
    def test_credentials_of_another_type_are_not_ignored(self, case: HttpCase, file: Path, kind: str) -> None:
        file.write_text(json.dumps({"type": kind, "client_secret": "a-secret-of-the-file"}))
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert f"credentials of the type {kind!r} are not supported here" in str(error)
        assert "external_account, impersonated_service_account" in error.hint
        assert "a-secret-of-the-file" not in str(error)

    @pytest.mark.parametrize("kind", ["external_account", "impersonated_service_account", "authorized_user"])
    def test_what_is_missing_in_it_is_said(self, case: HttpCase, file: Path, kind: str) -> None:
        file.write_text(json.dumps({"type": kind, "client_secret": "a-secret-of-the-file"}))
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert f"it is of the type {kind}, and it lacks" in str(error)
        assert "a-secret-of-the-file" not in str(error)

    @pytest.mark.parametrize("content", ["{}", "[1]", "no JSON", "[" * 100000])
    def test_what_is_no_key_is_refused(self, case: HttpCase, file: Path, content: str) -> None:
        file.write_text(content)
        assert isinstance(case.error_of(case.provider), ConfigError)

    def test_one_that_others_can_read_is_refused(self, case: HttpCase, file: Path) -> None:
        file.chmod(0o644)
        assert "chmod 600" in case.error_of(case.provider).hint


class TestFederation:
    """Credentials that are exchanged for others, as Google's own libraries do it."""

    @pytest.fixture(autouse=True)
    def without_a_key(self, case: HttpCase) -> None:
        del case.options["service_account"]
        case.options["project"] = PROJECT

    @pytest.fixture
    def token_file(self, case: HttpCase, tmp_path: Path) -> Path:
        path = tmp_path / "token"
        path.write_text(f"{case.fake.subject_token}\n")
        return path

    def give(self, case: HttpCase, tmp_path: Path, content: object) -> Path:
        path = tmp_path / "credentials.json"
        path.touch(0o600)
        path.write_text(json.dumps(content))
        case.options["credentials_file"] = str(path)
        return path

    def external(self, case: HttpCase, source: object, **more: object) -> dict[str, object]:
        """As `gcloud iam workload-identity-pools create-cred-config` writes it."""
        return {
            "type": "external_account",
            "universe_domain": "googleapis.com",
            "audience": AUDIENCE,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": case.fake.token_uri.replace("/token", "/v1/token"),
            "credential_source": source,
            **more,
        }

    def user(self, case: HttpCase) -> dict[str, object]:
        client = {"client_id": "a-client", "client_secret": "the-client's-secret"}
        token = {"refresh_token": REFRESH_TOKEN, "token_uri": case.fake.token_uri}
        return {"type": "authorized_user", **client, **token}

    def role(self, case: HttpCase) -> str:
        return case.fake.token_uri.replace("/token", ROLE_PATH)

    def test_a_token_in_a_file_is_exchanged(self, case: HttpCase, tmp_path: Path, token_file: Path) -> None:
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_such_a_file_has_no_secret_in_it(self, case: HttpCase, tmp_path: Path, token_file: Path) -> None:
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)})).chmod(0o644)
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_the_token_may_stand_in_json(self, case: HttpCase, tmp_path: Path, token_file: Path) -> None:
        token_file.write_text(json.dumps({"access_token": case.fake.subject_token}))
        form = {"type": "json", "subject_token_field_name": "access_token"}
        self.give(case, tmp_path, self.external(case, {"file": str(token_file), "format": form}))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_the_token_may_come_from_a_url(self, case: HttpCase, tmp_path: Path) -> None:
        source = {
            "url": case.fake.token_uri.replace("/token", f"{IDENTITY_PATH}?audience=x"),
            "headers": {"X-Identity": "please"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        }
        self.give(case, tmp_path, self.external(case, source))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_an_external_account_may_act_as_a_service_account(
        self, case: HttpCase, tmp_path: Path, token_file: Path
    ) -> None:
        more = {"service_account_impersonation_url": self.role(case)}
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}, **more))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_a_user_s_login_does(self, case: HttpCase, tmp_path: Path) -> None:
        """As `gcloud auth application-default login` leaves it."""
        self.give(case, tmp_path, self.user(case))
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    @pytest.mark.parametrize("source", ["a key", "a user"])
    def test_a_service_account_is_impersonated(self, case: HttpCase, tmp_path: Path, source: str) -> None:
        user = self.user(case)
        case.fake.delegates = ["projects/-/serviceAccounts/between@a-project.iam.gserviceaccount.com"]
        content = {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": self.role(case),
            "delegates": case.fake.delegates,
            "source_credentials": user if source == "a user" else json.loads(key_file(case.fake.token_uri)),
        }
        self.give(case, tmp_path, content)
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}

    def test_a_role_that_is_refused_is_said_without_a_token(
        self, case: HttpCase, tmp_path: Path, token_file: Path
    ) -> None:
        more = {"service_account_impersonation_url": self.role(case).replace("hook@", "other@")}
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}, **more))
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, ProviderError)
        assert case.fake.subject_token not in str(error)
        assert "good for iam" not in str(error)

    def test_a_token_that_is_refused_is_not_shown(
        self, case: HttpCase, tmp_path: Path, token_file: Path
    ) -> None:
        token_file.write_text("another-token-altogether")
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}))
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, AuthRejected)
        assert "ID Token issued is not valid" in str(error)
        assert "another-token-altogether" not in str(error)

    @pytest.mark.parametrize(
        "content", [None, "", " \n", "x" * 70000], ids=["gone", "empty", "blank", "huge"]
    )
    def test_a_token_file_of_no_use_is_said(
        self, case: HttpCase, tmp_path: Path, token_file: Path, content: str | None
    ) -> None:
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}))
        token_file.unlink() if content is None else token_file.write_text(content)
        error = case.error_of(lambda: publish(case, RECORD))
        assert isinstance(error, ConfigError)
        assert str(token_file) in str(error)

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            (
                {"executable": {"command": "/bin/token"}},
                "with executable is not supported",
            ),
            (
                {"environment_id": "aws1", "url": "http://169.254.169.254"},
                "with environment_id is not supported",
            ),
            ({"certificate": {"use_default_certificate_config": True}}, "with certificate is not supported"),
            ({}, "it lacks 'file'"),
            ({"url": "http://127.0.0.1/"}, "has to be JSON"),
            ({"file": "x", "format": {"type": "json"}}, "it lacks 'subject_token_field_name'"),
            ("file", "it is not of the right shape"),
        ],
    )
    def test_a_source_that_is_not_known_is_refused_before_anything_is_done(
        self, case: HttpCase, tmp_path: Path, source: object, words: str
    ) -> None:
        self.give(case, tmp_path, self.external(case, source))
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert words in str(error)

    def test_a_token_is_sent_to_nobody_over_plain_http(
        self, case: HttpCase, tmp_path: Path, token_file: Path
    ) -> None:
        more = {"token_url": "http://sts.example.net/v1/token"}
        self.give(case, tmp_path, self.external(case, {"file": str(token_file)}, **more))
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        url = "http://sts.example.net/v1/token"
        assert f"{url!r} is not an https:// URL, and a token would be sent there" in str(error)

    def test_without_a_project_it_is_asked_for(
        self, case: HttpCase, tmp_path: Path, token_file: Path
    ) -> None:
        del case.options["project"]
        content = self.external(case, {"file": str(token_file)})
        self.give(case, tmp_path, content)
        error = case.error_of(case.provider)
        assert isinstance(error, ConfigError)
        assert "GCE_PROJECT" in error.hint

        self.give(case, tmp_path, {**content, "quota_project_id": PROJECT})
        publish(case, RECORD)
        assert case.world_sees(NAME) == {RECORD.value}
