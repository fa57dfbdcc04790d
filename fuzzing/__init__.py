"""Fuzzes the parsers of outside input, guided by coverage: `make fuzz`."""
