"""One folder per machine-learning project; everything a project needs lives in its folder."""
