"""Programs that images bring along: each file is copied into the image's `bin`, without its `.py`.

They run inside of containers, so they import nothing of the sandbox.
"""
