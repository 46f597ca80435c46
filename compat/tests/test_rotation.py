"""A rotation as streaming clients see it: one on Token 1, one on Token 2, both in the middle of a stream."""

import pytest

from harness.api import Api, Refused

QUIX = ("quixstreams", "quix_app.py")
ORIGINAL = ("quixstreams-0.5.7", "quix_original.py")
CONFLUENT = ("confluent-kafka", "confluent.py")
ALL = [QUIX, ORIGINAL, CONFLUENT]
CLIENTS = pytest.mark.parametrize("client", ALL, ids=[venv for venv, _ in ALL])


def variables(client, workspace, token):
    return workspace.kafka(token) if client is CONFLUENT else workspace.quix(token)


def start_stream(start, client, workspace, token, name):
    topic = f"{workspace.id}-{name}" if client is CONFLUENT else name
    group = f"{workspace.id}-{name}" if client is CONFLUENT else name
    program = start(*client, variables(client, workspace, token), "stream", topic, group)
    program.wait_for("streaming")
    return program


def seen(events):
    return max((event["seen"] for event in events if event["event"] == "streaming"), default=0)


@CLIENTS
def test_s10_token_2_streams_through_a_rotation_without_loss_repetition_or_error(workspace, start, client):
    workspace.create_topic("orders")
    second = start_stream(start, client, workspace, workspace.token("next"), "orders")
    workspace.rotate()
    mark = seen(second.all("streaming"))
    second.wait_for(lambda events: seen(events) >= mark + 300)
    second.tell("stop")
    streamed = second.wait_for("streamed", 60)
    text = second.finish()
    assert len(streamed["acknowledged"]) >= 300
    assert streamed["seen"] == streamed["acknowledged"] == list(range(len(streamed["seen"])))
    assert not second.all("error") and not second.all("refused") and not second.all("log"), text
    # The original client has no callback for errors; it writes them.
    assert "ERR" not in text and "WRN" not in text, text


@CLIENTS
def test_b4_token_1_loses_its_open_connections_and_cannot_come_back(workspace, start, run, client):
    topic = workspace.create_topic("orders")
    first = start_stream(start, client, workspace, workspace.token("current"), "orders")
    before = len(first.output)
    rotated = workspace.rotate()
    assert rotated["connectionsClosed"] >= 2

    def end():
        return run(*CONFLUENT, workspace.kafka(), "end", topic).wait_for("end")["offset"]

    # It keeps sending and trying to come back, and says that it is refused; nothing gets through any more.
    end_after_rotation = end()
    first.wait_for(lambda _: sum("authentication error" in line.lower() for line in first.output[before:]) >= 2)
    assert end() == end_after_rotation


def test_s9_new_program_with_the_old_token_is_told_that_it_was_rotated_out(workspace, start):
    old = workspace.token("current")
    workspace.rotate()
    with pytest.raises(Refused) as refused:
        Api(workspace.admin.url, old).get(f"/workspaces/{workspace.id}/broker/librdkafka")
    assert refused.value.status == 401
    sentence = refused.value.body["message"]
    assert "rotated out" in sentence and "Broker settings" in sentence

    text = start(*QUIX, workspace.quix(old), "produce", "orders", 1).finish(30, status=None)
    assert "Error 401" in text and "rotated out" in text
    text = start(*ORIGINAL, workspace.quix(old), "produce", "orders", 1).finish(30, status=None)
    assert "401" in text and sentence in text


def test_s8_program_works_with_either_token_before_and_after_a_rotation(workspace, run):
    second = workspace.token("next")
    run(*QUIX, workspace.quix(), "produce", "orders", 1)
    run(*QUIX, workspace.quix(second), "produce", "orders", 1)
    workspace.rotate()
    assert workspace.token("current") == second
    run(*QUIX, workspace.quix(), "produce", "orders", 1)
    run(*QUIX, workspace.quix(workspace.token("next")), "produce", "orders", 1)
    run(*QUIX, workspace.quix(), "consume", "orders", "readers", 4)


def test_b4_credentials_of_the_old_token_are_refused_on_the_broker(workspace, start):
    workspace.create_topic("orders")
    old = workspace.kafka()
    workspace.rotate()
    program = start(*CONFLUENT, old, "stream", f"{workspace.id}-orders", f"{workspace.id}-readers")
    refused = program.wait_for("error")
    assert refused["code"] == "_AUTHENTICATION", refused
