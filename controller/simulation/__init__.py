"""A policy played over a call log, by the real core, without a PBX and without a database. Pure."""
