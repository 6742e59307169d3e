"""Leads."""

from fastapi import APIRouter
from sqlalchemy import select

from app.database import Session
from app.models import Lead

router = APIRouter()


@router.get("/leads")
def leads() -> list[dict[str, int | str]]:
    """All of them, oldest first."""
    with Session() as session:
        return [{"id": lead.id, "name": lead.name} for lead in session.scalars(select(Lead).order_by(Lead.id))]
