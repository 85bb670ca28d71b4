"""I know what every room needs: settings, logging, errors, database, bus, key-value store."""

from .modules import AppModule

module = AppModule(
    name="core",
    router=".health:router",
    cli=".commands:app",
    settings=".settings:Settings",
    prefix="",
)
