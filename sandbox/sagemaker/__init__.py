"""An embedded SageMaker: jobs, pipelines, registry and endpoints as AWS runs them, in processes of this machine.

* `service` puts everything together; `platform` says what it needs of the server around it.
* `protocol` is the wire: requests and answers checked against botocore's service model, patterns included.
* `jobs` runs processing and training jobs, `pipelines` the definitions that start them, `registry` keeps the models.
* `endpoints` replaces fleets of model servers without a gap; `server` is the model server, a process of its own.
* `isolation` is why a job or a model sees its image's packages and no others.

What is not here is refused with an error that says so: jobs of several instances (but for an image that makes one
cluster of them), pipe mode, steps other than Processing, Training, Condition, Fail, Model and RegisterModel,
asynchronous, serverless and multi-container endpoints.
"""
