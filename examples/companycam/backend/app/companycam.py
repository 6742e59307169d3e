"""Tables of what CompanyCam tells us."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class WebhookEvent(Base):
    """One call of a webhook, as it came."""

    __tablename__ = "webhook_events"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CompanycamPhoto(Base):
    """A photo of a lead's project."""

    __tablename__ = "companycam_photos"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id"), index=True)
    url: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(ForeignKey("webhook_events.id"))
