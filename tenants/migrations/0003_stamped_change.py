"""A trigger function that notes in a row which transaction changed it last."""

from django.db import migrations

# 64 bits, so that it never begins anew. What a snapshot does not show yet has a number not below
# the snapshot's xmin.
STAMPED_CHANGE = """
CREATE FUNCTION stamped_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_by := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_functions_and_unlogged_tables")]

    operations = [migrations.RunSQL([STAMPED_CHANGE], ["DROP FUNCTION stamped_change()"])]
