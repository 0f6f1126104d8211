"""The readers: rows for one screen, each with a fixed number of queries however many rows there are."""
