"""What is held of a person, what keeps it, and a copy of it for them."""
