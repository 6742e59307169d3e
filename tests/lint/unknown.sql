-- expect: unknown
\connect app

-- expect: unknown
\i other.sql

-- expect: unknown
SELEC 1;

-- expect: unknown, drop_table
SELEC 1; DROP TABLE t;

-- expect: unknown
DO $$ BEGIN EXECUTE 'DROP TABLE ' || quote_ident('x'); END $$;

-- expect: unknown
DO $$ BEGIN EXECUTE format('ALTER TABLE %I DROP COLUMN a', 't'); END $$;

-- expect: unknown, drop_table
DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$;

-- expect: unknown
DO $$ DECLARE r record; BEGIN FOR r IN EXECUTE q LOOP NULL; END LOOP; END $$;

-- expect: unknown
DO $$ DECLARE c refcursor; BEGIN OPEN c FOR EXECUTE q; END $$;

-- expect: unknown
DO LANGUAGE plpython3u $$ plpy.execute("drop table t") $$;

-- expect: unknown
CALL cleanup();

-- expect: unknown
SELECT cleanup_old_rows();

-- expect: unknown
SELECT * FROM app.purge(30);

-- expect: unknown
DO $$ BEGIN PERFORM purge(30); END $$;

-- expect: unknown
EXECUTE p;

-- expect: unknown
SELECT dblink_exec('host=x', 'DROP TABLE t');

-- expect: unknown
CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE q; END $$; SELECT f();

-- expect: unknown
CREATE FUNCTION f() RETURNS void LANGUAGE plpython3u AS $$ pass $$; SELECT f();

-- expect: unknown
COPY t FROM PROGRAM 'curl x';

-- expect: unknown
DO $$ BEGIN DROPP TABLE t; END $$;

-- expect: unknown
SELECT 'unterminated;

