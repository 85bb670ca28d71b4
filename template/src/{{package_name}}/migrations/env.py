"""How Alembic runs the migrations: on the connection that it is given, else on its own.

The service hands over a connection and the metadata in `config.attributes`. Plain `alembic` does
not: then the package named in `[tool.alembic]` tells the database and the tables.
"""

import ast
import asyncio
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, MetaData
from sqlalchemy.types import TypeDecorator

config = context.config

USER_REVISIONS = Path(__file__).parent / "versions" / "app"


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
    _object: Any, name: str | None, kind: str, reflected: bool, compared: Any
) -> bool:
    """Leave out tables that no model and none of the project's own migrations know.

    They belong to another program, or to a component that is gone and whose data is kept.
    """
    unknown = kind == "table" and reflected and compared is None
    return not unknown or name in _own_tables()


@cache
def _own_tables() -> frozenset[str]:
    """The tables that the migrations in `versions/app` create."""
    names = set()
    for path in USER_REVISIONS.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="create_table"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    names.add(name)
    return frozenset(names)


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
