"""I know who is calling."""

from ..core.modules import AppModule

module = AppModule(
    name="auth", settings=".caller:AuthSettings", lifespan=".modes:lifespan", has_rooms=True
)
