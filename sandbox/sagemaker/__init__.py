"""An embedded SageMaker: jobs, pipelines, registry and endpoints as AWS runs them, in processes of this machine."""
