"""Readers of knowledge: articles for staff and for the help centre, their files, and how good it all is."""
