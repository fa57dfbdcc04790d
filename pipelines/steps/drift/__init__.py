"""How far rows have moved from those that a model was trained on, and what that does to its predictions."""
