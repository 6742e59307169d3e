"""Runs a program of PostgreSQL against DATABASE_URL, without any of it on a command line, where `ps` shows it to all.

    python pg.py pg_dump --format=custom --file=app.dump
"""

import os
import sys

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

# What an address may hold, and the variable in which libpq looks for it.
VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "service": "PGSERVICE",
}


def main() -> None:
    scheme, _, rest = os.environ.pop("DATABASE_URL").partition("://")
    if scheme.split("+")[0] not in ("postgres", "postgresql"):
        sys.exit("pg.py: DATABASE_URL is not an address of PostgreSQL")
    try:
        parts = conninfo_to_dict(f"postgresql://{rest}")
    except ProgrammingError:
        # Its message holds the address.
        sys.exit("pg.py: DATABASE_URL cannot be read")
    for key, value in parts.items():
        if key not in VARIABLES:
            sys.exit(f"pg.py: DATABASE_URL holds `{key}`, which cannot be passed on")
        os.environ[VARIABLES[key]] = str(value)
    try:
        os.execvp(sys.argv[1], sys.argv[1:])
    except FileNotFoundError:
        sys.exit(f"pg.py: there is no program `{sys.argv[1]}` on PATH")


if __name__ == "__main__":
    main()
