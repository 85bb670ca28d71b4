"""Makes Sentry's events and breadcrumbs of log records, those of structlog too."""

import logging
import sys
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import BreadcrumbHandler, EventHandler

TAGS = ("request_id", "run_id", "agent_name")
"""What one looks for in Sentry, when a user or the log tells it."""

_KEPT_HERE = {"user_id", "level", "logger", "timestamp"}


class Errors(EventHandler):
    """Sends each record as an event."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, tagged with what it is about."""
        plain = as_plain(record)
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({name: vars(plain)[name] for name in TAGS if name in vars(plain)})
            super().emit(plain)


class Breadcrumbs(BreadcrumbHandler):
    """Keeps each record for the next event of the same request."""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        super().emit(as_plain(record))


def as_plain(record: logging.LogRecord) -> logging.LogRecord:
    """The record as it would be without structlog, which puts all that is said into `msg`."""
    if not isinstance(record.msg, dict):
        return record
    facts = {name: value for name, value in record.msg.items() if name not in _KEPT_HERE}
    said = {"msg": facts.pop("event", ""), "exc_info": _exc_info(facts.pop("exc_info", None))}
    return logging.makeLogRecord({**facts, **vars(record), **said, "args": None})


def _exc_info(given: Any) -> Any:
    """The triple of what stands for it in a call of structlog."""
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    return sys.exc_info() if given is True else given
