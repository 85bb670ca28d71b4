"""I know who has a key."""

from ..modes import AuthMode

module = AuthMode(
    name="api_key",
    router=".routes:router",
    cli=".commands:app",
    init=".keys:make_first_key",
    lifespan=".uses:lifespan",
    settings=".settings:ApiKeySettings",
    authenticate=".reader:authenticate",
    challenge="Bearer",
    scheme={
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key; `Authorization: Bearer` takes it, too.",
    },
)
