"""Logging: structlog over the standard library's, so that every library's lines look alike.

Lines carry what was bound with `structlog.contextvars`: `request_id` in every request. None tells
what users, models and tools say, or what anybody is known by: what libraries say at DEBUG, which
is all that they send and are sent, is not logged at any level.
"""

import logging
import sys
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from pydantic import ValidationError
from structlog.types import EventDict, ExcInfo, Processor

from .settings import Settings

FILE_SIZE_BYTES = 500 * 1024 * 1024
FILE_COUNT = 10
DAY_S = 24 * 3600
FILE_AGE_S = 10 * DAY_S

# Chatty at INFO, about URLs too, and what they say is said elsewhere.
_QUIET = ("alembic", "asyncio", "httpcore2", "httpx2", "openai", "anthropic")


class LogFile(RotatingFileHandler):
    """Rotates at `FILE_SIZE_BYTES`; once a day deletes what was rotated `FILE_AGE_S` ago."""

    _sweep_at = 0.0

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 (its name there)
        if record.created >= self._sweep_at:
            self._sweep_at = record.created + DAY_S
            for number in range(1, self.backupCount + 1):
                old = Path(f"{self.baseFilename}.{number}")
                if old.exists() and old.stat().st_mtime < record.created - FILE_AGE_S:
                    old.unlink(missing_ok=True)
        return bool(super().shouldRollover(record))


def configure_logging(settings: Settings) -> None:
    """Send every line of this process where `settings` say; may be called again."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_color_message,
    ]
    handlers = _handlers(settings, shared)
    level = "DEBUG" if settings.debug else settings.log_level
    logging.basicConfig(level="INFO" if level == "DEBUG" else level, handlers=handlers, force=True)
    logging.getLogger(__name__.partition(".")[0]).setLevel(level)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _handlers(settings: Settings, shared: list[Processor]) -> list[logging.Handler]:
    def add_environment(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event["environment"] = settings.environment
        return event

    tracebacks = structlog.processors.ExceptionRenderer(_format_traceback)
    as_json: list[Processor] = [
        add_environment,
        tracebacks,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    for_people: list[Processor] = [
        tracebacks,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The pretty ones show local variables, secrets included, and take seconds.
            exception_formatter=structlog.dev.plain_traceback,
        ),
    ]
    stream = logging.StreamHandler(sys.stderr)
    last = as_json if settings.log_format == "json" else for_people
    stream.setFormatter(_formatter(shared, last))
    if settings.log_file is None:
        return [stream]
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    file = LogFile(settings.log_file, "a", FILE_SIZE_BYTES, FILE_COUNT, encoding="utf-8")
    file.setFormatter(_formatter(shared, as_json))
    return [stream, file]


def _formatter(shared: list[Processor], last: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _format_traceback(exc_info: ExcInfo) -> str:
    """The traceback as Python writes it, without the values that Pydantic's errors quote."""
    text = "".join(traceback.format_exception(*exc_info)).rstrip()
    error: BaseException | None = exc_info[1]
    while error is not None:
        if isinstance(error, ValidationError):
            wrong = (f"{one['loc']}: {one['msg']}" for one in error.errors(include_input=False))
            text = text.replace(str(error), "; ".join(wrong))
        error = error.__cause__ or error.__context__
    return text


def _drop_color_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn says everything twice
    return event
