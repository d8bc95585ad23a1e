"""SQL of the first migrations: pairs of a single statement and its reverse, for RunSQL."""

# Counters of the rate limiter. Unlogged: after a crash of the database they begin anew.
RATE_LIMIT_SQL = [
    (
        "CREATE UNLOGGED TABLE rate_limit ("
        "bucket text NOT NULL, window_start bigint NOT NULL, hits integer NOT NULL, "
        "CONSTRAINT rate_limit_pk PRIMARY KEY (bucket, window_start)) WITH (fillfactor = 70)",
        "DROP TABLE rate_limit",
    ),
    (
        "CREATE INDEX rate_limit_old ON rate_limit (window_start)",
        "DROP INDEX rate_limit_old",
    ),
]

# The table of Django's DatabaseCache.
CACHE_SQL = [
    (
        "CREATE UNLOGGED TABLE cache_entry ("
        "cache_key varchar(255) NOT NULL, value text NOT NULL, expires timestamptz NOT NULL, "
        "CONSTRAINT cache_entry_pk PRIMARY KEY (cache_key))",
        "DROP TABLE cache_entry",
    ),
    (
        "CREATE INDEX cache_entry_expires ON cache_entry (expires)",
        "DROP INDEX cache_entry_expires",
    ),
]

# Rows of the queue live for seconds: vacuum by count, not by share of the table.
JOB_SQL = [
    (
        "ALTER TABLE job SET (autovacuum_vacuum_scale_factor = 0, "
        "autovacuum_vacuum_threshold = 1000)",
        "ALTER TABLE job RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold)",
    ),
]
