"""ConfirmDeployment: says what really serves after the endpoint changed."""
