"""Settings of outside issuers: whose tokens are taken, and what is read from them."""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from ...core.errors import StartupError
from ...core.settings import OWN_MACHINE, Environment, RoomSettings

Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
"""Signed by a private key: whoever checks a signature by a secret could also make one."""

Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#@][^\s?#@]*$")]
"""Kept to the letter, for `iss` is compared so: `https://login.example.com/` is another issuer."""


def _split(value: Any) -> Any:
    return value.split() if isinstance(value, str) else value


Urls: TypeAlias = Annotated[tuple[Url, ...], NoDecode, BeforeValidator(_split)]
Words: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Algorithms: TypeAlias = Annotated[tuple[Algorithm, ...], NoDecode, BeforeValidator(_split)]


class OidcSettings(RoomSettings):
    """Whose tokens are taken, for whom they must be, and what their claims mean."""

    model_config = SettingsConfigDict(env_prefix="OIDC__")

    issuer: Urls = Field(
        (),
        description="Whose tokens are taken: the claim iss of theirs, such as "
        "https://login.example.com/realms/shop; several with spaces between.",
    )
    audience: Words = Field(
        (), description="What the issuer calls this service: the claim aud holds one of these."
    )
    algorithms: Algorithms = Field(
        ("RS256", "ES256"), min_length=1, description="How tokens may be signed."
    )
    jwks_url: Url | None = Field(
        None,
        description="Where the issuer's keys are; empty for where its openid-configuration says.",
    )
    introspection_url: Url | None = Field(
        None, description="Ask there what a token is worth, instead of checking its signature."
    )
    client_id: str | None = Field(
        None, description="Whom the issuer knows this service as when it asks there."
    )
    client_secret: SecretStr | None = Field(None, description="What it proves that by.")
    id_claim: str = Field(
        "sub", description="The claim that says who it is; it must never be another one's."
    )
    name_claim: str = Field(
        "preferred_username", description="The claim that holds a name for people."
    )
    scope_claims: Words = Field(
        ("scope", "scp"),
        description="The claims that say what callers may do, such as realm_access.roles.",
    )
    superuser_scope: str | None = Field(
        None, description="Whoever has this scope may do everything."
    )
    leeway_s: float = Field(30, ge=0, le=300, description="How far the issuer's clock may be off.")
    timeout_s: float = Field(5, gt=0, description="How long the issuer may take to answer.")
    keys_fresh_s: float = Field(
        300, gt=0, description="Ask again for the issuer's keys when they are older."
    )
    keys_kept_s: float = Field(
        3600, gt=0, description="While the issuer does not answer, go on with its keys for so long."
    )

    def check(self, environment: Environment) -> None:
        """Raise `StartupError` for settings that do not fit each other, or this environment."""
        urls = [*self.issuer, *filter(None, (self.jwks_url, self.introspection_url))]
        plain = [url for url in urls if not url.startswith("https://")]
        if plain and environment not in OWN_MACHINE:
            raise StartupError(
                f"{plain[0]} is no https, so that anybody between could forge tokens: "
                f"ENVIRONMENT={environment} takes https:// only"
            )
        if len(self.issuer) > 1 and (self.jwks_url or self.introspection_url):
            raise StartupError(
                "OIDC__JWKS_URL and OIDC__INTROSPECTION_URL are of one issuer, and OIDC__ISSUER "
                "names several: leave them out, or one issuer in"
            )
        if self.introspection_url:
            self._check_introspection()
        elif self.issuer and not self.audience:
            raise StartupError(
                "OIDC__AUDIENCE is missing, so that tokens which the issuer gave for other "
                "services would be taken: set it to what the issuer calls this one"
            )

    def _check_introspection(self) -> None:
        if not (self.issuer and self.client_id and self.client_secret):
            raise StartupError(
                "OIDC__INTROSPECTION_URL needs OIDC__ISSUER, whose the callers are, and "
                "OIDC__CLIENT_ID and OIDC__CLIENT_SECRET, by which this service may ask there"
            )
        if self.jwks_url:
            raise StartupError(
                "OIDC__JWKS_URL and OIDC__INTROSPECTION_URL exclude each other: a token is "
                "checked here, or there"
            )
