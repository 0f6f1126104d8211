"""Readers of mail: what came, what left, and whom an answer goes to."""
