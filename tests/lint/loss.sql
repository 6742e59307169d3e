-- expect: drop_table
DROP TABLE users;

-- expect: drop_table
drop table if exists public.users cascade;

-- expect: drop_table
CREATE TABLE a (id int); DROP TABLE a, b;

-- expect: drop_table
CREATE TABLE IF NOT EXISTS t (id int); DROP TABLE t;

-- expect: drop_table
BEGIN; CREATE TABLE t (id int); ROLLBACK; DROP TABLE t;

-- expect: drop_table
CREATE TEMP TABLE t (id int); DROP TABLE public.t;

-- expect: drop_table
CREATE TEMP TABLE t (id int); DROP TABLE t; DROP TABLE t;

-- expect: drop_table
CREATE TABLE a.t (id int); DROP TABLE b.t;

-- expect: drop_table
CREATE TABLE "T" (id int); DROP TABLE t;

-- expect: drop_table
DROP TABLE t; CREATE TABLE t (id int);

-- expect: drop_table, rename
ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id int); DROP TABLE t_old;

-- expect: drop_table
/* a */ DROP /* b */ TABLE -- c
t;

-- expect: drop_table
DO $$ BEGIN DROP TABLE t; END $$;

-- expect: drop_table
DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_class) THEN DROP TABLE t; END IF; END $$;

-- expect: drop_table
DO 'BEGIN DROP TABLE t; END';

-- expect: drop_table
DO $$ BEGIN NULL; EXCEPTION WHEN OTHERS THEN DROP TABLE t; END $$;

-- expect: drop_table
DO $a$ BEGIN DO $b$ BEGIN DROP TABLE t; END $b$; END $a$;

-- expect: drop_table
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$; SELECT f();

-- expect: drop_table
CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE t $$; SELECT f();

-- expect: drop_table
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$; CALL p();

-- expect: drop_table
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$; CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM g(); END $$; DO $$ BEGIN PERFORM f(); END $$;

-- expect: drop_table
DO $$ BEGIN IF true THEN CREATE TABLE t (id int); END IF; END $$; DROP TABLE t;

-- expect: drop_column
ALTER TABLE users DROP COLUMN phone;

-- expect: drop_column
ALTER TABLE users DROP phone;

-- expect: drop_column
ALTER TABLE IF EXISTS ONLY users DROP COLUMN IF EXISTS phone CASCADE;

-- expect: drop_column
ALTER TABLE users ADD COLUMN a int, DROP COLUMN b;

-- expect: drop_column
ALTER TABLE t ADD COLUMN IF NOT EXISTS a int; ALTER TABLE t DROP COLUMN a;

-- expect: drop_column
ALTER TYPE address DROP ATTRIBUTE zip;

-- expect: drop_column
ALTER FOREIGN TABLE f DROP COLUMN a;

-- expect: drop_column
ALTER TABLE t ADD COLUMN n bigint; UPDATE t SET n = o; ALTER TABLE t DROP COLUMN o; ALTER TABLE t RENAME COLUMN n TO o;

-- expect: drop_other
DROP SCHEMA old CASCADE;

-- expect: drop_other
DROP DATABASE app;

-- expect: drop_other
DROP VIEW v;

-- expect: drop_other
DROP MATERIALIZED VIEW mv;

-- expect: drop_other
DROP TYPE mood;

-- expect: drop_other
DROP DOMAIN email;

-- expect: drop_other
DROP SEQUENCE s;

-- expect: drop_other
DROP INDEX users_email_idx;

-- expect: drop_other
DROP EXTENSION hstore CASCADE;

-- expect: drop_other
DROP OWNED BY bob;

-- expect: drop_other
DROP FUNCTION f(int);

-- expect: drop_other
DROP TRIGGER t ON users;

-- expect: drop_other
DROP POLICY p ON users;

-- expect: drop_other
DROP ROLE bob;

-- expect: drop_other
DROP FOREIGN TABLE ft;

-- expect: drop_other
DROP VIEW IF EXISTS v CASCADE; CREATE VIEW v AS SELECT 1;

-- expect: delete
DELETE FROM users;

-- expect: delete
DELETE FROM users WHERE id = 3;

-- expect: delete
DELETE FROM ONLY public.users u USING x WHERE u.id = x.id;

-- expect: delete
WITH gone AS (DELETE FROM users RETURNING *) SELECT count(*) FROM gone;

-- expect: delete
WITH moved AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM moved;

-- expect: delete
MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE;

-- expect: delete
EXPLAIN ANALYZE DELETE FROM t;

-- expect: delete
EXPLAIN (ANALYZE, COSTS off) DELETE FROM t;

-- expect: delete
PREPARE p AS DELETE FROM t; EXECUTE p;

-- expect: delete
DO $$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP DELETE FROM t; END LOOP; END $$;

-- expect: delete
CREATE VIEW v AS SELECT * FROM users; DELETE FROM v;

-- expect: delete
SELECT lo_unlink(17);

-- expect: delete
CREATE TABLE p (id int) PARTITION BY RANGE (id); ALTER TABLE p ATTACH PARTITION old DEFAULT; DELETE FROM p;

-- expect: delete
COPY (DELETE FROM t RETURNING *) TO '/tmp/x';

-- expect: delete
CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM t; END; SELECT f();

-- expect: truncate
TRUNCATE t;

-- expect: truncate
TRUNCATE TABLE ONLY a, b RESTART IDENTITY CASCADE;

-- expect: truncate
CREATE TABLE a (id int); TRUNCATE a, b;

-- expect: truncate
DO $$ BEGIN TRUNCATE t; END $$;

-- expect: drop_table, delete
DELETE FROM a; DROP TABLE a;

