"""I know what every room needs: settings, logging, errors, the database, the bus."""

from .modules import AppModule

module = AppModule(
    name="core",
    router=".health:router",
    cli=".commands:app",
    settings=".settings:Settings",
    prefix="",
)
