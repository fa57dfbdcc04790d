"""StartTraining: turns drops of data and requests of people into at most one training run at a time."""
