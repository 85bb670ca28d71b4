"""Invitations: codes by which one person each may register."""

from collections.abc import Sequence
from datetime import timedelta
from secrets import token_urlsafe
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from ...core.errors import Conflict, Forbidden, NotFound
from ...core.orm import utc_now
from ..audit import record
from ..caller import Caller
from .logins import digest
from .models import Invitation
from .settings import Registration

_CODE_BYTES = 24


async def invite(
    db: AsyncSession, caller: Caller | None, lifetime: timedelta, registration: Registration
) -> tuple[Invitation, str]:
    """A new invitation and its code, which nobody can look up later.

    Raises `Conflict` when invitations let nobody in. Those that have expired are forgotten.
    """
    if registration != "invitation":
        raise Conflict(
            f"registration is {registration}: set JWT__REGISTRATION=invitation to invite somebody"
        )
    await db.execute(delete(Invitation).where(Invitation.expires_at <= utc_now()))
    code = token_urlsafe(_CODE_BYTES)
    invitation = Invitation(
        code_digest=digest(code),
        invited_by=caller.id if caller else None,
        expires_at=utc_now() + lifetime,
    )
    db.add(invitation)
    await db.flush()
    record(db, "invitation.created", str(invitation.invitation_id), caller)
    return invitation, code


async def list_invitations(
    db: AsyncSession, *, limit: int, before: UUID | None = None
) -> Sequence[Invitation]:
    """Return the invitations that hold, newest first, those made before invitation `before`."""
    query = select(Invitation).where(Invitation.expires_at > utc_now())
    query = query.order_by(Invitation.invitation_id.desc()).limit(limit)
    if before is not None:
        query = query.where(Invitation.invitation_id < before)
    return (await db.scalars(query)).all()


async def withdraw(db: AsyncSession, caller: Caller, invitation_id: UUID) -> None:
    """Let nobody use an invitation any more; raises `NotFound`."""
    invitation = await db.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound(f"there is no invitation {str(invitation_id)!r} that waits to be used")
    await db.delete(invitation)
    record(db, "invitation.withdrawn", str(invitation_id), caller)


async def use(db: AsyncSession, code: str) -> UUID:
    """Use an invitation up, and return its id; raises `Forbidden` when it does not hold."""
    used = delete(Invitation).where(
        Invitation.code_digest == digest(code), Invitation.expires_at > utc_now()
    )
    invitation_id: UUID | None = await db.scalar(used.returning(Invitation.invitation_id))
    if invitation_id is None:
        raise Forbidden("this invitation does not hold: it was used, withdrawn or has expired")
    return invitation_id
