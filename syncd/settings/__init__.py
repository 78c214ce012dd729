"""The settings: one TOML file, checked as a whole before anything runs (DESIGN section 8).

``load`` reads it into frozen values; ``describe`` shows them with every secret masked;
``python -m syncd.settings`` prints ``config.example.toml`` from the schemas.
"""

from syncd.settings.load import Settings, find, load
from syncd.settings.schema import SourceSettings, TargetSettings
from syncd.settings.show import describe

__all__ = ["Settings", "SourceSettings", "TargetSettings", "describe", "find", "load"]
