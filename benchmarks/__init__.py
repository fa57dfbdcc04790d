"""Side-by-side measurements: every figure stands beside a peer or a floor that was measured in the same run."""
