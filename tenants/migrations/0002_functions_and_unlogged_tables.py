"""What the ORM cannot say: trigger functions of all tenants, and two unlogged tables.

The functions read OLD, NEW and their arguments and touch no table, so that they also serve
where tenants' schemas are spread over several database machines.
"""

from django.db import migrations

from tenants.migrations_sql import CACHE_SQL, JOB_SQL, RATE_LIMIT_SQL

APPEND_ONLY = """
CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The arguments name the columns that may change after all. OLD is there for rows alone.
    IF TG_OP = 'UPDATE' AND TG_NARGS > 0 THEN
        IF to_jsonb(OLD) - TG_ARGV = to_jsonb(NEW) - TG_ARGV THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

LEGAL_STEP = """
CREATE FUNCTION legal_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND NOT OLD.state || '>' || NEW.state = ANY (TG_ARGV) THEN
        RAISE EXCEPTION '% may not go from % to %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

FIXED_COLUMNS = """
CREATE FUNCTION fixed_columns() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY TG_ARGV LOOP
        IF to_jsonb(OLD) -> name IS DISTINCT FROM to_jsonb(NEW) -> name THEN
            RAISE EXCEPTION '%.% never changes', TG_TABLE_NAME, name
                USING ERRCODE = 'restrict_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL([APPEND_ONLY], ["DROP FUNCTION append_only()"]),
        migrations.RunSQL([LEGAL_STEP], ["DROP FUNCTION legal_step()"]),
        migrations.RunSQL([FIXED_COLUMNS], ["DROP FUNCTION fixed_columns()"]),
        *[
            migrations.RunSQL([forwards], [backwards])
            for forwards, backwards in CACHE_SQL + RATE_LIMIT_SQL + JOB_SQL
        ],
    ]
