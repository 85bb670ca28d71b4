"""passwords, logins and invitations

Revision ID: jwt_0001
Revises:
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "jwt_0001"
down_revision = None
branch_labels = ("jwt",)
depends_on = "core_0004"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "jwt_passwords",
        _user_id("jwt_passwords", is_key=True),
        sa.Column("hash", sa.String(60), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
    )
    op.create_table(
        "jwt_logins",
        sa.Column("login_id", sa.Uuid(), primary_key=True),
        _user_id("jwt_logins", is_key=False),
        sa.Column("family_digest", sa.String(64), nullable=False),
        sa.Column("secret_digest", sa.String(64), nullable=False),
        sa.Column("previous_digest", sa.String(64)),
        sa.Column("began_at", TIME, nullable=False),
        sa.Column("refreshed_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.UniqueConstraint("family_digest", name="uq_jwt_logins_family_digest"),
        sa.Index("ix_jwt_logins_user_id", "user_id"),
    )
    op.create_table(
        "jwt_invitations",
        sa.Column("invitation_id", sa.Uuid(), primary_key=True),
        sa.Column("code_digest", sa.String(64), nullable=False),
        sa.Column("invited_by", sa.String(255)),
        sa.Column("expires_at", TIME, nullable=False),
        sa.UniqueConstraint("code_digest", name="uq_jwt_invitations_code_digest"),
    )


def downgrade() -> None:
    op.drop_table("jwt_invitations")
    op.drop_table("jwt_logins")
    op.drop_table("jwt_passwords")


def _user_id(table: str, *, is_key: bool) -> sa.Column[UUID]:
    name = f"fk_{table}_user_id_users"
    user = sa.ForeignKey("users.user_id", name=name, ondelete="CASCADE")
    return sa.Column("user_id", sa.Uuid(), user, primary_key=is_key, nullable=False)
