"""Everything that is stored in PostgreSQL, and the PostgreSQL that comes with the product."""
