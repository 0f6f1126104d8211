"""Benchmarks: each prints one line of JSON with its figures and, beside each, the floor measured in the same run.

A figure alone says how fast this machine is; the ratio to its floor says how good the code is.
"""
