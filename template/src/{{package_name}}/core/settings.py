"""Settings: read from the environment, then from `.env`, else their defaults.

Each room has a settings class of its own, derived from `RoomSettings`, with a prefix:
`RUNS__HEARTBEAT_S`. The core's are flat, well-known names; `DATABASE_URL` may also be written
`DATABASE__URL`.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote, urlsplit

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from .. import NAME
from .errors import StartupError

Environment = Literal["development", "test", "staging", "production"]
OWN_MACHINE: tuple[Environment, ...] = ("development", "test")
"""The environments that strangers do not reach."""
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(str.upper)
]
LogFormat = Literal["console", "json"]


def _split(value: str | Iterable[str]) -> Iterable[str]:
    words = value.split(",") if isinstance(value, str) else value
    return [word.strip() for word in words if word.strip()]


Listed = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words in one variable, with commas between."""

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]+)?")


class RoomSettings(BaseSettings):
    """The base of every settings class; a room adds `env_prefix="ROOM__"`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
    )


def both_spellings(name: str) -> AliasChoices:
    """`LOG_LEVEL` and `LOG__LEVEL` for `log_level`."""
    return AliasChoices(*dict.fromkeys((name, name.replace("_", "__", 1))))


class Settings(RoomSettings):
    """The settings of the service itself."""

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=both_spellings)
    )

    environment: Environment = Field("development", description="Named in every JSON log line.")
    debug: bool = Field(
        False, description="Log its own lines at DEBUG and show unexpected errors to clients."
    )

    server_host: str = Field("127.0.0.1", description="The address that `serve` binds.")
    server_port: int = Field(8000, ge=0, le=65535, description="The port that `serve` binds.")
    api_token: SecretStr | None = Field(
        None, description="What `chat` calls the service with: an API key or an access token."
    )
    max_body_bytes: int = Field(2_000_000, ge=1, description="A larger request body is refused.")
    trusted_proxies: Listed = Field(
        (), description="Addresses or networks of proxies whose X-Forwarded-… headers count."
    )
    cors_origins: Listed = Field(
        (), description="Pages that may call the service: https://app.example.com, or * for all."
    )

    database_url: SecretStr = Field(
        SecretStr(f"sqlite:///data/{NAME}.db"),
        description="sqlite:///path or postgresql://user:password@host/name.",
    )
    database_pool_size: int = Field(
        5, ge=1, description="Connections kept open; three times as many under load."
    )
    redis_url: SecretStr | None = Field(
        None, description="redis://host:6379/0 carries messages and short-lived values."
    )

    log_level: LogLevel = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_format: LogFormat = Field("console", description="console (coloured) or json.")
    log_file: Path | None = Field(
        None, description="Log to this file as JSON, too: rotated at 500 MB, kept for 10 days."
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != "*":
                ip_network(one)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != "*" and not _ORIGIN.fullmatch(one):
                raise ValueError("expected https://host or https://host:port, with no / behind it")
        return value

    @field_validator("database_url")
    @classmethod
    def _normalise_database_url(cls, value: SecretStr) -> SecretStr:
        return SecretStr(normalise_database_url(value.get_secret_value()))

    def local_url(self, host: str | None = None, port: int | None = None) -> str:
        """Where this machine reaches what `serve` binds; `host` and `port` if they differ."""
        host = host or self.server_host
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (not bound)
        return f"http://{f'[{host}]' if ':' in host else host}:{port or self.server_port}"


_ASYNCPG = "postgresql+asyncpg"
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgres": _ASYNCPG, "postgresql": _ASYNCPG}


def normalise_database_url(url: str) -> str:
    """`url` with the asynchronous driver that this service uses.

    Raises `ValueError` for another database or a SQLite database in memory.
    """
    scheme, separator, rest = url.partition("://")
    backend = scheme.partition("+")[0]
    if not separator or backend not in _DRIVERS:
        raise ValueError("expected sqlite:///path or postgresql://user:password@host/name")
    try:
        parsed = make_url(f"{_DRIVERS[backend]}://{rest}")
    except (ArgumentError, ValueError) as error:
        raise ValueError("not a database URL: is a special character not %-escaped?") from error
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise ValueError("SQLite needs a file here: sqlite:///data/app.db")
    if "sslmode" in parsed.query:  # what providers write, and asyncpg calls `ssl`
        mode = parsed.query["sslmode"]
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed.render_as_string(hide_password=False)


S = TypeVar("S", bound=BaseSettings)


def variable_names(kind: type[BaseSettings]) -> dict[str, tuple[str, ...]]:
    """Each field of `kind` and the environment variables that it reads, the first one first."""
    prefix, names = kind.model_config.get("env_prefix", ""), {}
    for name, field in kind.model_fields.items():
        alias = field.validation_alias
        choices = alias.choices if isinstance(alias, AliasChoices) else [f"{prefix}{name}"]
        names[name] = tuple(str(choice).upper() for choice in choices)
    return names


_PLACEHOLDER = re.compile(r"<.*>|change[_ -]?(me|it|this)|secret|password|x{3,}|your\W.*", re.I)
_FRESH = "`python -c 'import secrets; print(secrets.token_urlsafe(32))'`"


def _check_secrets(settings: BaseSettings, environment: Environment) -> None:
    """Raise `StartupError` for a secret that everybody knows, but on a developer's own machine.

    That is one left at the default in the code, or at what stands for one in an example.
    """
    if environment in OWN_MACHINE:
        return
    for name, field in type(settings).model_fields.items():
        secret, default = (_secret_in(one) for one in (getattr(settings, name), field.default))
        if secret and (secret == default or _PLACEHOLDER.fullmatch(secret)):
            what = "at its default" if secret == default else "a placeholder"
            variable = variable_names(type(settings))[name][0]
            raise StartupError(
                f"{variable} is {what}, which everybody knows: where ENVIRONMENT={environment} it "
                f"needs a value of its own, such as {_FRESH} prints"
            )


def _secret_in(value: object) -> str:
    """What must not be known of a setting: of a URL, its password."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else ""
    return unquote(urlsplit(text).password or "") if "://" in text else text


def load_settings(kind: type[S]) -> S:
    """`kind` from the environment and `.env`.

    Raises `StartupError` that names every wrong variable, or a secret that everybody knows.
    """
    settings = _read(kind)
    core = settings if isinstance(settings, Settings) else get_settings()
    _check_secrets(settings, core.environment)
    return settings


def _read(kind: type[S]) -> S:
    try:
        return kind()
    except ValidationError as error:
        names = variable_names(kind)
        told = "; ".join(
            ".".join((names.get(at, (at.upper(),))[0], *inside)) + f": {item['msg']}"
            for item in error.errors()
            for at, *inside in [map(str, item["loc"])]
        )
        raise StartupError(f"wrong settings in the environment or .env: {told}") from None


@lru_cache
def get_settings() -> Settings:
    """The core's settings, read once per process."""
    return load_settings(Settings)
