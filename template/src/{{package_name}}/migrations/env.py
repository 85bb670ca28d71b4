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


def main() -> None:
    """Run what was asked for."""
    connection = config.attributes.get("connection")
    if context.is_offline_mode():
        _print_sql()
    elif connection is None:
        asyncio.run(_connect_and_migrate())
    else:
        _migrate(connection, config.attributes["metadata"])


def _migrate(connection: Connection, metadata: MetaData) -> None:
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


async def _connect_and_migrate() -> None:
    migrate = import_module(f"{_package()}.core.migrate")
    async with migrate.connect_for_alembic() as connection:
        await connection.run_sync(_migrate, migrate.load_metadata())


def _print_sql() -> None:
    migrate = import_module(f"{_package()}.core.migrate")
    context.configure(
        dialect_name=migrate.configured_dialect(),
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _package() -> str:
    package = config.get_alembic_option("package")
    if package is None:
        raise SystemExit('pyproject.toml lacks `package = "…"` in [tool.alembic]')
    return package


def _include_object(
    _object: Any, name: str | None, kind: str, reflected: bool, compared: Any
) -> bool:
    """Leave out tables that no model and none of the project's own migrations know.

    They belong to another program, or to a component that is gone and whose data is kept.
    """
    if kind == "table" and reflected and compared is None:
        return name in _own_tables()
    return True


@cache
def _own_tables() -> frozenset[str]:
    """The tables that the migrations in `versions/app` create."""
    trees = (ast.parse(path.read_text("utf-8")) for path in USER_REVISIONS.glob("*.py"))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return frozenset(name for call in calls if (name := _created_table(call)) is not None)


def _created_table(call: ast.Call) -> str | None:
    match call:
        case ast.Call(
            func=ast.Attribute(attr="create_table"), args=[ast.Constant(value=str(name)), *_]
        ):
            return name
    return None


def _render_item(kind: str, item: Any, _autogen_context: Any) -> str | Literal[False]:
    """Write the project's own column types as the standard ones below them.

    A migration must run when the code that it came from has long changed.
    """
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


main()
