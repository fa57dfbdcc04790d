"""Makes a registered model version again, from what was recorded, and says whether it came out the same."""
