"""Step Monitor: what the endpoint was asked and answered, window by window, against the live version's baseline."""
