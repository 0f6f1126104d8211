"""Web chat as it comes in: the visitor's forms checked, their secret, and what they say as `Inbound`."""
