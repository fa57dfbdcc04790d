"""The machine-learning side of Tandem: pipeline definitions, the steps inside the jobs, and the projects."""
