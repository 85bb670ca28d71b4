"""The errors that this service foresees.

    AppError                     500  internal_error
    ├── InvalidRequest           422  invalid_request
    ├── Unauthenticated          401  unauthenticated
    ├── Forbidden                403  forbidden
    ├── NotFound                 404  not_found
    ├── Conflict                 409  conflict
    ├── TooManyRequests          429  too_many_requests   retryable
    ├── ModelError               502  model_error         retryable
    │   └── ModelTimeout         504  model_timeout       retryable
    ├── ToolError                502  tool_error
    ├── Unavailable              503  unavailable         retryable
    └── StartupError             500  startup_error

Each carries a stable `code` for programs and a message for people that says what was given,
what was expected and what to do next. `core.problems` turns them into HTTP answers; nothing
here knows about HTTP beyond the number, so agents and tools may raise them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class AppError(Exception):
    """An error that the service foresees and can explain.

    `details` are facts for programs; they reach the client, so they hold no secret.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = dict(details or {})


class InvalidRequest(AppError):
    """The request is well formed, but what it asks for makes no sense."""

    code = "invalid_request"
    status = 422
    title = "Invalid request"


class Unauthenticated(AppError):
    """Nobody knows who is calling; `challenge` becomes the `WWW-Authenticate` header."""

    code = "unauthenticated"
    status = 401
    title = "Authentication required"
    challenge: ClassVar[str] = "Bearer"


class Forbidden(AppError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403
    title = "Forbidden"


class NotFound(AppError):
    """There is no such thing, or it is not the caller's to see."""

    code = "not_found"
    status = 404
    title = "Not found"


class Conflict(AppError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409
    title = "Conflict"


class TooManyRequests(AppError):
    """The caller, or everybody together, asks for more than is allowed at once."""

    code = "too_many_requests"
    status = 429
    title = "Too many requests"
    retryable = True


class ModelError(AppError):
    """The language model, or the way to it, failed."""

    code = "model_error"
    status = 502
    title = "The model failed"
    retryable = True


class ModelTimeout(ModelError):
    """The language model did not answer in time."""

    code = "model_timeout"
    status = 504
    title = "The model took too long"


class ToolError(AppError):
    """A tool failed in a way that the model could not mend."""

    code = "tool_error"
    status = 502
    title = "A tool failed"


class Unavailable(AppError):
    """Something that the service depends on is away for now."""

    code = "unavailable"
    status = 503
    title = "Temporarily unavailable"
    retryable = True


class StartupError(AppError):
    """The service cannot start as it is configured or laid out."""

    code = "startup_error"
    title = "The service cannot start"
