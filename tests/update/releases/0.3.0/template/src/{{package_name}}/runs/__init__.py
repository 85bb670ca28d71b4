"""I know one turn: begin, run, stream, store, whatever happens."""

from ..core.modules import AppModule

module = AppModule(
    name="runs",
    router=".routes:build_router",
    cli=".commands:app",
    lifespan=".manager:lifespan",
    settings=".settings:RunsSettings",
    after=("agents", "auth", "llm", "sessions", "tools"),
)
