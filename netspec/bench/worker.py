"""The process of a form, for the process that started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

MAX_SAID = 200
"""How many of the last characters of a failed process are reported."""


class FormError(Exception):
    """A form that cannot be made or measured; its text is the reason."""


class Worker:
    """The process of a form: started at once; it answers one request after another."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("wb") as stderr:
            self._process = subprocess.Popen(
                # Without -P, Python could import files of the user's folder as modules.
                [sys.executable, "-P", "-m", "netspec.bench.served"],
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C in the terminal is the parent's to handle
            )

    def ask(self, **request: Any) -> dict[str, Any]:  # Any: JSON data
        """The answer to a request. Raises FormError where it is a fault, or where none comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise FormError(self._end())
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            raise FormError(answer["fault"])
        return answer

    def _end(self) -> str:
        """How the process ended, and its last output."""
        status = self._process.wait()
        if status < 0:
            return f"its process was killed by {signal.Signals(-status).name}"
        output = self._log.read_text(encoding="utf-8", errors="replace").split()
        return f"its process ended with status {status}: {' '.join(output)[-MAX_SAID:]}"

    def kill(self) -> None:
        """End the process and those that it has started."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):  # where all of them have ended
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()
        with suppress(BrokenPipeError), self._process:  # closes the pipes and waits
            pass
