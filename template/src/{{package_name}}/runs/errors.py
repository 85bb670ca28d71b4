"""What can go wrong with a run, besides its model.

Conflict
└── RunInProgress      409  run_in_progress     retryable
ModelTimeout
└── RunTooLong         504  run_too_long        retryable
AppError
├── RunLimitReached    502  run_limit_reached
├── RunLost            503  run_lost            retryable
└── RunNotStored       503  run_not_stored      retryable
"""

from collections.abc import Iterator

from ..core.errors import AppError, Conflict, ModelTimeout


class RunInProgress(Conflict):
    """The session is busy: an answer is being given in it."""

    code = "run_in_progress"
    title = "The session is busy"
    retryable = True


class RunTooLong(ModelTimeout):
    """The run took longer than RUNS__TIME_LIMIT_S."""

    code = "run_too_long"
    title = "The run took too long"


class RunLimitReached(AppError):
    """The run asked too much of the model."""

    code = "run_limit_reached"
    status = 502
    title = "The run reached a limit"


class RunLost(AppError):
    """The run was taken for dead, because its process had been silent for too long."""

    code = "run_lost"
    status = 503
    title = "The run was lost"
    retryable = True


class RunNotStored(AppError):
    """The database could not be reached when the run ended."""

    code = "run_not_stored"
    status = 503
    title = "The answer could not be stored"
    retryable = True


def error_of(code: str) -> type[AppError]:
    """Return the error that has this code, by default the unexpected one."""
    return next((kind for kind in _kinds(AppError) if kind.code == code), AppError)


def _kinds(kind: type[AppError]) -> Iterator[type[AppError]]:
    yield kind
    for derived in kind.__subclasses__():
        yield from _kinds(derived)
