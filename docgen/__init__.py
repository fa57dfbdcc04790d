"""Writes the parts of docs/ that are derived: from the templates, from data with its sources, from measurements."""
