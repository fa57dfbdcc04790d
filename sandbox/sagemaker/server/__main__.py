"""Starts the model server; run as a file, isolated (`python -P __main__.py <descriptor of the socket>`).

Everything here is of the standard library: the user's code must find what its image has and nothing of the
sandbox's, and a web framework in this process would be just that. The repository is on the path only until the
server's own modules are loaded.
"""

import sys
import time
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parents[3])


def main() -> None:
    """Load the model, then answer until the process is ended or its parent is gone."""
    sys.path.insert(0, _ROOT)
    from sandbox.sagemaker.server import http, script  # noqa: PLC0415 - the path is set one line above

    sys.path.remove(_ROOT)
    started = time.perf_counter()
    loaded = script.load()
    print(f"Model loaded in {time.perf_counter() - started:.2f} s; serving.", flush=True)  # noqa: T201 - the log is stdout
    http.serve(loaded, descriptor=int(sys.argv[1]))


if __name__ == "__main__":
    main()
