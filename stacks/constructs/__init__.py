"""Constructs: each builds one noun of the design with its whole failure path, and nothing of its neighbours."""
