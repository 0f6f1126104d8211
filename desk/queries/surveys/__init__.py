"""Readers of surveys: rules, sheets and results."""
