"""Where a text of the settings comes from when it is not written there itself.

``{ env = "NAME" }``, ``{ file = "PATH" }``, ``{ credential = "NAME" }`` (systemd) and
``{ command = ["…"] }`` may stand for any string.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

SECONDS = 30
"""How long a command may take."""
WAYS = ("env", "file", "credential", "command")


class Unavailable(Exception):
    """A text cannot be had; the message is the rest of a sentence that begins with its key."""


def reference(value: object) -> tuple[str, object] | None:
    """Tell the way and what it names, where a value is a table that stands for a text."""
    if isinstance(value, Mapping) and len(value) == 1:
        way, named = next(iter(value.items()))
        if way in WAYS and not isinstance(named, Mapping):
            return way, named
    return None


def fetch(way: str, named: object, folder: Path, environment: Mapping[str, str]) -> str:
    """Fetch a text, without its last line break; raise ``Unavailable``, never showing any of it."""
    if way == "command":
        text = _command(named, folder)
    elif not isinstance(named, str) or not named:
        raise Unavailable(f'should read {{ {way} = "…" }}, with a name between the quotes')
    elif way == "env":
        text = _environment(named, environment)
    elif way == "file":
        text = _file(folder / Path(named).expanduser())
    else:
        text = _credential(named, environment)
    text = text.removeprefix("\ufeff").rstrip("\r\n")  # some editors begin every file with that mark
    if not text:
        raise Unavailable(f"is empty: nothing comes from {way} {_shown(named)}")
    return text


def _environment(name: str, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise Unavailable(f"comes from the environment variable {name}, which is not set")
    return environment[name]


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Unavailable(f"comes from the file {path}, which cannot be read: {reason}") from None


def _credential(name: str, environment: Mapping[str, str]) -> str:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise Unavailable(
            f"comes from systemd's credential {name}, but there are none here; add LoadCredential={name}:… to the unit"
        )
    if "/" in name or name.startswith("."):
        raise Unavailable(f"names a credential {name!r}; a name has no / and no . in front")
    return _file(Path(folder) / name)


def _command(named: object, folder: Path) -> str:
    if not isinstance(named, list) or not named or not all(isinstance(one, str) for one in named):
        raise Unavailable('should read { command = ["program", "argument"] }')
    try:
        done = subprocess.run(  # noqa: S603 - the settings' owner asks for it, and no shell is used
            [os.path.expanduser(named[0]), *named[1:]],  # noqa: PTH111 - a bare name must stay one
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=SECONDS, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"comes from the command {named[0]}, which ended with {done.returncode}")
        return done.stdout.decode()
    except subprocess.TimeoutExpired:
        told = f"took more than {SECONDS} seconds"
    except OSError as error:
        told = f"cannot be run: {error.strerror}"
    except UnicodeDecodeError:
        told = "did not write UTF-8 text"
    raise Unavailable(f"comes from the command {named[0]}, which {told}")


def _shown(named: object) -> str:
    return str(named[0]) if isinstance(named, list) else str(named)
