"""The verbs of `python -m sandbox`."""
