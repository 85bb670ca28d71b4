"""Keys as the API shows and takes them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ...core.pages import CleanText
from ..schemas import Scopes


class KeyCreate(BaseModel):
    """A new key."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "laptop"}, {"name": "ci", "expires_in_days": 90}]},
    )

    name: Annotated[CleanText, Field(min_length=1, max_length=100)] = Field(
        description="What it is for."
    )
    scopes: Scopes | None = Field(
        None, description="What it may do, of what you may; null for all of it."
    )
    expires_in_days: int | None = Field(
        None, ge=1, le=3650, description="How long it holds; null for ever."
    )


class KeyView(BaseModel):
    """A key of yours, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    key_id: UUID = Field(description="The middle part of the key, as a UUID.")
    name: str
    scopes: list[str] | None = Field(description="Null for all that you may.")
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class KeyCreated(KeyView):
    """A new key, which is never shown again."""

    key: str = Field(description="Send it as `X-API-Key` or `Authorization: Bearer`.")
