"""How Alembic reaches the database: DATABASE_URL, and nothing else."""

import os
from importlib import import_module
from logging.config import fileConfig
from pkgutil import iter_modules

from alembic import context
from sqlalchemy import create_engine, pool

import app

for module in iter_modules(app.__path__):
    if module.name not in ("main", "routes"):
        import_module(f"app.{module.name}")
from app.database import Base  # noqa: E402

if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)


def offline() -> None:
    """`--sql`: without BEGIN and COMMIT, for whoever runs it in a transaction of their own."""
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        transactional_ddl=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def online() -> None:
    """Everything that is pending in one transaction."""
    engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    online()
