"""Verbs for web chats, and for going on by mail."""
