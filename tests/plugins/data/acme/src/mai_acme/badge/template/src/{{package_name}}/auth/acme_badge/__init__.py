"""I know who wears a badge of ACME."""

from ..modes import AuthMode

module = AuthMode(
    name="acme_badge",
    settings=".reader:BadgeSettings",
    authenticate=".reader:authenticate",
    challenge="AcmeBadge",
    scheme={"type": "apiKey", "in": "header", "name": "X-Acme-Badge"},
)
