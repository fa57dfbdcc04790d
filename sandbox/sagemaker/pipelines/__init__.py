"""SageMaker Pipelines: definitions of the schema version 2020-12-01, run step by step as the service does."""
