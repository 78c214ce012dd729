"""The errors that stop something, each by what a run does with it.

::

    SyncdError
      - SettingsError          stop everything: the settings are wrong (a list of findings)          exit 2
      - UsageError             stop everything: the command line is wrong                            exit 2
      - StateLocked            stop everything: another syncd holds this state                       exit 4
      - StateError             stop everything: the state cannot be read or written                  exit 3
      - Unreachable            stop this source or target, try again later                           exit 3
        - Busy                 it asked us to slow down (429, 503 with Retry-After)
        - NotSent              nothing of this batch was carried out, for certain
      - Refused                stop this source or target: its credentials or rights are refused      exit 3
      - Answer                 the other side answered, but with an error to one request             exit 1
        - Missing              404: there is no such record
        - Invalid              any other 4xx: this very request is wrong
      - NoDocument             an invoice's PDF cannot be had; the invoice goes on without it
      - ContractError          a connector broke the contract: a bug of the connector                exit 1

What stops a single record is no error but a value: a ``Rejection`` (payload), a ``Finding`` (planner) or an
``Outcome`` (connector); the run goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping


class SyncdError(Exception):
    """Something went wrong that syncd can explain; ``str(error)`` is a sentence for a person."""

    exit_code = 1


class UsageError(SyncdError):
    """The command line asks for something that cannot be."""

    exit_code = 2


class SettingsError(SyncdError):
    """The settings file cannot be used; ``findings`` holds a sentence for each fault, with its line."""

    exit_code = 2

    def __init__(self, findings: list[str]) -> None:
        """Keep every finding, for all are shown at once."""
        super().__init__("\n".join(findings))
        self.findings = findings


class StateLocked(SyncdError):
    """Another syncd holds this state."""

    exit_code = 4


class StateError(SyncdError):
    """The state database cannot be read or written."""

    exit_code = 3


class Unreachable(SyncdError):
    """A source or target could not be reached, or answered with a fault of its own; trying later may help.

    ``retry_after``: seconds the other side asked us to wait, or ``None``.
    """

    exit_code = 3

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        """Say who could not be reached and why."""
        super().__init__(message)
        self.retry_after = retry_after


class Busy(Unreachable):
    """The other side asked us to slow down."""


class NotSent(Unreachable):
    """Nothing of what was to be written has been carried out, for certain; it may be sent again."""


Choices = Mapping[str, Mapping[str, str]]
"""What settings can be: key → value as it is written → what a person knows it by."""


class Refused(SyncdError):
    """The credentials or the rights behind a source or target were refused (401, 403).

    ``choices``: what a setting can be whose lack is the reason.
    """

    exit_code = 3

    def __init__(self, message: str, choices: Choices | None = None) -> None:
        """Say what was refused."""
        super().__init__(message)
        self.choices: Choices = choices or {}


class Answer(SyncdError):
    """The other side understood the request and answered with an error.

    ``status``: the HTTP status. The message holds the body, cut to a readable length.
    """

    def __init__(self, message: str, status: int) -> None:
        """Keep the status beside the sentence."""
        super().__init__(message)
        self.status = status


class Missing(Answer):
    """There is no such record (404)."""


class Invalid(Answer):
    """The request itself was refused as wrong (another 4xx)."""


class NoDocument(SyncdError):
    """The PDF of an invoice cannot be had now; ``code``: the problem that this is (``pdf_missing``, ``pdf_waits``)."""

    def __init__(self, message: str, code: str = "pdf_missing") -> None:
        """Keep the code beside the sentence."""
        super().__init__(message)
        self.code = code


class ContractError(SyncdError):
    """A connector did what the contract forbids."""


def worst(codes: Collection[int]) -> int:
    """Give the exit code of a command of whose parts each has one: the first of DESIGN section 7 that holds."""
    return next((one for one in (4, 2, 3, 5, 1) if one in codes), 0)


def is_ctrl_c(error: BaseException | None) -> bool:
    """Tell whether an error is Ctrl-C, or what a library made of it in the middle of an import."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt) or KeyboardInterrupt.__name__ in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
