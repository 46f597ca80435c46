"""The original QuixStreamingClient (quixstreams 0.5.7, librdkafka 1.9.2), unmodified, knowing nothing but a token."""

import pytest

CLIENT = ("quixstreams-0.5.7", "quix_original.py")
SEEN = {"complete": True, "numbers": list(range(20)), "events": ["finished=yes"]}


def consumed(program):
    event = program.wait_for("consumed")
    return {name: event[name] for name in SEEN}


@pytest.mark.parametrize("workspace_id", [True, False], ids=["with-workspace-id", "token-only"])
@pytest.mark.parametrize("group", ["readers", "-"], ids=["with-group", "without-group"])
def test_s5_token_alone_carries_time_series_and_events(workspace, run, workspace_id, group):
    variables = workspace.quix(workspace_id=workspace_id)
    run(*CLIENT, variables, "produce", "telemetry", 20)
    assert workspace.topics()["telemetry"]["id"] == f"{workspace.id}-telemetry"
    assert consumed(run(*CLIENT, variables, "consume", "telemetry", group, 20)) == SEEN


def test_wrong_token_is_401_and_the_program_ends(workspace, start):
    variables = workspace.quix(token="sdk-" + 32 * "0")
    text = start(*CLIENT, variables, "produce", "telemetry", 1).finish(30, status=None)
    assert "401" in text and "User is not authenticated" in text
