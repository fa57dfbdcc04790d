"""The guided tour: deploys a project to the sandbox, drops data, and tells what the deployed events made of it."""
