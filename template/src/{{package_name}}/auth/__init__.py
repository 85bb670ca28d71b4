"""I know who is calling."""

from ..core.modules import AppModule

module = AppModule(
    name="auth",
    router=".routes:router",
    cli=".commands:app",
    settings=".caller:AuthSettings",
    lifespan=".modes:lifespan",
    has_rooms=True,
)
