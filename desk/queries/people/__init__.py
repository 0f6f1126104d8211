"""Readers of people: customers, and what colleagues can do."""
