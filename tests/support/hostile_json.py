"""JSON that breaks naive readers; the fuzzer (``fuzzing/mutation.py``) makes the rest."""

DEEP = "[" * 100_000 + "]" * 100_000
HUGE = "9" * 400
"""A whole number that no float can hold."""
ENDLESS = "9" * 5000
"""One that Python refuses to read."""
