"""Carries events in and commands out: the shell around the domain."""
