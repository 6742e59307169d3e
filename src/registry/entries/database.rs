//! Databases without their migration tools.

use crate::model::{ResourceKind, Ty};
use crate::registry::{Function, Need, Param, RetryClass, Sig};

use super::make::{action, optional, probe, required};
use super::types::{BOOL, DATABASE, DURATION, FINGERPRINT, INT, JSON, SIZE, STRING, STRINGS};

const THIS: Param = required("database", DATABASE, "Which database.");

const fn of_database(
    name: &'static str,
    params: &'static [Param],
    result: Sig,
    doc: &'static str,
    example: &'static str,
) -> Function {
    probe(name, params, result, doc, example).on(ResourceKind::Database).needs(&[Need::Reachable])
}

pub(super) static ENTRIES: &[Function] = &[
    of_database(
        "sql",
        &[THIS, required("query", STRING, "One statement that reads.")],
        JSON,
        "What a query yields, in a transaction that may only read.\n\n\
         One row with one column is that value; everything else is a list of rows, each an object by column name (no row: \
         an empty list). At most 10,000 rows.",
        r#"verify db.sql("select count(*) from leads") > 0"#,
    )
    .real(),
    of_database(
        "rows",
        &[THIS, required("table", STRING, "A table, `schema.table` where needed.")],
        INT,
        "How many rows a table has.",
        r#"remember before = db.rows("leads")"#,
    )
    .real(),
    of_database(
        "tables",
        &[THIS],
        STRINGS,
        "The names of its tables, sorted; those outside the default schema as `schema.table`, the system's left out.",
        r#"require "leads" in db.tables"#,
    )
    .real(),
    of_database(
        "has_tables",
        &[THIS, required("tables", STRINGS, "Names, as `tables` gives them.")],
        BOOL,
        "Whether it has all these tables.",
        r#"verify db.has_tables(["webhook_events"])"#,
    )
    .real(),
    of_database(
        "has_column",
        &[THIS, required("table", STRING, "A table."), required("column", STRING, "A column.")],
        BOOL,
        "Whether a table has this column; false when there is no such table.",
        r#"verify db.has_column("leads", "source")"#,
    )
    .real(),
    probe(
        "reachable",
        &[THIS],
        BOOL,
        "Whether it can be connected to. Never unreadable: what cannot be reached is `false`.",
        "require db.reachable",
    )
    .on(ResourceKind::Database)
    .real(),
    of_database("database.size", &[THIS], SIZE, "How much room it takes.", "require db.size < 20GiB").real(),
    of_database(
        "identity",
        &[THIS],
        STRING,
        "What tells this database from every other, whatever address leads to it: PostgreSQL's system identifier and the \
         database's name, the absolute path of a SQLite file.",
        r#"require db.identity != "7301…/app""#,
    )
    .real(),
    of_database(
        "fingerprint",
        &[THIS, optional("tables", STRINGS, "Which tables; default: all.")],
        FINGERPRINT,
        "What the tables hold: a hash that does not depend on the order of rows, and the row counts; one query a table.",
        r#"remember leads = db.fingerprint(["leads"])"#,
    )
    .real(),
    of_database(
        "keeps",
        &[THIS, required("fingerprint", FINGERPRINT, "Taken before.")],
        BOOL,
        "Whether every row that was there when the fingerprint was taken is still there, unchanged. New rows are fine.",
        "verify db.keeps(leads)",
    )
    .real(),
    of_database(
        "locks",
        &[THIS],
        Sig::Is(|| Ty::list(Ty::Json)),
        "Who holds a lock that others wait for, and who waits: one object each.",
        "require len(db.locks) == 0",
    )
    .real(),
    action(
        "sql",
        &[
            THIS,
            optional("text", STRING, "Statements, separated by `;`."),
            optional("file", STRING, "A file that holds them, from the plan's folder."),
            optional("lock_timeout", DURATION, "PostgreSQL: how long it may wait for a lock; default: `5s`."),
            optional("statement_timeout", DURATION, "PostgreSQL: how long one statement may take; default: no limit."),
        ],
        Sig::Is(|| Ty::record("sql", &[("rows", Ty::Int)])),
        "Runs SQL in one transaction: all of it, or nothing.\n\n\
         `rows` is how many rows were changed. What cannot run in a transaction (`CREATE INDEX CONCURRENTLY`, `VACUUM`) is \
         refused by the server; `BEGIN` and `COMMIT` of your own are refused here. Values are filled in as they are: take \
         them from the plan, not from strangers.",
        r#"do sql(db, "alter table leads add column source text")"#,
    )
    .on(ResourceKind::Database)
    .one_of(&["text", "file"])
    .changes()
    .needs(&[Need::Reachable])
    .retry(RetryClass::Atomic)
    .real(),
    action(
        "backup",
        &[
            THIS,
            required("to", STRING, "A folder; made when it is not there."),
            optional("keep", DURATION, "Older backups of this database go, once the new one is proven."),
            optional("copy", STRING, "A second place: another folder, or `s3://…`, `gs://…`, `az://…`."),
        ],
        Sig::Is(|| {
            Ty::record(
                "backup",
                &[("file", Ty::String), ("sha256", Ty::String), ("size", Ty::Size), ("identity", Ty::String)],
            )
        }),
        "Dumps the database into a file and proves that the dump can be read whole.\n\n\
         Written under a temporary name, synced, read back, hashed, then renamed. It changes nothing in the database.",
        r#"do backup(db, to: "backups", keep: 7d)"#,
    )
    .on(ResourceKind::Database)
    .harmless()
    .needs(&[Need::Reachable, Need::Writable("to")])
    .retry(RetryClass::Idempotent)
    .settles()
    .real(),
    action(
        "restore",
        &[THIS, required("from", STRING, "The file of a `backup`.")],
        Sig::Is(|| Ty::record("restore", &[("kept", Ty::String)])),
        "Puts a backup in place of the database: into a new one first, then swapped by rename.\n\n\
         `kept` is the name under which the old one stays. What was written since the backup is lost from the new one, so a \
         person is asked first. A file whose hash or identity does not match is refused.",
        "undo ask restore(db, from: backup.file)",
    )
    .on(ResourceKind::Database)
    .changes()
    .needs(&[Need::Reachable])
    .retry(RetryClass::Atomic)
    .settles()
    .may_lose_data()
    .real(),
];
