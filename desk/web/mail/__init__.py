"""Pages of mail: addresses and mailboxes, the ledger, what became of what was sent."""
