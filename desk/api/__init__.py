"""The JSON API, version 1: bearer tokens, keyset lists, problem documents, repeatable POSTs, and its own description."""
