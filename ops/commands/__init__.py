"""One module per command: options in, an answer on the screen, an exit code out. What is asked stands beside it."""
