"""Logging: structlog over the standard library's, so that every library's lines look alike.

Lines carry what was bound with `structlog.contextvars`: `request_id` in every request.
"""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.types import EventDict, Processor

from .settings import Settings

FILE_SIZE_BYTES = 500 * 1024 * 1024
FILE_COUNT = 10

# Chatty at INFO, and what they say is said elsewhere.
_QUIET = ("alembic", "asyncio", "httpcore2", "httpx2", "openai", "anthropic", "uvicorn.access")


def configure_logging(settings: Settings) -> None:
    """Send every line of this process where `settings` say; may be called again."""
    shared = _shared_processors(settings)
    handlers: list[logging.Handler] = [_stream_handler(settings, shared)]
    if settings.log_file is not None:
        handlers.append(_file_handler(settings.log_file, shared))
    logging.basicConfig(level=_level(settings), handlers=handlers, force=True)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET if settings.debug else logging.WARNING)
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


def _level(settings: Settings) -> int:
    return logging.DEBUG if settings.debug else logging.getLevelNamesMapping()[settings.log_level]


def _shared_processors(settings: Settings) -> list[Processor]:
    def add_environment(_logger: Any, _method: str, event: EventDict) -> EventDict:
        event["environment"] = settings.environment
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_environment,
    ]


def _stream_handler(settings: Settings, shared: list[Processor]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    if settings.log_format == "json":
        handler.setFormatter(_json_formatter(shared))
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # The pretty ones show local variables, secrets included, and take seconds.
            exception_formatter=structlog.dev.plain_traceback,
        )
        handler.setFormatter(_formatter([_drop_environment, renderer], shared))
    return handler


def _file_handler(path: Path, shared: list[Processor]) -> logging.Handler:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        path, maxBytes=FILE_SIZE_BYTES, backupCount=FILE_COUNT, encoding="utf-8", delay=True
    )
    handler.setFormatter(_json_formatter(shared))
    return handler


def _json_formatter(shared: list[Processor]) -> logging.Formatter:
    renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    return _formatter([structlog.processors.format_exc_info, renderer], shared)


def _formatter(last: list[Processor], shared: list[Processor]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _drop_color_message, *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _drop_color_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn says everything twice
    return event


def _drop_environment(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.pop("environment", None)  # a person at a terminal knows where they are
    return event
