"""Errors as HTTP answers: problem documents, https://www.rfc-editor.org/rfc/rfc9457.

A route says in OpenAPI which of them it may answer with: `responses=problems(NotFound, Conflict)`.
"""

from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from operator import attrgetter
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from .errors import (
    AppError,
    Forbidden,
    InvalidRequest,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

_STANDARD = {status.value: (status.name.lower(), status.phrase) for status in HTTPStatus}


class Problem(BaseModel):
    """Why a request was not answered; `code` is stable, `detail` is for people."""

    type: str = Field(description="A URI that names the kind of problem.")
    title: str
    status: int
    detail: str
    code: str
    retryable: bool = Field(description="Whether the same request may succeed later.")
    details: dict[str, Any] = Field(description="Facts about this very problem.")
    request_id: str | None = Field(description="Also in the log and in X-Request-ID.")


OF_CALLERS = (Unauthenticated, Forbidden, TooManyRequests, Unavailable)
"""What every route that takes a caller may answer with."""

OF_BODIES = (TooLarge, UnsupportedMediaType, InvalidRequest)
"""What every route that reads a body may answer with."""

_UNREADABLE = "There was an error parsing the body"  # says FastAPI, whatever the cause


class ProblemAPI(FastAPI):
    """A FastAPI application whose OpenAPI document has the schema that `problems` refers to, and
    says in which of the ways of `security_schemes` a caller may say who it is."""

    security_schemes: Mapping[str, Mapping[str, Any]] = {}

    def openapi(self) -> dict[str, Any]:
        """The document that describes every route."""
        document = super().openapi()
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        schemas.setdefault(Problem.__name__, Problem.model_json_schema())
        if self.security_schemes:
            schemes: list[dict[str, Any]] = [{name: []} for name in self.security_schemes]
            components.setdefault("securitySchemes", self.security_schemes)
            document.setdefault("security", schemes)
            for path in document["paths"].values():
                for operation in path.values():
                    if operation.get("security") == [{}]:  # whoever says nothing is answered, too
                        operation["security"] = [*schemes, {}]
        return document


def problems(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """These errors for `responses=` of a route or router, each with an example."""
    by_status = groupby(sorted(kinds, key=attrgetter("status")), key=attrgetter("status"))
    return {status: _describe(tuple(same)) for status, same in by_status}


def _describe(kinds: tuple[type[AppError], ...]) -> dict[str, Any]:
    about = {kind.code: (kind.__doc__ or kind.title).partition("\n")[0] for kind in kinds}
    examples = {
        kind.code: {
            "summary": kind.title,
            "value": _document(kind.status, kind.code, kind.title, kind(about[kind.code])),
        }
        for kind in kinds
    }
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    content = {MEDIA_TYPE: {"schema": schema, "examples": examples}}
    return {"description": " ".join(about.values()), "content": content}


def problem_response(error: AppError) -> JSONResponse:
    """`error` as the answer to the current request."""
    return _respond(error.status, error.code, error.title, error, error.headers)


def _respond(
    status: int, code: str, title: str, error: AppError, headers: Mapping[str, str] | None
) -> JSONResponse:
    document = _document(status, code, title, error)
    return JSONResponse(document, status, headers, media_type=MEDIA_TYPE)


def _document(status: int, code: str, title: str, error: AppError) -> dict[str, Any]:
    problem = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=error.message,
        code=code,
        retryable=error.retryable,
        details=error.details,
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )
    return problem.model_dump(mode="json")


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error that `app` answers with a problem document."""
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_app_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AppError)
    if error.status >= 500:
        log.error(error.code, detail=error.message, details=error.details)
    return problem_response(error)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    # FastAPI leaves the body of any other media type as it came, and fails to validate that.
    if isinstance(error.body, bytes) and any(item["loc"][0] == "body" for item in found):
        given = request.headers.get("Content-Type", "")
        message = f"the body is {given!r}: send JSON, with Content-Type: application/json"
        return problem_response(UnsupportedMediaType(message))
    return problem_response(InvalidRequest.of(found))


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in {204, 304}:  # which have no body
        return Response(status_code=error.status_code, headers=error.headers)
    if error.detail == _UNREADABLE:
        why = error.__cause__
        known = why if isinstance(why, AppError) else InvalidRequest(f"the body is no JSON: {why}")
        return problem_response(known)
    code, title = _STANDARD.get(error.status_code, ("http_error", "HTTP error"))
    return _respond(error.status_code, code, title, AppError(str(error.detail)), error.headers)
