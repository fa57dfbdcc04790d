"""An embedded CodeDeploy, as far as a stack needs it: it moves the alias of a Lambda function to a new version.

* `configurations` reads how the traffic moves; `groups` keeps applications and deployment groups for CloudFormation.
* `deployments` runs a deployment: it moves the traffic, watches the alarms and goes back.

It has no API, so nobody can list its deployments, and it runs no hooks; a stack that asks for one is refused.
"""
