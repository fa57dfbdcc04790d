"""The operator's command line: the same questions, asked of an AWS account or of the sandbox."""
