"""Wheels that travel with a job because its image lacks them; unpacked on first use, without pip or a network.

Standard library only: it runs before anything else can be imported.
"""

import sys
import zipfile
from functools import cache
from pathlib import Path
from tempfile import mkdtemp


@cache
def use(folder: Path) -> tuple[str, ...]:
    """Make every wheel of a folder importable, behind what the image has; returns their file names.

    A wheel is a zip of what belongs on the path (PyPA, "Binary distribution format"); it is unpacked because compiled
    modules cannot be imported from a zip.
    """
    wheels = sorted(folder.glob("*.whl"))
    if wheels:
        target = mkdtemp(prefix="wheels-")
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(target)
        sys.path.append(target)
    return tuple(wheel.name for wheel in wheels)
