"""What goes over the wire: AWS's JSON 1.1 protocol, checked against botocore's service model."""
