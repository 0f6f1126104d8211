"""The tests; `CONTRIBUTING.md` says which folder holds which kind."""
