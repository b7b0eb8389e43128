"""The local journal: what was decided and is not in PostgreSQL yet, safe from the end of this process."""
