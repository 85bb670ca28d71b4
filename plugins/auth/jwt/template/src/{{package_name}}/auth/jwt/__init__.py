"""I know who has logged in with a password."""

from ..modes import AuthMode

module = AuthMode(
    name="jwt",
    router=".routes:router",
    cli=".commands:app",
    settings=".settings:JwtSettings",
    lifespan=".lifespan:lifespan",
    authenticate=".reader:authenticate",
    challenge="Bearer",
    scheme={"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
)
