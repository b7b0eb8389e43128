"""Asks an OpenID provider who somebody is."""
