"""Telephone calls: the port to a carrier, what a carrier tells us, what we answer, and two carriers (Twilio, simulated)."""
