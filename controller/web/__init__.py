"""HTTP for people and for the systems around."""
