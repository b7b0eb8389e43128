"""Faults at random moments during random calls, and what must hold all the same."""
