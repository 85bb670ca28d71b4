"""Tools that read a database with SQL: which tables there are, and what a query finds.

The model writes the SQL, so it may come from whoever writes to the model. Three things stand in
its way: the SQL becomes a subquery, so that only a query fits in; the transaction is read-only;
and the role of the database's URL should be allowed to read these tables and nothing else. Values
are bound, and rows, characters and time are limited.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_ai import ModelRetry, ToolFailed
from pydantic_core import to_json, to_jsonable_python
from pydantic_settings import SettingsConfigDict
from sqlalchemy import URL, Connection, NullPool, Row, inspect, make_url, text
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..core.settings import RoomSettings, load_settings, normalise_database_url
from .definition import tool

T = TypeVar("T")

Value: TypeAlias = str | int | float | bool | None

SCOPE = "sql:read"

_LOOK_EVERY = 1000  # so many steps of its own SQLite looks at the clock


class SqlQuerySettings(RoomSettings):
    """Which database may be read, and how much of it at once."""

    model_config = SettingsConfigDict(env_prefix="SQL_QUERY__")

    database_url: SecretStr | None = Field(
        None,
        description="The database that agents may read: postgresql://reader:password@host/name or "
        "sqlite:///path.",
    )
    timeout_s: float = Field(10, gt=0, description="A query that takes longer is ended.")
    max_rows: int = Field(100, ge=1, description="The model reads no more rows than this.")
    max_characters: int = Field(
        20_000, ge=1, description="The model reads no more than this of all rows together."
    )

    @field_validator("database_url")
    @classmethod
    def _normalise(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(normalise_database_url(value.get_secret_value()))


class Found(BaseModel):
    """What a query found."""

    columns: list[str]
    rows: list[list[Any]]
    truncated: bool = Field(description="Whether there is more: ask for less, or sum it up.")


@tool(category="database", scopes={SCOPE})
async def sql_tables() -> dict[str, dict[str, str]]:
    """List the tables and views of the database, with the names and types of their columns."""
    return await _read(lambda connection, _: connection.run_sync(_columns_by_table))


@tool(category="database", scopes={SCOPE})
async def sql_query(sql: str, parameters: dict[str, Value] | None = None) -> Found:
    """Read from the database with one SELECT statement; sql_tables tells what there is.

    Args:
        sql: The statement, with values as `:name`.
        parameters: The values by name.
    """

    async def ask(connection: AsyncConnection, settings: SqlQuerySettings) -> Found:
        # On lines of its own, so that a comment at its end hides nothing.
        inner = sql.strip().rstrip(";")
        query = "\n".join(("SELECT * FROM (", inner, ") AS found LIMIT :row_limit"))
        values = {**(parameters or {}), "row_limit": settings.max_rows + 1}
        result = await connection.execute(text(query), values)
        return _found(list(result.keys()), result.fetchall(), settings)

    return await _read(ask)


async def _read(ask: Callable[[AsyncConnection, SqlQuerySettings], Awaitable[T]]) -> T:
    """What `ask` reads on a connection that cannot write and has no more than its time.

    Raises `ModelRetry` with what the database says about the SQL, `ToolFailed` when it cannot be
    reached, `TimeoutError`.
    """
    settings = load_settings(SqlQuerySettings)
    if settings.database_url is None:
        raise ToolFailed("No database may be read here: SQL_QUERY__DATABASE_URL is not set.")
    ends_at = time.monotonic() + settings.timeout_s
    url = _reading(make_url(settings.database_url.get_secret_value()))
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with asyncio.timeout(settings.timeout_s), _connected(engine, ends_at) as connection:
            return await ask(connection, settings)
    except StatementError as error:
        if time.monotonic() >= ends_at:
            raise TimeoutError from error
        raise ModelRetry(f"The database says: {error.orig}") from error
    finally:
        await engine.dispose()


@asynccontextmanager
async def _connected(engine: AsyncEngine, ends_at: float) -> AsyncIterator[AsyncConnection]:
    """Connect, and have the database itself refuse to write and end what takes too long."""
    try:
        connection = await engine.connect()
    except (OSError, DBAPIError) as error:
        raise ToolFailed("The database cannot be reached.") from error
    try:
        if connection.dialect.name == "sqlite":
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.set_progress_handler(lambda: time.monotonic() >= ends_at, _LOOK_EVERY)
            await connection.exec_driver_sql("PRAGMA query_only = ON")
        else:
            left_ms = max(1, round(1000 * (ends_at - time.monotonic())))
            await connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            await connection.exec_driver_sql(f"SET LOCAL statement_timeout = {left_ms}")
        yield connection
    finally:
        await connection.close()


def _reading(url: URL) -> URL:
    """The URL as it opens a SQLite file to read it; a server's is as it was."""
    if url.get_backend_name() != "sqlite":
        return url
    file = Path(url.database or "").absolute().as_uri()
    return url.set(database=file).update_query_dict({"mode": "ro", "uri": "true"})


def _columns_by_table(connection: Connection) -> dict[str, dict[str, str]]:
    columns = inspect(connection).get_multi_columns(kind=ObjectKind.ANY)
    return {
        name: {one["name"]: str(one["type"]) for one in columns[schema, name]}
        for schema, name in sorted(columns, key=str)
    }


def _found(columns: list[str], rows: Sequence[Row[Any]], settings: SqlQuerySettings) -> Found:
    kept: list[list[Any]] = []
    left = settings.max_characters
    for row in rows[: settings.max_rows]:
        values = to_jsonable_python(list(row), bytes_mode="base64", serialize_unknown=True)
        left -= len(to_json(values))
        if left < 0:
            break
        kept.append(values)
    return Found(columns=columns, rows=kept, truncated=len(kept) < len(rows))
