"""Proof that the decisions are those that were taken: keys, signed checkpoints, and their verification."""
