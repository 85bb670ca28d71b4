"""Errors as HTTP answers: problem documents, https://www.rfc-editor.org/rfc/rfc9457."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from .errors import AppError, InvalidRequest

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


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "Any error",
        "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
    }
}
"""For `FastAPI(responses=…)`: every operation may answer with a problem document."""


def problem_response(error: AppError) -> JSONResponse:
    """`error` as the answer to the current request."""
    return _respond(error.status, error.code, error.title, error, error.headers)


def _respond(
    status: int, code: str, title: str, error: AppError, headers: Mapping[str, str] | None
) -> JSONResponse:
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
    return JSONResponse(problem.model_dump(mode="json"), status, headers, media_type=MEDIA_TYPE)


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


async def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return problem_response(InvalidRequest.of(error.errors()))


async def _on_http_exception(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in {204, 304}:  # which have no body
        return Response(status_code=error.status_code, headers=error.headers)
    code, title = _STANDARD.get(error.status_code, ("http_error", "HTTP error"))
    return _respond(error.status_code, code, title, AppError(str(error.detail)), error.headers)
