"""I know whom to tell of errors that nobody foresaw."""

from ..core.modules import AppModule

module = AppModule(
    name="sentry", lifespan=".reporting:lifespan", settings=".settings:SentrySettings"
)
