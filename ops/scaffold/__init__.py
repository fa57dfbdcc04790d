"""What `ops new` writes."""
