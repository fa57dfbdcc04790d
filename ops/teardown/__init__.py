"""Taking a stage down, so that `cdk destroy` leaves nothing of it and stumbles over nothing."""
