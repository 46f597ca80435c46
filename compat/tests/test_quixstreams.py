"""The newest quixstreams, unmodified, knowing nothing but a token."""

import pytest

CLIENT = ("quixstreams", "quix_app.py")


def numbers(program):
    return [event["number"] for event in program.all("value")]


@pytest.mark.parametrize("workspace_id", [True, False], ids=["with-workspace-id", "token-only"])
def test_s5_token_alone_produces_and_consumes(workspace, run, workspace_id):
    variables = workspace.quix(workspace_id=workspace_id)
    produced = run(*CLIENT, variables, "produce", "orders", 20).wait_for("produced")
    assert produced["topic"] == f"{workspace.id}-orders"
    consumed = run(*CLIENT, variables, "consume", "orders", "readers", 20)
    assert numbers(consumed) == list(range(20))


def test_consumer_resumes_where_its_group_has_committed(workspace, run):
    variables = workspace.quix()
    run(*CLIENT, variables, "produce", "orders", 10)
    assert numbers(run(*CLIENT, variables, "consume", "orders", "readers", 10)) == list(range(10))
    run(*CLIENT, variables, "produce", "orders", 5, 10)
    assert numbers(run(*CLIENT, variables, "consume", "orders", "readers", 5)) == list(range(10, 15))


def test_topics_that_the_client_creates_are_those_of_the_api(workspace, run):
    run(*CLIENT, workspace.quix(), "produce", "orders", 1, 0, 3)
    topic = workspace.topics()["orders"]
    assert (topic["id"], topic["status"]) == (f"{workspace.id}-orders", "Ready")
    assert topic["configuration"]["partitions"] == 3


def test_stateful_app_resumes_its_state_from_the_changelog(workspace, run):
    variables = workspace.quix()
    run(*CLIENT, variables, "produce", "orders", 20, 0, 3)
    first = run(*CLIENT, variables, "count_by_key", "orders", "counters", 20)
    assert final_counts(first) == {f"key-{index}": 4 for index in range(5)}
    assert "changelog__counters--orders--default" in workspace.topics()

    # Each program has a directory of its own, so the state of the second can only come from the changelog.
    run(*CLIENT, variables, "produce", "orders", 10, 20)
    second = run(*CLIENT, variables, "count_by_key", "orders", "counters", 10)
    assert sorted(event["number"] for event in second.all("count")) == list(range(20, 30))
    assert final_counts(second) == {f"key-{index}": 6 for index in range(5)}


def test_group_by_repartitions_a_topic_with_several_partitions(workspace, run):
    variables = workspace.quix()
    run(*CLIENT, variables, "produce", "orders", 30, 0, 3)
    counted = run(*CLIENT, variables, "count_by_customer", "orders", "grouping", 30)
    assert final_counts(counted) == {f"customer-{index}": 10 for index in range(3)}
    topics = workspace.topics()
    assert topics["repartition__grouping--orders--customer"]["configuration"]["partitions"] == 3
    assert "changelog__grouping--repartition.orders.customer--default" in topics


def final_counts(program):
    counts = {}
    for event in program.all("count"):
        counts[event["key"]] = max(event["count"], counts.get(event["key"], 0))
    return counts


def test_wrong_token_is_401_and_the_program_ends(workspace, start):
    variables = workspace.quix(token="sdk-" + 32 * "0")
    text = start(*CLIENT, variables, "produce", "orders", 1).finish(30, status=None)
    assert "Error 401" in text and "User is not authenticated" in text


def test_s3_token_is_refused_on_another_workspace(make_workspace, start):
    own, other = make_workspace(), make_workspace()
    variables = {**own.quix(), "Quix__Workspace__Id": other.id}
    text = start(*CLIENT, variables, "produce", "orders", 1).finish(30, status=None)
    assert "Error 403" in text and own.id in text
    assert other.topics() == {}
