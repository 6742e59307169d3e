-- expect: none
SELECT 1;

-- expect: none
SELECT 'DROP TABLE users; DELETE FROM x';

-- expect: none
SELECT $$TRUNCATE t$$, $x$ DROP TABLE t; $x$, E'\'; DROP TABLE t; --';

-- expect: none
-- DROP TABLE users;
/* DELETE FROM t; /* nested */ TRUNCATE x; */ SELECT 1;

-- expect: none
COMMENT ON TABLE t IS 'DROP TABLE t';

-- expect: none
INSERT INTO log (msg) VALUES ('DELETE FROM t');

-- expect: none
CREATE TABLE t (id bigint PRIMARY KEY, "delete" boolean, truncate int, email text UNIQUE NOT NULL CHECK (email <> ''));

-- expect: none
SELECT "delete", "drop" FROM t;

-- expect: none
UPDATE t SET "delete" = true, deleted_at = now() WHERE id = 1;

-- expect: none
CREATE TABLE a (id int, b_id int REFERENCES b (id) ON DELETE CASCADE ON UPDATE SET NULL);

-- expect: none
ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (b_id) REFERENCES b (id) ON DELETE CASCADE NOT VALID;

-- expect: none
ALTER TABLE a VALIDATE CONSTRAINT f;

-- expect: none
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c;

-- expect: none
ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t DROP CONSTRAINT c;

-- expect: none
CREATE INDEX CONCURRENTLY i ON t (a);

-- expect: none
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a); ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i;

-- expect: none
DROP INDEX CONCURRENTLY IF EXISTS i;

-- expect: none
REINDEX INDEX CONCURRENTLY i;

-- expect: none
CREATE INDEX i ON ONLY t (a);

-- expect: none
CREATE TABLE t (id int); CREATE INDEX ON t (id); ALTER TABLE t ADD CONSTRAINT u UNIQUE (id); ALTER TABLE t ALTER id TYPE bigint; ALTER TABLE t ALTER id SET NOT NULL;

-- expect: none
CREATE TABLE t (id int); CREATE INDEX ON public.t (id);

-- expect: none
CREATE TABLE IF NOT EXISTS t (id int); CREATE INDEX IF NOT EXISTS i ON t (id);

-- expect: none
CREATE TABLE t (id int); ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES u (id);

-- expect: none
CREATE TEMP TABLE x AS SELECT * FROM t; DELETE FROM x; TRUNCATE x; DROP TABLE x;

-- expect: none
CREATE TABLE t (id int); DROP TABLE t;

-- expect: none
SELECT * INTO TEMP x FROM t; DROP TABLE x;

-- expect: none
CREATE TABLE n (id int); ALTER TABLE n RENAME TO m; DROP TABLE m;

-- expect: none
ALTER TABLE t ADD COLUMN tmp int; UPDATE t SET tmp = 1; ALTER TABLE t DROP COLUMN tmp;

-- expect: none
CREATE SCHEMA s; CREATE TABLE s.t (id int); DROP SCHEMA s CASCADE;

-- expect: none
CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE UNIQUE INDEX ON m (a);

-- expect: none
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM t; EXECUTE q; END $$;

-- expect: none
CREATE OR REPLACE FUNCTION f() RETURNS trigger AS $$ BEGIN DELETE FROM t WHERE id = OLD.id; RETURN OLD; END $$ LANGUAGE plpgsql; CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW EXECUTE FUNCTION f();

-- expect: none
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE t $$;

-- expect: none
CREATE PROCEDURE p() BEGIN ATOMIC DELETE FROM t; END;

-- expect: none
CREATE RULE r AS ON DELETE TO t DO INSTEAD DELETE FROM u WHERE id = OLD.id;

-- expect: none
PREPARE p AS DELETE FROM t;

-- expect: none
EXPLAIN DELETE FROM t;

-- expect: none
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON t TO bob; REVOKE DELETE ON t FROM bob;

-- expect: none
CREATE POLICY p ON t FOR DELETE USING (owner = current_user);

-- expect: none
DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1;

-- expect: none
DROP TRIGGER IF EXISTS tr ON t; CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();

-- expect: none
DROP FUNCTION IF EXISTS f(int); CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';

-- expect: none
ALTER TABLE t ADD COLUMN a int;

-- expect: none
ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0;

-- expect: none
ALTER TABLE t ADD COLUMN a timestamptz NOT NULL DEFAULT now();

-- expect: none
ALTER TABLE t ADD COLUMN a timestamptz DEFAULT CURRENT_TIMESTAMP, ADD COLUMN b text DEFAULT 'random()', ADD COLUMN c jsonb DEFAULT '{}'::jsonb;

-- expect: none
ALTER TABLE t ADD COLUMN b_id int REFERENCES b (id);

-- expect: none
ALTER TABLE t ALTER a DROP NOT NULL, ALTER a DROP DEFAULT, ALTER b SET DEFAULT gen_random_uuid();

-- expect: none
ALTER TABLE t DROP CONSTRAINT c;

-- expect: none
ALTER TABLE t RENAME CONSTRAINT a TO b; ALTER INDEX i RENAME TO j;

-- expect: none
ALTER TYPE mood ADD VALUE IF NOT EXISTS 'happy' BEFORE 'sad';

-- expect: none
ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t SET (fillfactor = 70);

-- expect: none
BEGIN; SET LOCAL lock_timeout = '2s'; ALTER TABLE t ADD COLUMN a text; COMMIT;

-- expect: none
INSERT INTO alembic_version (version_num) VALUES ('0001'); UPDATE alembic_version SET version_num = '0002';

-- expect: none
SELECT setval('s', (SELECT max(id) FROM t)); SELECT pg_advisory_lock(1); SELECT count(*), now() FROM t;

-- expect: none
SELECT pg_catalog.set_config('search_path', '', false); CREATE TABLE public.t (id int); ALTER TABLE public.t ADD CONSTRAINT t_pkey PRIMARY KEY (id);

-- expect: none
DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type WHERE typname = 'mood') THEN CREATE TYPE mood AS ENUM ('a'); END IF; END $$;

-- expect: none
DO $$ BEGIN RAISE NOTICE 'DROP TABLE t'; END $$;

-- expect: none
CREATE EXTENSION IF NOT EXISTS pgcrypto; CREATE TYPE m AS ENUM ('delete', 'drop'); CREATE SEQUENCE s;

-- expect: none
ANALYZE t; VACUUM t; REFRESH MATERIALIZED VIEW CONCURRENTLY mv;

-- expect: none
MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = 1 WHEN NOT MATCHED THEN INSERT VALUES (1);

-- expect: none
INSERT INTO t SELECT id, slugify(name) FROM u;

-- expect: none
UPDATE t SET slug = slugify(name);

-- expect: none
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$; SELECT f();

