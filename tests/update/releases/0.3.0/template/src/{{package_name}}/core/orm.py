"""What every table shares: keys, times, and types that are the same on both databases."""

import time
from datetime import UTC, datetime
from secrets import randbits
from threading import Lock
from typing import Any, ClassVar
from uuid import UUID

from pydantic_core import from_json, to_json
from sqlalchemy import DateTime, Dialect, Float, MetaData, Text, Uuid
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

_uuid7_lock = Lock()
_uuid7_last = 0


def uuid7() -> UUID:
    """A new UUID that sorts by the time it was made, strictly so within one process.

    Method 3 of https://www.rfc-editor.org/rfc/rfc9562#section-6.2: 48 bits of milliseconds, 12
    bits of their fraction, 62 random bits. (`uuid.uuid7` exists from Python 3.14 on.)
    """
    global _uuid7_last
    now = time.time_ns() * 4096 // 1_000_000
    with _uuid7_lock:
        _uuid7_last = now = max(now, _uuid7_last + 1)
    milliseconds, fraction = divmod(now, 4096)
    return UUID(int=milliseconds << 80 | 7 << 76 | fraction << 64 | 2 << 62 | randbits(62))


def first_uuid7(since: datetime) -> UUID:
    """The least UUIDv7 of that moment: those made before it are less, the others are not."""
    return UUID(int=max(0, int(since.timestamp() * 1000)) << 80)


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, always in UTC, on SQLite as well, which itself knows no time zones.

    A naive time is refused: nobody knows when it is.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """Any JSON value as text: the same bytes come back, on both databases.

    PostgreSQL's JSONB would refuse NUL in a text and rewrite numbers.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else to_json(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else from_json(value)


class SecondsBetween(FunctionElement[float]):
    """The seconds from one time to another, to the millisecond."""

    name = "seconds_between"
    type = Float()
    inherit_cache = True


@compiles(SecondsBetween, "postgresql")
def _on_postgresql(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(one, **options) for one in element.clauses)
    return f"extract(epoch FROM {end} - {begin})::float"


@compiles(SecondsBetween, "sqlite")
def _on_sqlite(element: SecondsBetween, compiler: SQLCompiler, **options: Any) -> str:
    begin, end = (compiler.process(one, **options) for one in element.clauses)
    return f"(julianday({end}) - julianday({begin})) * 86400.0"


class Base(DeclarativeBase):
    """The declarative base of every table; constraint names are predictable for migrations."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        UUID: Uuid,
        dict[str, Any]: JsonText,
        list[Any]: JsonText,
    }


class UuidKey:
    """A mixin: the primary key `id`, a UUIDv7 made by this process."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)


class Timestamps:
    """A mixin: when the row was made and when it last changed."""

    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)
