"""Pull: one cycle over one source brings the mirror in step (DESIGN section 4)."""

from syncd.pull.cycle import Pulled, Stop
from syncd.pull.pull import pull

__all__ = ["Pulled", "Stop", "pull"]
