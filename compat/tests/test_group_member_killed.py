"""Two members of a group; one is killed with SIGKILL, in the middle of a stream."""

CLIENT = ("confluent-kafka", "confluent.py")
PARTITIONS = [0, 1, 2, 3]


def test_survivor_takes_over_and_nothing_acknowledged_is_lost(workspace, start):
    topic, group = workspace.create_topic("orders", len(PARTITIONS)), f"{workspace.id}-workers"
    feed = start(*CLIENT, workspace.kafka(), "feed", topic)
    killed, survivor = (start(*CLIENT, workspace.kafka(), "member", topic, group) for _ in range(2))

    def shares(events):
        assigned = [event["partitions"] for event in events if event["event"] == "assigned"]
        return assigned and len(assigned[-1]) == 2 and events[-1]["event"] == "processed"

    killed.wait_for(shares)
    survivor.wait_for(shares)
    killed.kill()
    before = len(survivor.all("assigned"))
    survivor.wait_for(lambda events: [e for e in events if e["event"] == "assigned"][before:])
    assert survivor.all("assigned")[-1]["partitions"] == PARTITIONS

    feed.tell("stop")
    acknowledged = feed.wait_for("fed")["acknowledged"]
    assert len(acknowledged) > 100

    def processed(events):
        return {number for event in events if event["event"] == "processed" for number in event["numbers"]}

    by_killed = processed(killed.all("processed"))
    survivor.wait_for(lambda events: by_killed | processed(events) >= set(acknowledged))
    survivor.tell("stop")
    survivor.finish()
