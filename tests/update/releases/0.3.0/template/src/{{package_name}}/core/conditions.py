"""Requests on a condition: a client that asks again and again, and one that may come too late.

The ETag of an answer is a digest of what it says, so it is another one whenever that has changed,
whoever changed it: https://www.rfc-editor.org/rfc/rfc9110#section-13. A weak one counts as well,
for a proxy that compresses an answer makes its tag weak.
"""

from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from .errors import PreconditionFailed

View = TypeVar("View", bound=BaseModel)

_ETAG = {"description": "Names this very answer.", "schema": {"type": "string"}}

POLLED: dict[int | str, dict[str, Any]] = {
    200: {"headers": {"ETag": _ETAG}},
    304: {"description": "Nothing has changed since the answer that If-None-Match names."},
}
"""For `responses=` of a route that takes `PolledDep`."""

IfMatch = Annotated[
    str | None,
    Header(description="The ETag of what you have read: refused with 412 if it has changed since."),
]


class Polled:
    """The answer to a client that polls: nothing but 304 while it has it already."""

    def __init__(
        self,
        response: Response,
        if_none_match: Annotated[
            str | None, Header(description="The ETag of the answer that you have.")
        ] = None,
    ) -> None:
        self._headers = response.headers
        self._known = if_none_match

    def answer(self, view: View) -> View:
        """`view` with its ETag, unless the client has it."""
        headers = {"ETag": etag(view), "Cache-Control": "private, no-cache"}
        if self._known is not None and _names(self._known, headers["ETag"]):
            raise HTTPException(304, headers=headers)
        self._headers.update(headers)
        return view


PolledDep = Annotated[Polled, Depends()]


def etag(view: BaseModel) -> str:
    """The ETag of an answer that says this."""
    return f'"{sha256(view.model_dump_json().encode()).hexdigest()[:32]}"'


def check_unchanged(if_match: str | None, view: BaseModel) -> None:
    """Raise `PreconditionFailed` when a client has read something else than `view`."""
    if if_match is not None and not _names(if_match, etag(view)):
        raise PreconditionFailed("it has changed since you read it: read it again, then change it")


def _names(header: str, tag: str) -> bool:
    tags = {one.strip().removeprefix("W/") for one in header.split(",")}
    return not tags.isdisjoint({"*", tag})
