"""Backups: everything that a desk knows in one file, which either database can read again."""
