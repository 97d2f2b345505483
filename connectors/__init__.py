"""Outside data in: the tracker, Snowflake."""
