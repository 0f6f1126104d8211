"""Readers of work: whose it could be, why it waits, and an agent's own list."""
