"""What a job or a model server imports, each time in a process that has imported nothing yet."""

import subprocess
import sys

import pytest


def says(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("project", ["flights", "late"])
def test_a_model_does_not_take_scikit_learn_along(project: str) -> None:
    code = f"import sys, pipelines.projects.{project}.model\nprint(sorted({{'sklearn', 'pandas'}} & set(sys.modules)))"
    assert says(code) == "[]"


def test_what_was_left_out_can_be_imported_afterwards() -> None:
    assert says("import pipelines.projects.flights.model, sklearn.metrics\nprint(sklearn.__name__)") == "sklearn"


def test_what_was_imported_before_stays() -> None:
    code = (
        "import sklearn, sys\nfrom pipelines.steps.lean import without\n"
        "with without('sklearn'):\n    import sklearn.base\nprint(sys.modules['sklearn'] is sklearn)"
    )
    assert says(code) == "True"


def test_an_error_inside_leaves_no_trace() -> None:
    code = (
        "import sys\nfrom pipelines.steps.lean import without\n"
        "try:\n    with without('sklearn'):\n        import sklearn\n"
        "except ImportError:\n    print('sklearn' in sys.modules)"
    )
    assert says(code) == "False"
