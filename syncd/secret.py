"""One type for secrets: shown as stars wherever it is printed, readable only on purpose."""

from __future__ import annotations

from pydantic import SecretStr


class Secret(SecretStr):
    """A secret text; ``str`` and ``repr`` show stars. A connector's settings may use it or ``SecretStr``."""

    def reveal(self) -> str:
        """Return the secret itself, to be sent to whom it is for and to nobody else."""
        return self.get_secret_value()
