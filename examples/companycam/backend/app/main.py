"""The backend. Every module of `app.routes` brings a `router`."""

from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from fastapi import FastAPI
from sqlalchemy import text

from app import routes
from app.database import engine

# Whoever puts the code into place writes the commit beside it. Read once: it is the commit that runs, not the newest one.
COMMIT_FILE = Path(__file__).resolve().parents[2] / "COMMIT"
COMMIT = COMMIT_FILE.read_text().strip() if COMMIT_FILE.exists() else None

app = FastAPI(title="leads")
for module in iter_modules(routes.__path__):
    app.include_router(import_module(f"app.routes.{module.name}").router)


@app.get("/health")
def health() -> dict[str, str | None]:
    """Answers when the database does, with the revision of its schema."""
    with engine.connect() as connection:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return {"commit": COMMIT, "revision": revision}
