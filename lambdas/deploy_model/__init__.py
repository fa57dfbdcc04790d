"""DeployModel: brings an approved model version onto the endpoint."""
