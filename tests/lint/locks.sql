-- expect: alter_type
ALTER TABLE t ALTER COLUMN a TYPE bigint;

-- expect: alter_type
ALTER TABLE t ALTER a SET DATA TYPE varchar(10) USING a::varchar(10);

-- expect: alter_type
ALTER TABLE t SET UNLOGGED;

-- expect: alter_type
ALTER TABLE t SET TABLESPACE fast;

-- expect: alter_type
VACUUM FULL t;

-- expect: alter_type
CLUSTER t USING i;

-- expect: alter_type
ALTER TYPE address ALTER ATTRIBUTE zip TYPE text;

-- expect: not_null
ALTER TABLE t ALTER COLUMN a SET NOT NULL;

-- expect: not_null
ALTER TABLE t ADD COLUMN a int NOT NULL;

-- expect: not_null
ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT NULL;

-- expect: not_null
ALTER TABLE t ADD CONSTRAINT nn NOT NULL a;

-- expect: not_null
ALTER DOMAIN d SET NOT NULL;

-- expect: not_null
ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t ALTER a SET NOT NULL;

-- expect: not_null
ALTER TABLE t ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL;

-- expect: rename
ALTER TABLE t RENAME TO u;

-- expect: rename
ALTER TABLE t RENAME COLUMN a TO b;

-- expect: rename
ALTER TABLE t RENAME a TO b;

-- expect: rename
ALTER VIEW v RENAME TO w;

-- expect: rename
ALTER SCHEMA s RENAME TO r;

-- expect: rename
ALTER TABLE t SET SCHEMA archive;

-- expect: rename
ALTER TYPE mood RENAME VALUE 'a' TO 'b';

-- expect: create_index_blocking
CREATE INDEX i ON t (a);

-- expect: create_index_blocking
CREATE UNIQUE INDEX IF NOT EXISTS i ON public.t USING btree (lower(a)) WHERE a IS NOT NULL;

-- expect: create_index_blocking
CREATE TABLE u (a int); CREATE INDEX ON t (a);

-- expect: create_index_blocking
REINDEX TABLE t;

-- expect: create_index_blocking
DO $$ BEGIN CREATE INDEX i ON t (a); END $$;

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid();

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a uuid NOT NULL DEFAULT uuid_generate_v4();

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a double precision DEFAULT random() * 10;

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a timestamptz DEFAULT clock_timestamp();

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a bigint DEFAULT nextval('s');

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a serial;

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a bigint GENERATED ALWAYS AS IDENTITY;

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a int GENERATED ALWAYS AS (b * 2) STORED;

-- expect: add_column_default_volatile
ALTER TABLE t ADD COLUMN a text DEFAULT make_slug('x');

-- expect: add_column_default_volatile, unique_blocking
ALTER TABLE t ADD COLUMN id bigserial PRIMARY KEY;

-- expect: fk_blocking
ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b_id) REFERENCES b (id);

-- expect: fk_blocking
ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b ON DELETE CASCADE;

-- expect: fk_blocking
ALTER TABLE a ADD COLUMN b_id int DEFAULT 1 REFERENCES b (id);

-- expect: fk_blocking
ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED;

-- expect: check_blocking
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);

-- expect: check_blocking
ALTER TABLE t ADD COLUMN a int DEFAULT 1 CHECK (a > 0);

-- expect: check_blocking
ALTER DOMAIN d ADD CONSTRAINT c CHECK (value > 0);

-- expect: unique_blocking
ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);

-- expect: unique_blocking
ALTER TABLE t ADD PRIMARY KEY (id);

-- expect: unique_blocking
ALTER TABLE t ADD COLUMN a int UNIQUE;

-- expect: unique_blocking
ALTER TABLE t ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&);

-- expect: alter_type, not_null, drop_column
ALTER TABLE t ALTER a TYPE int, ALTER a SET NOT NULL, DROP b;

