"""Verbs for mail: what has come and what it means, what is to leave, who is trusted, and the desk's own letters."""
