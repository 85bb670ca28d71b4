"""Errors as HTTP answers: problem documents, https://www.rfc-editor.org/rfc/rfc9457."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from pydantic_core import to_jsonable_python
from starlette.exceptions import HTTPException

from .errors import AppError, Unauthenticated

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Any error",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""For `FastAPI(responses=…)`: every operation may answer with a problem document."""


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


class ProblemResponse(JSONResponse):
    """A problem document."""

    media_type = MEDIA_TYPE


def problem_response(
    *,
    status: int,
    code: str,
    detail: str,
    title: str = "",
    retryable: bool = False,
    details: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> ProblemResponse:
    """A problem document as the answer to the current request."""
    problem = Problem(
        type="about:blank",
        title=title or _phrase(status),
        status=status,
        detail=detail,
        code=code,
        retryable=retryable,
        details=dict(details or {}),
        request_id=structlog.contextvars.get_contextvars().get("request_id"),
    )
    return ProblemResponse(problem.model_dump(mode="json"), status, headers)


def error_response(error: AppError) -> ProblemResponse:
    """`error` as the answer to the current request."""
    headers = None
    if isinstance(error, Unauthenticated):
        headers = {"WWW-Authenticate": error.challenge}
    return problem_response(
        status=error.status,
        code=error.code,
        title=error.title,
        detail=error.message,
        retryable=error.retryable,
        details=error.details,
        headers=headers,
    )


def unexpected_response(error: Exception, *, debug: bool) -> ProblemResponse:
    """The answer when something failed that nobody foresaw: it tells nothing unless `debug`."""
    detail = f"{type(error).__name__}: {error}" if debug else "something unexpected went wrong"
    return problem_response(status=500, code=AppError.code, title=AppError.title, detail=detail)


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem document, in its answers and in its OpenAPI."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        document = describe()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        return document

    # https://fastapi.tiangolo.com/how-to/extending-openapi/
    app.openapi = openapi  # type: ignore[method-assign]
    app.add_exception_handler(AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_app_error(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, AppError)
    if error.status >= 500:
        log.error(error.code, detail=error.message, **error.details)
    return error_response(error)


async def _on_invalid_request(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"loc": list(item["loc"]), "msg": item["msg"], "type": item["type"]}
        for item in error.errors()
    ]
    return problem_response(
        status=422,
        code="invalid_request",
        title="Invalid request",
        detail="; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in errors),
        details={"errors": to_jsonable_python(errors)},
    )


async def _on_http_exception(_request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)
    return problem_response(
        status=error.status_code,
        code=_code(error.status_code),
        detail=str(error.detail),
        headers=error.headers,
    )


def _code(status: int) -> str:
    try:
        return HTTPStatus(status).name.lower()
    except ValueError:
        return "error"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
