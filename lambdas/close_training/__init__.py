"""CloseTraining: writes down how a training run ended and lets the next one start."""
