"""What data must be like beyond its contract, measured while step Validate reads it."""
