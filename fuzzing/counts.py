"""What a worker has done so far, as whoever started it reads it while it runs."""

import struct
from typing import Final

COUNTS: Final = struct.Struct("QQQQ")
"""Cases, taken, distinct answers, findings."""
