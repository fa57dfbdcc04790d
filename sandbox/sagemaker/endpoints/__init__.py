"""Models, endpoint configurations and endpoints: fleets of model servers that are replaced without a gap."""
