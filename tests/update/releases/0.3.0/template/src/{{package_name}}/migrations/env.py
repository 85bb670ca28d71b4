"""How Alembic runs the migrations: on the connection that it is given, else on its own.

The service hands over a connection and the metadata in `config.attributes`. Plain `alembic` does
not: then the package named in `[tool.alembic]` tells the database and the tables.
"""

import asyncio
from importlib import import_module
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, MetaData
from sqlalchemy.types import TypeDecorator

config = context.config


def migrate(connection: Connection, metadata: MetaData) -> None:
    """Run what was asked for on `connection`."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=_include_object,
        render_item=_render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    """Run what was asked for on the database of the environment and `.env`."""
    package = config.get_alembic_option("package")
    schema = import_module(f"{package}.core.migrate")
    async with schema.connect_for_alembic() as connection:
        await connection.run_sync(migrate, schema.load_metadata())


def _include_object(
    _object: Any, _name: str | None, kind: str, reflected: bool, compared: Any
) -> bool:
    """Leave out tables that no model knows: what they hold is never dropped unasked."""
    return not (kind == "table" and reflected and compared is None)


def _render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write the project's own column types as the standard ones below them.

    A migration must run when the code that it came from has long changed.
    """
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


if config.attributes.get("connection") is None:
    asyncio.run(connect_and_migrate())
else:
    migrate(config.attributes["connection"], config.attributes["metadata"])
