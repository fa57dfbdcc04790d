"""What a new project's model may answer."""

from typing import Literal

Task = Literal["regression", "binary_classification"]
