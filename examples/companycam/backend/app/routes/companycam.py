"""CompanyCam calls here for every new photo."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.companycam import CompanycamPhoto, WebhookEvent
from app.database import Session
from app.models import Lead

router = APIRouter()


class Event(BaseModel):
    """What CompanyCam sends. `photo`: id, url."""

    id: str
    kind: str
    project: str
    photo: dict[str, Any] | None = None


@router.post("/webhooks/companycam")
def companycam(event: Event) -> dict[str, bool]:
    """Writes an event down once, however often it is sent, and its photo when the project is that of a lead."""
    with Session.begin() as session:
        row = {"id": event.id, "kind": event.kind, "payload": event.model_dump()}
        session.execute(insert(WebhookEvent).values(row).on_conflict_do_nothing())
        lead = session.scalar(select(Lead).where(Lead.companycam_project == event.project))
        if lead is None or event.photo is None:
            return {"photo": False}
        photo = {"id": event.photo["id"], "lead_id": lead.id, "url": event.photo["url"], "event_id": event.id}
        session.execute(insert(CompanycamPhoto).values(photo).on_conflict_do_nothing())
    return {"photo": True}
