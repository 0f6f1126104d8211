"""Readers of the telephone: calls, callers and their way, promises to ring back, recordings, what is said."""
