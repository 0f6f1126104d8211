"""Verbs for asking how it was: surveys, their rules, and asking a customer again (回访)."""
