"""Verbs for the telephone: calls, their legs and rooms, the caller's way, promises to ring back, messages, recordings."""
