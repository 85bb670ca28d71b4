"""Lists over HTTP, a page at a time, by keys: what is added meanwhile moves nothing."""

from collections.abc import Iterable
from typing import Annotated, Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

T = TypeVar("T")

CleanText = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""Text that every database stores as it is: without NUL."""


class PageRequest(BaseModel):
    """Which page of a list: a base for the query of each list."""

    limit: int = Field(100, ge=1, le=200, description="How many at most.")


class PageBefore(PageRequest):
    """The same of a list whose newest come first."""

    before: UUID | None = Field(None, description="`next` of the page before.")


class Page(BaseModel, Generic[T]):
    """Some of many things; there are more as long as `next` is not null."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page.")

    @classmethod
    def of(cls, found: Iterable[T], limit: int, cursor: str) -> Self:
        """The first `limit` of what was found; the last one's field `cursor` asks for the rest."""
        items = list(found)
        more = len(items) > limit
        next_page = str(getattr(items[limit - 1], cursor)) if more else None
        return cls(items=items[:limit], next=next_page)
