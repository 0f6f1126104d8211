"""Pages of calls for staff."""
