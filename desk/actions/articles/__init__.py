"""Verbs for knowledge: articles written, revised, looked after, with their files, and what should be written next."""
