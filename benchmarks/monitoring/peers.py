"""Virtual environments of the peers, from pinned requirements with hashes, made by uv below the cache.

``python -m benchmarks.monitoring.peers`` resolves ``benchmarks/peers/*.in`` into ``*.txt`` again.
"""

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parents[1] / "peers"
_MARK = "requirements.sha256"
_UV = Path(sys.executable).with_name("uv")
_INSTALLATION_SECONDS = 900
_LOCK = "python -m benchmarks.monitoring.peers"


class NotInstalledError(Exception):
    """A peer cannot be installed here; the message is the last line of what uv said."""


@dataclass(frozen=True)
class Peer:
    """One peer's environment.

    Attributes:
        name: of its requirement file.
        folder: of its virtual environment.
    """

    name: str
    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def version(self, package: str) -> str:
        """Return the pinned version of one of its packages."""
        for line in self._requirements.read_text("utf-8").splitlines():
            name, _, rest = line.partition("==")
            if name == package:
                return rest.split()[0]
        raise KeyError(package)

    def install(self) -> None:
        """Make the environment, unless it is there for these very requirements.

        Raises:
            NotInstalledError: when that fails.
        """
        wanted = hashlib.sha256(self._requirements.read_bytes() + sys.version.encode()).hexdigest()
        mark = self.folder / _MARK
        if mark.exists() and mark.read_text("utf-8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        _uv("venv", "--python", sys.executable, str(self.folder))
        # Compiled now, so that the first import that is measured does not do it.
        options = ("--require-hashes", "--compile-bytecode", "--python", str(self.python))
        _uv("pip", "sync", *options, str(self._requirements))
        mark.write_text(wanted, "utf-8")

    @property
    def _requirements(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"


def _uv(*arguments: str) -> None:
    try:
        done = subprocess.run(
            [_UV, "--quiet", *arguments], check=False, capture_output=True, text=True, timeout=_INSTALLATION_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(f"uv did not end: {error}") from error
    if done.returncode:
        *_, last = done.stderr.strip().splitlines() or ["uv said nothing"]
        raise NotInstalledError(last.strip())


def main() -> None:
    """Resolve all peers' requirements."""
    for source in sorted(REQUIREMENTS.glob("*.in")):
        options = ("--universal", "--python-version", "3.11", "--generate-hashes", "--custom-compile-command", _LOCK)
        _uv("pip", "compile", *options, str(source), "-o", str(source.with_suffix(".txt")))


if __name__ == "__main__":
    main()
