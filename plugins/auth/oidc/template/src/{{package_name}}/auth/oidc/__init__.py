"""I know callers by the tokens of an outside issuer."""

from ..modes import AuthMode

module = AuthMode(
    name="oidc",
    settings=".settings:OidcSettings",
    lifespan=".reader:lifespan",
    health=".reader:health",
    authenticate=".reader:authenticate",
    challenge="Bearer",
    scheme={
        "type": "http",
        "scheme": "bearer",
        "description": "An access token of the issuer that this service trusts.",
    },
)
