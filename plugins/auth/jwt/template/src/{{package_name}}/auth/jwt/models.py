"""The rows of passwords, logins and invitations. Of secrets they hold digests only."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ...core.orm import Base, utc_now, uuid7


class Password(Base):
    """What a user logs in with, as `PasswordHasher` made it."""

    __tablename__ = "jwt_passwords"

    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), primary_key=True
    )
    hash: Mapped[str] = mapped_column(String(60))
    changed_at: Mapped[datetime] = mapped_column(default=utc_now)


class Login(Base):
    """A login that is not over: its refresh tokens all have one half, `family`, in common."""

    __tablename__ = "jwt_logins"

    login_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    user_id: Mapped[UUID] = mapped_column(
        ForeignKey("users.user_id", ondelete="CASCADE"), index=True
    )
    family_digest: Mapped[str] = mapped_column(String(64), unique=True)
    secret_digest: Mapped[str] = mapped_column(String(64))
    previous_digest: Mapped[str | None] = mapped_column(String(64))
    began_at: Mapped[datetime] = mapped_column(default=utc_now)
    refreshed_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]


class Invitation(Base):
    """An invitation that nobody has used yet."""

    __tablename__ = "jwt_invitations"

    invitation_id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    code_digest: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[str | None] = mapped_column(String(255))
    expires_at: Mapped[datetime]
