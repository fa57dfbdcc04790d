"""The Lambda handlers of the closed loop: one folder per handler, and what they share."""
