"""The pages: parse a request in, call an action or a query, render out; nothing is decided here."""
