"""The settings: one TOML file, checked as a whole before anything runs (DESIGN section 8).

``load`` reads it into frozen values; ``python -m syncd.settings`` prints ``config.example.toml`` from the schemas.
"""

from syncd.settings.load import Settings, find, load
from syncd.settings.schema import SourceSettings, TargetSettings

__all__ = ["Settings", "SourceSettings", "TargetSettings", "find", "load"]
