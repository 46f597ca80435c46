"""A client program in its own process and virtual environment.

A client tells what it sees by lines that begin with `@ ` and hold one JSON object with an `event`; everything else that it
prints is kept for the report of a failure.
"""

import json
import os
import subprocess
import threading
import time
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent / "clients"
MARK = "@ "
# What a client must not find by accident in the environment of the one who runs the suite.
FOREIGN = ("Quix__", "TWINKEY_", "KAFKA", "PYTHONPATH", "VIRTUAL_ENV")


class Program:
    """A started program: a script in an environment's Python, or, without a script, a binary."""

    def __init__(self, program, script, arguments, variables, directory):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment.update(variables, PYTHONUNBUFFERED="1", PYTHONWARNINGS="ignore", PYTHONPATH=str(CLIENTS))
        command = [str(program)] if script is None else [str(program), str(script)]
        self.name = " ".join([Path(command[-1]).name, *arguments])
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.output, self.events = [], []
        self.changed = threading.Condition()
        self.ended = False
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                if line.startswith(MARK):
                    self.events.append(json.loads(line[len(MARK) :]))
                self.output.append(line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def wait_for(self, condition, timeout=30):
        """Waits until `condition(events)` is true and returns its value. An event's name stands for its first occurrence."""
        if isinstance(condition, str):
            name = condition

            def condition(events):
                return next((event for event in events if event["event"] == name), None)

        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                value = condition(self.events)
                if value:
                    return value
                remaining = deadline - time.monotonic()
                if self.ended or remaining <= 0:
                    what = "ended" if self.ended else f"did not get there within {timeout} s"
                    raise AssertionError(f"{self.name} {what}\n{self.text()}")
                self.changed.wait(remaining)

    def all(self, name):
        """All events of that name so far."""
        with self.changed:
            return [event for event in self.events if event["event"] == name]

    def tell(self, line):
        """Sends a line to the program."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self, timeout=60, status=0):
        """Waits for its end, asserts its exit status (None: any but 0) and returns all that it printed."""
        try:
            actual = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s\n{self.text()}") from None
        with self.changed:
            self.changed.wait_for(lambda: self.ended, 10)
        right = actual != 0 if status is None else actual == status
        assert right, f"{self.name} ended with status {actual}\n{self.text()}"
        return self.text()

    def kill(self):
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def text(self):
        return "".join(self.output)
