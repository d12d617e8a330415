"""AWS through boto3: credentials from wherever it finds them, refusals in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .aws_deadline import limited_session
from .errors import AuthRejected, Busy, ConfigError, ProviderError, Transient, Unreachable
from .options import Option
from .output import printable

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from botocore.exceptions import ClientError

CONNECT, READ = 5.0, 10.0  # seconds that a connection, and then each part of the answer, may take
EXCHANGE_TIMEOUT = 30.0  # seconds for one request and all of its answer
REGION = "us-east-1"  # where nothing says another; to global services they are all the same

THROTTLED = {"Throttling", "ThrottlingException", "PriorRequestNotComplete", "TooManyRequestsException"}
DENIED = {"AccessDenied", "AccessDeniedException"}
EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
FORBIDDEN = 403

OPTIONS = (
    Option("access_key_id", ("AWS_ACCESS_KEY_ID",), "an access key; without one, wherever boto3 looks"),
    Option("secret_access_key", ("AWS_SECRET_ACCESS_KEY",), "its secret", secret=True),
    Option("session_token", ("AWS_SESSION_TOKEN",), "what temporary keys have as well", secret=True),
    Option("profile", ("AWS_PROFILE",), "a profile of ~/.aws/config and ~/.aws/credentials"),
    Option("region", ("AWS_REGION", "AWS_DEFAULT_REGION"), "where STS is asked; China's have their own AWS"),
    Option("role_arn", ("AWS_ASSUME_ROLE_ARN",), "a role to assume with these credentials"),
    Option("external_id", ("AWS_EXTERNAL_ID",), "what the role's trust policy may ask for"),
    Option("max_retries", ("AWS_MAX_RETRIES",), "of a request that is throttled or fails", default="8"),
)


class AwsRefused(ProviderError):
    """AWS does not do it; ``code`` is its name for the reason, ``words`` are its own."""

    def __init__(self, message: str, hint: str, *, code: str, words: str) -> None:
        super().__init__(message, hint)
        self.code, self.words = code, words


class AwsAccount:
    """One set of AWS credentials. Raises ConfigError; no request is made before one is needed."""

    def __init__(self, options: Mapping[str, str], limit: float = EXCHANGE_TIMEOUT) -> None:
        """``limit``: seconds for one request and all of its answer."""
        self._options = options
        self._limit = limit
        self._own = _open(options, limit)
        self.config = _config(options.get("max_retries", "8"), limit)
        self.region = self._own.region_name or REGION

    @cached_property
    def session(self) -> Session:
        """The session to make clients from; the configured role is assumed here.

        Its credentials are good for an hour, which is longer than any phase. Raises ProviderError.
        """
        role = self._options.get("role_arn")
        return self._assume(role) if role else self._own

    def client(self, service: str, endpoint: str | None = None) -> Any:
        """A client of boto3's for the service, whose requests have a deadline; within ``asking``, for its
        credentials may take requests as well. Raises ProviderError."""
        made: Any = self.session.client
        return made(service, region_name=self.region, endpoint_url=endpoint, config=self.config)

    def _assume(self, role: str) -> Session:
        import boto3

        terms: dict[str, Any] = {"RoleArn": role, "RoleSessionName": "dns01"}
        if external_id := self._options.get("external_id"):
            terms["ExternalId"] = external_id
        with self.asking("sts:AssumeRole", role):
            sts = self._own.client("sts", region_name=self.region, config=self.config)
            answer = sts.assume_role(**terms)
        keys = answer["Credentials"]
        return boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
            region_name=self.region,
            botocore_session=limited_session(self._limit),
        )

    @contextmanager
    def asking(self, action: str, resource: str, way_out: str = "") -> Iterator[None]:
        """Translate what may go wrong while ``action`` is asked of ``resource``; ``way_out``: what
        helps where it is denied, but for granting it.

        Raises ConfigError where there are no credentials, else ProviderError.
        """
        from botocore import exceptions as aws
        from botocore.parsers import ResponseParserError

        try:
            yield
        except aws.ClientError as error:
            raise self._refusal(error, action, resource, way_out) from error
        except aws.NoCredentialsError as error:
            raise ConfigError(
                "AWS: there are no credentials in the configuration, the environment, ~/.aws or a role",
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a role",
            ) from error
        except (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError) as error:
            raise Unreachable(
                f"AWS does not answer {action}: {error}",
                "check the network (AWS_ENDPOINT_URL and HTTPS_PROXY, if they are set), or try again later",
            ) from error
        except (ResponseParserError, RecursionError, ValueError) as error:
            raise Unreachable(
                f"AWS answers {action} with something that it would not say: {error}",
                "something else may be answering in its place, such as a proxy; or try again later",
            ) from error
        except aws.BotoCoreError as error:  # an expired SSO session, a broken file, a silent metadata service
            raise AuthRejected(
                f"AWS: {action} cannot be asked: {error}",
                "where it is about a profile or a login, `aws sts get-caller-identity` shows the same",
            ) from error

    def _refusal(self, error: ClientError, action: str, resource: str, way_out: str) -> ProviderError:
        """What AWS says no with, and what to do about it."""
        code, words = (printable(str(error.response["Error"].get(key, ""))) for key in ("Code", "Message"))
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if error.operation_name != action.partition(":")[2]:  # a role's, on the way to credentials
            return AuthRejected(
                f"AWS does not give {self._name}: {error.operation_name} is refused: {words} ({code})",
                "check the role's trust policy, and the profile or the variables that name it",
            )
        if code in THROTTLED:
            return Busy(
                f"AWS has had too many requests from this account: {action} on {resource} ({code})",
                "try again later, or raise AWS_MAX_RETRIES",
            )
        if code in DENIED:
            return AuthRejected(
                f"AWS does not let {self._name} do {action} on {resource}: {words}",
                f"grant it {action}{way_out and f', or {way_out}'}",
            )
        if code in EXPIRED:
            return AuthRejected(
                f"AWS says that {self._name} has expired ({code})",
                "log in again, or use credentials that renew themselves: a role, a profile",
            )
        if status == FORBIDDEN:
            return AuthRejected(
                f"AWS does not accept {self._name}: {words} ({code})",
                "check the key, its secret and its session token, and the clock of this machine",
            )
        if status > 499:
            return Transient(f"AWS fails to do {action} on {resource}: {words} ({code})", "try again later")
        return AwsRefused(
            f"AWS refuses {action} on {resource}: {words} ({code})",
            "change what these words are about, then try again",
            code=code,
            words=words,
        )

    @property
    def _name(self) -> str:
        """Known without asking AWS for anything."""
        from botocore.credentials import RefreshableCredentials

        keys = self._own.get_credentials()
        if keys is None or isinstance(keys, RefreshableCredentials):
            return f"the credentials of {keys.method if keys else 'this account'}"
        return f"the access key {keys.access_key}"


def _open(options: Mapping[str, str], limit: float) -> Session:
    key, secret = options.get("access_key_id"), options.get("secret_access_key")
    if bool(key) != bool(secret):
        raise ConfigError(
            "of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set",
            "set both, or neither to use a profile or a role",
        )
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise ConfigError("boto3 is not installed", "pip install 'dns01-hook[aws]'") from error
    try:
        return boto3.Session(
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=options.get("session_token") if key else None,
            profile_name=None if key else options.get("profile"),
            region_name=options.get("region"),
            botocore_session=limited_session(limit),
        )
    except BotoCoreError as error:
        raise ConfigError(f"AWS: {error}", "AWS_PROFILE names a profile of ~/.aws/config") from error


def _config(max_retries: str, limit: float) -> Config:
    """Retried within a budget: a growing, random part of 20 s at most each time."""
    from botocore.config import Config

    if not max_retries.isdecimal():
        raise ConfigError(f"AWS_MAX_RETRIES: {max_retries!r} is not a whole number", "8, for example")
    return Config(
        connect_timeout=min(CONNECT, limit),
        read_timeout=min(READ, limit),
        retries={"mode": "standard", "total_max_attempts": int(max_retries) + 1},
    )
