"""Compiling with the real SageMaker SDK, in processes of its own: it must not be imported where stacks are tested."""

import json
import subprocess
import sys
from functools import cache

import pytest

from pipelines import compiled, inputs

OFFLINE = """
import json, socket, sys

def refuse(*arguments, **_):
    print("NETWORK", arguments, file=sys.stderr)
    raise OSError("no network while compiling")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.create_connection = socket.getaddrinfo = refuse

from pipelines import compile, compiled
names = [(name, kind) for name in sys.argv[1:] for kind in compiled.KINDS]
json.dump({f"{name} {kind}": compile.definition(name, kind) for name, kind in names}, sys.stdout)
"""


def run_python(*arguments: str, hash_seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = {"HOME": "/nonexistent", "PYTHONPATH": str(inputs.ROOT), "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=inputs.ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def definitions(hash_seed: str) -> dict[str, str]:
    """Every pipeline of every project, compiled without a network."""
    finished = run_python("-c", OFFLINE, *compiled.projects(), hash_seed=hash_seed)
    assert finished.returncode == 0, finished.stderr
    assert "NETWORK" not in finished.stderr
    found: dict[str, str] = json.loads(finished.stdout)
    return found


# The hash seed orders sets, which is where a difference between two compiles would come from.
@pytest.mark.parametrize("hash_seed", ["1", "2"])
@pytest.mark.parametrize("kind", compiled.KINDS)
@pytest.mark.parametrize("project", compiled.projects())
def test_two_compiles_without_a_network_give_the_committed_bytes(
    project: str, kind: compiled.Kind, hash_seed: str
) -> None:
    assert definitions(hash_seed)[f"{project} {kind}"] == compiled.load(project, kind).text


def test_a_request_while_compiling_is_an_error() -> None:
    code = (
        "from pipelines import compile\n"
        "sent = []\n"
        "session = compile._offline_session(sent)\n"
        "try:\n"
        "    session.boto_session.client('s3').list_buckets()\n"
        "except compile.NetworkError as error:\n"
        "    print(error, sent)\n"
    )
    finished = run_python("-c", code)
    assert "compiling must not call AWS: GET https://s3" in finished.stdout, finished.stderr


def test_reading_a_definition_imports_no_sdk() -> None:
    code = (
        "import sys\n"
        "from pipelines import bundle, compiled\n"
        "[compiled.load('flights', kind) for kind in compiled.KINDS]\n"
        "list(bundle.files('flights'))\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'sagemaker', 'boto3', 'numpy', 'pyarrow'}))\n"
    )
    finished = run_python("-c", code)
    assert finished.stdout.strip() == "[]", finished.stderr


def test_the_command_line_names_what_is_stale() -> None:
    finished = run_python("-m", "pipelines.compile", "--check", "unknown_project")
    assert finished.returncode == 1
    assert "unknown_project" in finished.stderr
    assert "make compile" in finished.stderr
