"""The script contract: `model_fn`, `input_fn`, `predict_fn`, `output_fn` or `transform_fn` of the user's module.

As in the single-model mode of the XGBoost image (gunicorn and Flask around github.com/aws/sagemaker-containers):

* the body is a string for `application/json` and `text/csv`, bytes for everything else;
* an exception of the user's code is a 500 with Flask's page, whatever its type: the text is in the log only;
* a tuple `(body, media type)` is answered as such; a Flask response (any WSGI application) may carry another status,
  which is the only way to a 400; a bare string or bytes is answered as text/html.
"""

import importlib
import io
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sandbox.sagemaker.server import defaults

_JSON = "application/json"
_TEXT_TYPES = frozenset({_JSON, "text/csv"})
_ERROR_PAGE = (
    b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n<h1>Internal Server Error</h1>\n"
    b"<p>The server encountered an internal error and was unable to complete your request. Either the server is "
    b"overloaded or there is an error in the application.</p>\n"
)


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content_type: str
    body: bytes


class Script:
    """The user's functions around the loaded model; one request is answered at a time, as by one worker."""

    def __init__(self, module: ModuleType, *, model_dir: str, default_accept: str) -> None:
        own: dict[str, Callable[..., Any] | None] = {
            name: getattr(module, name, None)
            for name in ("model_fn", "input_fn", "predict_fn", "output_fn", "transform_fn")
        }
        if own["transform_fn"] and (own["input_fn"] or own["predict_fn"] or own["output_fn"]):
            raise ValueError("Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn")
        self._input = own["input_fn"] or defaults.input_fn
        self._predict = own["predict_fn"] or defaults.predict_fn
        self._output = own["output_fn"] or defaults.output_fn
        self._transform = own["transform_fn"] or self._three_steps
        self._default_accept = default_accept
        self._model = (own["model_fn"] or defaults.model_fn)(model_dir)

    def answer(self, body: bytes, *, content_type: str | None, accept: str | None) -> Reply:
        """Predict for one request; never raises."""
        content_type = content_type or _JSON
        accept = accept if accept and accept != "*/*" else self._default_accept
        content = body.decode(errors="replace") if content_type in _TEXT_TYPES else body
        try:
            return _reply(self._transform(self._model, content, content_type, accept), length=len(body))
        except Exception:  # noqa: BLE001 - whatever the user's code raises is a 500 of its server
            traceback.print_exc()
            return Reply(status=500, content_type="text/html; charset=utf-8", body=_ERROR_PAGE)

    def _three_steps(self, model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        try:
            data = self._input(content, content_type)
        except defaults.UnsupportedFormatError as error:
            return _unsupported(error, status=415)
        prediction = self._predict(data, model)
        try:
            return self._output(prediction, accept)
        except defaults.UnsupportedFormatError as error:
            return _unsupported(error, status=406)


def _unsupported(error: defaults.UnsupportedFormatError, *, status: int) -> Reply:
    body = {"error": type(error).__name__, "error-message": str(error), "stack-trace": traceback.format_exc()}
    return Reply(status=status, content_type=_JSON, body=json.dumps(body).encode())


def _reply(result: Any, *, length: int) -> Reply:
    match result:
        case Reply():
            return result
        case (body, str() as media_type):
            return Reply(status=200, content_type=media_type, body=_bytes(body))
        case str() | bytes():
            return Reply(status=200, content_type="text/html; charset=utf-8", body=_bytes(result))
        case dict() | list():
            return Reply(status=200, content_type=_JSON, body=json.dumps(result).encode())
    if callable(result):
        return _from_wsgi(result, length=length)
    raise TypeError(f"output_fn returned {type(result).__name__}; return (body, media type) or a Flask response")


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else bytes(body)


def _from_wsgi(application: Callable[..., Iterable[bytes]], *, length: int) -> Reply:
    started: list[tuple[str, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> None:
        started.append((status, {name.lower(): value for name, value in headers}))

    environ = {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/invocations",
        "QUERY_STRING": "",
        "CONTENT_LENGTH": str(length),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    body = b"".join(application(environ, start_response))
    status, headers = started[-1]
    return Reply(
        status=int(status.split(" ", maxsplit=1)[0]), content_type=headers.get("content-type", _JSON), body=body
    )


def load() -> Script:
    """Import the user's module, as the image does, and load the model.

    Raises:
        RuntimeError: when the environment names no script.
    """
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    program, source = os.environ.get("SAGEMAKER_PROGRAM"), os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY")
    if not program or not source:
        raise RuntimeError(
            "SAGEMAKER_PROGRAM and SAGEMAKER_SUBMIT_DIRECTORY must name the inference script: the sandbox has no "
            "algorithm mode"
        )
    code = base / "code"
    if Path(source) != code:
        shutil.copytree(source, code, dirs_exist_ok=True)
    sys.path.insert(0, str(code))
    module = importlib.import_module(program.removesuffix(".py"))
    accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", _JSON)
    return Script(module, model_dir=str(base / "model"), default_accept=accept)
