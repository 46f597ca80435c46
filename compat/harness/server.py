"""The real binary, started on free ports with a data directory of its own."""

import json
import os
import subprocess
import time
import urllib.error
import urllib.request

from harness.api import Api

START_TIMEOUT = 60


def environment():
    """The caller's environment without his own settings for a server; what the server logs may be chosen."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TWINKEY_") or name == "TWINKEY_LOG"}


class Server:
    """A running server. `stop` ends it; `admin` is the API with an administrator's personal access token."""

    def __init__(self, data_dir):
        self.data_dir, self.log = data_dir, data_dir.parent / f"{data_dir.name}.log"
        command = [os.environ["TWINKEY_BIN"], "serve", "--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0"]
        command += ["--data-dir", str(data_dir)]
        with open(self.log, "ab") as log:
            # The working directory holds no twinkey.toml.
            self.process = subprocess.Popen(
                command, cwd=data_dir.parent, env=environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        credential = json.loads((data_dir / "cli.json").read_text())
        self.admin = Api(self.url, credential["token"])

    def wait_until_ready(self):
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}:\n{self.log_tail()}")
            if self.is_ready():
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server was not ready within {START_TIMEOUT} s:\n{self.log_tail()}")

    def is_ready(self):
        try:
            endpoints = json.loads((self.data_dir / "endpoints.json").read_text())
            # The file of an earlier run may still be there.
            if endpoints["pid"] != self.process.pid:
                return False
            self.url = endpoints["url"]
            with urllib.request.urlopen(self.url + "/readyz", timeout=5):
                return True
        except (FileNotFoundError, urllib.error.URLError):
            return False

    def stop(self):
        """As a person stops it; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    def log_tail(self):
        return self.log.read_text(errors="replace")[-4000:]
