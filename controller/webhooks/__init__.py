"""Sends decisions by HTTP to whoever is configured, signed as Standard Webhooks (standardwebhooks.com) have it."""
