"""The HTTP API described: a table of operations, the OpenAPI document made of it, and a page to read it."""
