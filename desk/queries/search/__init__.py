"""Readers of the full text: what is kept, what was asked, what was found."""
