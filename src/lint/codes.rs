//! `L00xx`: a code for each class of the SQL lint; its name is the class's name.

use crate::diag::{Code, Severity};

macro_rules! codes {
    ($($constant:ident = $id:literal $name:literal $title:literal $explain:literal $advice:literal;)*) => {
        $(
            #[doc = $title]
            pub static $constant: Code = Code {
                id: $id,
                name: $name,
                severity: Severity::Warning,
                title: $title,
                explain: concat!($explain, "\n\nInstead: ", $advice, "\n"),
            };
        )*
        /// Every code of this layer.
        pub static CODES: &[&Code] = &[$(&$constant),*];

        /// What to do instead of a class.
        pub(super) fn advice(code: &Code) -> &'static str {
            match code.id {
                $($id => $advice,)*
                _ => "",
            }
        }
    };
}

codes! {
    DROP_TABLE = "L0001" "drop_table" "A table is dropped"
"All its rows are gone, and everything that reads it fails. Nothing but a backup brings them back.

    DROP TABLE orders_old;"
"First stop every reader and writer, rename the table, wait a release, back it up, then drop it.";
    DROP_COLUMN = "L0002" "drop_column" "A column is dropped"
"What it held is gone for every row. A downgrade makes the column anew, empty.

    ALTER TABLE users DROP COLUMN phone;"
"First release code that no longer names it, back the table up, drop it in a later release.";
    DROP_OTHER = "L0003" "drop_other" "A schema, type, index, view or another object is dropped"
"A schema, a database, an owner's objects or `CASCADE` can take tables along; a type takes its columns along; an index that is missed makes statements slow.

    DROP SCHEMA old CASCADE;"
"Drop what is in it one by one, without `CASCADE`. An index: `DROP INDEX CONCURRENTLY`.";
    ALTER_TYPE = "L0004" "alter_type" "A column's type changes or the table is written anew"
"Most changes of a type write the whole table and its indexes anew under a lock that stops readers too; some round or cut what is there. `SET UNLOGGED`, `SET TABLESPACE`, `VACUUM FULL` and `CLUSTER` do the same.

    ALTER TABLE t ALTER COLUMN id TYPE bigint;"
"Add a new column, fill it in batches, keep both in step with a trigger, then switch.";
    NOT_NULL = "L0005" "not_null" "A column must not be null any more"
"`SET NOT NULL` reads the whole table under a lock that stops everyone; a new `NOT NULL` column without a default fails as soon as there is one row; old code that doesn't write the column fails.

    ALTER TABLE t ALTER COLUMN email SET NOT NULL;"
"`ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID`, then `VALIDATE CONSTRAINT c`, then `SET NOT NULL`, which then reads nothing.";
    DELETE = "L0006" "delete" "Rows are deleted"
"Rows of a table that the file didn't make are gone, also those that `ON DELETE CASCADE` takes along.

    DELETE FROM sessions WHERE expired;"
"Delete in batches outside the migration, after a backup.";
    TRUNCATE = "L0007" "truncate" "A table is emptied"
"All rows are gone at once, with `CASCADE` those of other tables too, under a lock that stops everyone.

    TRUNCATE events;"
"Back it up first; make a new table and swap the names if it must stay usable.";
    RENAME = "L0008" "rename" "A table, column or another named thing gets a new name"
"Code of the release that still runs uses the old name and fails at once; so does a rollback of the code.

    ALTER TABLE users RENAME COLUMN name TO full_name;"
"Add the new name beside the old one (a column kept in step, or a view), move the code, drop the old one later.";
    CREATE_INDEX_BLOCKING = "L0009" "create_index_blocking" "An index is built while writers wait"
"`CREATE INDEX` and `REINDEX` without `CONCURRENTLY` stop every write to the table until they are done.

    CREATE INDEX ON orders (customer_id);"
"`CREATE INDEX CONCURRENTLY`, outside a transaction; look for an INVALID index afterwards.";
    ADD_COLUMN_DEFAULT_VOLATILE = "L0010" "add_column_default_volatile" "A new column writes the table anew"
"A default that differs from row to row (`random()`, `gen_random_uuid()`, `clock_timestamp()`, `nextval`), `serial`, an identity and a stored generated column write every row under a lock that stops everyone.

    ALTER TABLE t ADD COLUMN key uuid DEFAULT gen_random_uuid();"
"Add the column without default, set the default for new rows, fill the old ones in batches.";
    FK_BLOCKING = "L0011" "fk_blocking" "A foreign key is checked while writers wait"
"Every row is looked up while writes to both tables wait.

    ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id);"
"Add it with `NOT VALID`, then `VALIDATE CONSTRAINT` in a transaction of its own.";
    CHECK_BLOCKING = "L0012" "check_blocking" "A check constraint reads the table while everyone waits"
"Every row is checked under a lock that stops readers too.

    ALTER TABLE t ADD CONSTRAINT c CHECK (n > 0);"
"Add it with `NOT VALID`, then `VALIDATE CONSTRAINT` in a transaction of its own.";
    UNIQUE_BLOCKING = "L0013" "unique_blocking" "A unique, primary key or exclusion constraint builds its index while everyone waits"
"The index is built under a lock that stops readers too, and fails on the first duplicate.

    ALTER TABLE t ADD CONSTRAINT u UNIQUE (email);"
"`CREATE UNIQUE INDEX CONCURRENTLY`, then `ADD CONSTRAINT u UNIQUE USING INDEX`.";
    UNKNOWN = "L0014" "unknown" "What this does cannot be decided"
"A syntax error, a psql command, dynamic SQL (`EXECUTE` in PL/pgSQL), a call of a procedure or function that the file doesn't hold, a body in another language. It may do anything.

    DO $$ BEGIN EXECUTE 'DROP TABLE ' || name; END $$;"
"Write the statement out, or read it yourself and don't deny `unknown` for this file.";
}
