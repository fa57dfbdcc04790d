"""What runs inside the jobs: ``python -m pipelines.steps <step> --project <name> ...``."""
