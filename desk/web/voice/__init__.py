"""The carrier's webhooks: what a call hears and does next."""
