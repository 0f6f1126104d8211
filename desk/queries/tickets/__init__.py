"""Readers of tickets: lists, one ticket with its timeline, and what hangs on it."""
