"""The Rust client (crates/client) beside the Python ones: each reads what the other has written."""

START = 1_700_000_000_123_456_789
ROWS = [
    {"timestamp": START, "values": {"number": 1.5, "text": "één", "bytes": [0, 1, 255]}, "tags": {"tag": "v"}},
    {"timestamp": START + 1, "values": {"number": 2.0}, "tags": {}},
    {"timestamp": START + 2, "values": {"text": 2_500_000}, "tags": {}},
]
EVENTS = [[START + 3, "finished", "yes", {"t": "x"}]]
ORIGINAL = ("quixstreams-0.5.7", "quix_details.py")
NEWEST = ("quixstreams", "quix_app.py")


def properties(name):
    recorded = "2024-01-02T03:04:05.678901"
    return {"Name": name, "Location": "/a/b", "Metadata": {"rig": "7"}, "Parents": ["parent"], "TimeOfRecording": recorded}


def test_rust_reads_the_streams_of_the_original_client(workspace, run, rust):
    run(*ORIGINAL, workspace.quix(), "produce", "telemetry")
    seen = rust(workspace.quix(), "consume-stream", "telemetry", "readers").wait_for("consumed")
    assert (seen["rows"], seen["events"]) == (ROWS, EVENTS)
    assert seen["properties"] == properties("From Python")
    [number] = seen["definitions"]["Parameters"]
    assert number == {"Id": "number", "Name": "Number", "Unit": "kg"}
    assert seen["end"] == "python-stream/Aborted"


def test_the_original_client_reads_the_streams_of_rust(workspace, run, rust):
    rust(workspace.quix(), "produce-stream", "telemetry")
    seen = run(*ORIGINAL, workspace.quix(), "consume", "telemetry", "readers").wait_for("consumed")
    assert seen["complete"]
    assert (seen["rows"], seen["events"]) == (ROWS, EVENTS)
    assert seen["properties"] == properties("From Rust")
    assert seen["definitions"] == [["number", "Number", "kg"]]
    assert seen["end"] == "rust-stream/Aborted"


def test_rust_reads_the_rows_of_an_application(workspace, run, rust):
    run(*NEWEST, workspace.quix(), "produce", "orders", 20)
    seen = rust(workspace.quix(), "consume-rows", "orders", "readers", 20).wait_for("consumed")
    assert seen["numbers"] == list(range(20))


def test_an_application_reads_the_rows_of_rust(workspace, run, rust):
    rust(workspace.quix(), "produce-rows", "orders", 20)
    seen = run(*NEWEST, workspace.quix(), "consume", "orders", "readers", 20)
    assert [event["number"] for event in seen.all("value")] == list(range(20))


def test_members_of_one_group_may_be_of_both_kinds(workspace, run, rust):
    """They agree on an assignor and on the group's name, and each goes on where the other has committed."""
    run(*NEWEST, workspace.quix(), "produce", "orders", 20)
    first = rust(workspace.quix(), "consume-rows", "orders", "mixed", 12).wait_for("consumed")
    rest = run(*NEWEST, workspace.quix(), "consume", "orders", "mixed", 8)
    assert first["numbers"] + [event["number"] for event in rest.all("value")] == list(range(20))
