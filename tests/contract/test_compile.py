"""Compiling with the real SageMaker SDK, in processes of its own: it must not be imported where stacks are tested."""

import subprocess
import sys

import pytest

from pipelines import compiled, inputs

OFFLINE = """
import socket, sys

def refuse(*arguments, **_):
    print("NETWORK", arguments, file=sys.stderr)
    raise OSError("no network while compiling")

socket.socket.connect = socket.socket.connect_ex = refuse
socket.create_connection = socket.getaddrinfo = refuse

from pipelines import compile
sys.stdout.write(compile.definition(*sys.argv[1:]))
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


@pytest.mark.parametrize("kind", compiled.KINDS)
@pytest.mark.parametrize("project", compiled.projects())
def test_two_compiles_without_a_network_give_the_committed_bytes(project: str, kind: compiled.Kind) -> None:
    for seed in ("1", "2"):  # the hash seed orders sets, which is where such a difference would come from
        finished = run_python("-c", OFFLINE, project, kind, hash_seed=seed)
        assert finished.returncode == 0, finished.stderr
        assert "NETWORK" not in finished.stderr
        assert finished.stdout == compiled.load(project, kind).text


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
