"""A server that is stopped and started again, as clients see it."""

import pytest

from harness.api import Workspace
from harness.server import Server


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_topics_messages_and_offsets_outlive_the_server(tmp_path, run, kill):
    server = Server(tmp_path / "data")
    try:
        workspace = Workspace(server.admin, "restarted")
        variables = workspace.quix()
        run("quixstreams", "quix_app.py", variables, "produce", "orders", 20)
        run("quixstreams", "quix_app.py", variables, "consume", "orders", "readers", 8)
        if kill:
            server.process.kill()
        server.stop()

        server = Server(tmp_path / "data")
        # The port is another one now, the token is the same.
        variables["Quix__Portal__Api"] = server.url
        consumed = run("quixstreams", "quix_app.py", variables, "consume", "orders", "readers", 12)
        numbers = [event["number"] for event in consumed.all("value")]
        assert numbers == list(range(8, 20))
    finally:
        server.stop()
