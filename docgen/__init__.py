"""Writes the parts of docs/ that are derived from templates and data; benchmarks put their tables in the same way."""
