"""Where recordings lie once they have left the PBX: sealed, under a key of their own, in an object store."""
