"""What the claims of a token say: who calls, and what they may do."""

from collections.abc import Iterator, Mapping
from typing import Any

from ...core.errors import Unauthenticated
from ..caller import EVERY_SCOPE, Caller
from .settings import OidcSettings

MAX_ID_CHARS = 255


def as_caller(claims: Mapping[str, Any], settings: OidcSettings) -> Caller:
    """Whose token it is; raises `Unauthenticated` when its claims do not say that.

    The id is `ISSUER#SUBJECT`, for a subject is unique at its issuer alone.
    """
    subject = find(claims, settings.id_claim)
    if not isinstance(subject, str) or not subject or not subject.isprintable():
        raise Unauthenticated(
            f"the token does not say whose it is in its claim {settings.id_claim}"
        )
    caller_id = f"{claims['iss']}#{subject}"
    if len(caller_id) > MAX_ID_CHARS:
        raise Unauthenticated(f"the claim {settings.id_claim} of the token is too long")
    name = find(claims, settings.name_claim)
    scopes = {word for path in settings.scope_claims for word in _words(find(claims, path))}
    if settings.superuser_scope is not None and settings.superuser_scope in scopes:
        scopes = {EVERY_SCOPE}
    else:
        scopes.discard(EVERY_SCOPE)  # an issuer's word for all may mean all of something else
    return Caller(caller_id, frozenset(scopes), name=name if isinstance(name, str) else "")


def find(claims: Mapping[str, Any], path: str) -> Any:
    """The claim at `path`: the name of one, or `outer.inner`; None when there is none."""
    if path in claims:  # the name of a claim may be a URL
        return claims[path]
    outer, _, inner = path.partition(".")
    within = claims.get(outer)
    return find(within, inner) if inner and isinstance(within, Mapping) else None


def _words(claim: Any) -> Iterator[str]:
    """The scopes of a claim: words with spaces between, or a list of them."""
    if isinstance(claim, str):
        yield from claim.split()
    elif isinstance(claim, list):
        yield from (word for word in claim if isinstance(word, str))
