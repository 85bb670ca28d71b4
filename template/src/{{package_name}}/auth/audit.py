"""What was done to whom, and by whom: rows that are kept when those they tell of are gone."""

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from .caller import Caller
from .models import AuditEvent

log = structlog.get_logger(__name__)


def record(
    db: AsyncSession, action: str, subject: str, caller: Caller | None = None, **details: Any
) -> None:
    """Keep that `caller` did `action` (`user.created`, `login.refused`, …) to `subject`.

    It is kept if the transaction is; None as the caller is this machine's command line, or
    somebody whom nobody knows. `details` hold no secret: they are logged, too.
    """
    caller_id = caller.id if caller else None
    db.add(AuditEvent(action=action, subject=subject, caller_id=caller_id, details=details))
    log.info("audit", action=action, subject=subject, caller_id=caller_id, **details)
