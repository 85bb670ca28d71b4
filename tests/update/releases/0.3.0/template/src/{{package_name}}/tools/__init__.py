"""I do one thing for an agent: one module per tool, found because it is here."""

from ..core.modules import AppModule

module = AppModule(
    name="tools",
    router=".routes:router",
    cli=".commands:app",
    lifespan=".switches:lifespan",
    after=("auth", "llm", "sessions"),
)
