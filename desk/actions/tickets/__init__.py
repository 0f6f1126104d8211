"""Verbs for tickets: their life, and what is done with them besides."""
