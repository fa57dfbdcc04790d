"""The HTTP API that calls the model."""
