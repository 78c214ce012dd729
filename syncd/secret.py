"""One type for secrets: shown as stars wherever it is printed, readable only on purpose."""

from __future__ import annotations

from pydantic import SecretStr


class Secret(SecretStr):
    """A secret text; ``str`` and ``repr`` show stars. A connector's settings may use it or ``SecretStr``."""

    def reveal(self) -> str:
        """Return the secret itself, to be sent to whom it is for and to nobody else."""
        return self.get_secret_value()

    def as_key(self, looks: str) -> Secret:
        """Take it as a key that a header can carry, without blanks around it; raise ``ValueError`` where it is none."""
        text = self.reveal().strip()
        if len(text.splitlines()) > 1:
            raise ValueError("has several lines; there should be the key and nothing else")
        if len(text) < 6 or not (text.isascii() and text.isprintable()) or " " in text:
            raise ValueError(f"is no API key; {looks}")
        return Secret(text)
