"""I know what was said: conversations, messages and runs, as rows."""

from ..core.modules import AppModule

module = AppModule(
    name="sessions",
    router=".routes:router",
    cli=".commands:app",
    lifespan=".erasure:lifespan",
    settings=".settings:HistorySettings",
    after=("auth",),
)
