"""The errors that this service foresees.

    AppError                     500  internal_error
    ├── InvalidRequest           422  invalid_request
    ├── Unauthenticated          401  unauthenticated
    ├── Forbidden                403  forbidden
    ├── NotFound                 404  not_found
    ├── Conflict                 409  conflict
    ├── PreconditionFailed       412  precondition_failed
    ├── TooLarge                 413  too_large
    ├── UnsupportedMediaType     415  unsupported_media_type
    ├── TooManyRequests          429  too_many_requests   retryable
    ├── ModelError               502  model_error         retryable
    │   └── ModelTimeout         504  model_timeout       retryable
    ├── Unavailable              503  unavailable         retryable
    └── StartupError             500  startup_error

Each has a stable `code` for programs and a message for people that says what was given, what was
expected and what to do next. `core.problems` makes HTTP answers of them; nothing here knows more
of HTTP than the number, so agents and tools may raise them.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, ClassVar, Self

_ERRORS_TOLD = 20
_DEPTH_TOLD = 8


class AppError(Exception):
    """An error that the service foresees and can explain.

    `details` are facts for programs; they reach the client, so they hold no secret.
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    headers: Mapping[str, str] = {}

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = dict(details or {})


class InvalidRequest(AppError):
    """The request is well formed, but what it asks for makes no sense."""

    code, status, title = "invalid_request", 422, "Invalid request"

    @classmethod
    def of(cls, errors: Iterable[Mapping[str, Any]], *where: str) -> Self:
        """The error that tells of Pydantic's `errors`, at `where` in the request.

        What was given is left out: it may be a secret.
        """
        told = [
            {"loc": (*where, *one["loc"])[:_DEPTH_TOLD], "msg": one["msg"], "type": one["type"]}
            for one in islice(errors, _ERRORS_TOLD)
        ]
        message = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in told)
        return cls(message, details={"errors": told})


class Unauthenticated(AppError):
    """Nobody knows who is calling."""

    code, status, title = "unauthenticated", 401, "Authentication required"
    headers: Mapping[str, str] = {"WWW-Authenticate": "Bearer"}

    def challenged(self, challenge: str) -> Self:
        """The same, with what a caller may send instead."""
        self.headers = {"WWW-Authenticate": challenge}
        return self


class Forbidden(AppError):
    """The caller may not do this."""

    code, status, title = "forbidden", 403, "Forbidden"


class NotFound(AppError):
    """There is no such thing, or it is not the caller's to see."""

    code, status, title = "not_found", 404, "Not found"


class Conflict(AppError):
    """The request contradicts the present state."""

    code, status, title = "conflict", 409, "Conflict"


class PreconditionFailed(AppError):
    """What shall be changed is not what it was when the client read it."""

    code, status, title = "precondition_failed", 412, "It has changed meanwhile"


class TooLarge(AppError):
    """The body of the request is larger than the service takes."""

    code, status, title = "too_large", 413, "The body is too large"


class UnsupportedMediaType(AppError):
    """The body of the request is no JSON, or does not say that it is."""

    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class TooManyRequests(AppError):
    """The caller has done this too often; `retry_after_s` is how long to wait."""

    code, status, title, retryable = "too_many_requests", 429, "Too many requests", True

    def __init__(self, message: str, retry_after_s: int = 60) -> None:
        super().__init__(message, details={"retry_after_s": retry_after_s})
        self.headers = {"Retry-After": str(retry_after_s)}


class ModelError(AppError):
    """The language model, or the way to it, failed."""

    code, status, title, retryable = "model_error", 502, "The model failed", True


class ModelTimeout(ModelError):
    """The language model did not answer in time."""

    code, status, title = "model_timeout", 504, "The model took too long"


class Unavailable(AppError):
    """Something that the service depends on is away for now."""

    code, status, title, retryable = "unavailable", 503, "Temporarily unavailable", True


class StartupError(AppError):
    """The service cannot start as it is configured or laid out."""

    code, title = "startup_error", "The service cannot start"
