"""I know which model answers, and how to reach it."""

from ..core.modules import AppModule

module = AppModule(
    name="llm",
    cli=".commands:app",
    health=".models:health",
    lifespan=".models:lifespan",
    settings=".settings:LlmSettings",
    after=("core",),
)
