"""Readers of complaints: cases, their dates and policies, figures, trends and registers."""
