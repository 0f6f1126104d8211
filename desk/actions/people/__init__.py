"""Verbs for people: customers and who they are, colleagues with their teams, sessions, tokens and keys."""
