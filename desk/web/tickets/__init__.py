"""Pages of tickets: lists, one ticket, and what is done with it."""
