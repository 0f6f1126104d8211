"""The background: mail in and out, due timers, routing, indexing. Each part is a thread that can be asked how it is."""
