"""Pages of knowledge for staff."""
