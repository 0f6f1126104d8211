"""Readers of chats: what visitors and agents see, and who waits for an answer."""
