"""The API does what its OpenAPI document says, whatever it is sent: schemathesis finds nothing."""

import subprocess

import pytest

from harness import venvs
from harness.server import Server

# For each route and phase; the seed is fixed, so that runs are alike.
EXAMPLES = 25
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["admin", "token"])
def test_schemathesis_finds_nothing(tmp_path, who):
    server = Server(tmp_path / "data")
    try:
        token = server.admin.token if who == "admin" else server.admin.post("/workspaces/demo/tokens/current/reveal", {})["value"]
        command = [str(venvs.ensure("schemathesis")), "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"]
        command += ["-H", f"Authorization: Bearer {token}", "--phases", "examples,coverage,fuzzing"]
        # A stream of events does not end by itself.
        command += ["--exclude-path-regex", "/(events|live)$"]
        command += ["--max-examples", str(EXAMPLES), "--checks", CHECKS, "--no-color", "--seed", "1"]
        done = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout[-20_000:]
    finally:
        assert server.stop() == 0, server.log_tail()
    assert "panicked" not in server.log.read_text(errors="replace"), server.log_tail()
