"""Plain Kafka clients with the connection that the API gives to a token."""

import pytest

CONFLUENT = pytest.mark.parametrize("venv", ["confluent-kafka", "confluent-kafka-2.3.0"])
MECHANISMS = pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])


@CONFLUENT
@pytest.mark.parametrize("case", ["roundtrip", "idempotent"])
def test_messages_come_back_as_they_were_sent(workspace, run, venv, case):
    run(venv, "confluent.py", workspace.kafka(), case, workspace.create_topic("orders", 3))


@MECHANISMS
def test_every_mechanism_signs_in(workspace, run, mechanism):
    run("confluent-kafka", "confluent.py", workspace.kafka(mechanism=mechanism), "idempotent", workspace.create_topic("x"))


@CONFLUENT
def test_admin_client_and_api_see_the_same_topics(workspace, start, venv):
    admin = start(venv, "confluent.py", workspace.kafka(), "admin", "orders")
    topic = admin.wait_for("created")["topic"]
    listed = workspace.topics()["orders"]
    assert (listed["id"], listed["status"]) == (topic, "Ready")
    assert (listed["configuration"]["partitions"], listed["configuration"]["retentionInMinutes"]) == (2, 60)
    admin.tell("go on")
    admin.finish()
    assert workspace.topics() == {}


@CONFLUENT
def test_group_commits_resumes_and_is_listed(workspace, run, venv):
    run(venv, "confluent.py", workspace.kafka(), "groups", workspace.create_topic("orders"))


@CONFLUENT
def test_cooperative_sticky_assignor_moves_only_half(workspace, run, venv):
    run(venv, "confluent.py", workspace.kafka(), "cooperative", workspace.create_topic("orders", 4))


@CONFLUENT
def test_transactional_producer_is_refused_soon_and_clearly(workspace, run, venv):
    program = run(venv, "confluent.py", workspace.kafka(), "transaction")
    refused = program.wait_for("refused", 1)
    assert refused["seconds"] < 10 and refused["code"] != "_TIMED_OUT", refused
    assert "does not support transactions" in refused["text"], refused


@CONFLUENT
def test_s3_token_reaches_nothing_of_another_workspace(make_workspace, run, venv):
    own, other = make_workspace(), make_workspace()
    own.create_topic("own")
    topic = other.create_topic("secret")
    program = run(venv, "confluent.py", own.kafka(), "elsewhere", topic, f"{other.id}-group")
    event = program.wait_for("codes")
    assert event["own"] == [f"{own.id}-own"]
    refused = {"create", "delete", "metadata", "consume", "produce"}
    expected = {name: "TOPIC_AUTHORIZATION_FAILED" for name in refused}
    expected.update({name: "GROUP_AUTHORIZATION_FAILED" for name in ("describe group", "join")})
    assert event["codes"] == expected


@MECHANISMS
@pytest.mark.parametrize("client", ["kafka-python", "aiokafka"])
def test_python_clients_produce_and_resume_in_a_group(workspace, run, client, mechanism):
    topic, script = workspace.create_topic("orders"), {"kafka-python": "kafka_python.py", "aiokafka": "aio_kafka.py"}[client]
    program = run(client, script, workspace.kafka(mechanism=mechanism), topic, f"{workspace.id}-readers")
    event = program.wait_for("consumed")
    assert (event["first"], event["second"]) == (list(range(12)), list(range(12, 20)))
