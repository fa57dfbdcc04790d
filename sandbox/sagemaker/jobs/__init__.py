"""Processing and training jobs: each one a process of this machine with the tree, the paths and the rights of AWS's."""
