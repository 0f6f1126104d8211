"""Readers of the board: what waits, what came in, who is there, how long it will take, how many people it needs."""
