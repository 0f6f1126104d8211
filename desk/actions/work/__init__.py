"""Verbs for work that waits for people: items, offers, claims, queues and places, presence, a supervisor's hand."""
