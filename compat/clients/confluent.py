"""confluent-kafka, newest and old: one small program for each thing that Kafka users do.

The connection comes from the variable KAFKA, which holds what the API answers to a token.
"""

import itertools
import json
import os
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from report import report, stop_requested

CONNECTION, PREFIX = json.loads(os.environ["KAFKA"]), os.environ["PREFIX"]
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def on_error(error):
    report("error", code=error.name(), text=error.str())


def producer(**options):
    return Producer({**CONNECTION, "error_cb": on_error, **dotted(options)})


def consumer(group, **options):
    defaults = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False, "error_cb": on_error}
    return Consumer({**CONNECTION, **defaults, **dotted(options)})


def dotted(options):
    return {name.replace("_", "."): value for name, value in options.items()}


def read(source, count, timeout=30):
    """The next `count` messages."""
    messages, deadline = [], time.monotonic() + timeout
    while len(messages) < count:
        assert time.monotonic() < deadline, f"only {len(messages)} of {count} messages within {timeout} s"
        message = source.poll(0.5)
        if message is not None:
            if message.error():
                raise KafkaException(message.error())
            messages.append(message)
    return messages


def send(topic, numbers, **options):
    """Sends and asserts that all were acknowledged; returns each one's partition and offset."""
    places, errors = {}, []

    def delivered(error, message):
        if error:
            errors.append(str(error))
        else:
            places[int(message.value())] = (message.partition(), message.offset())

    sink = producer(**options)
    for number in numbers:
        headers = [("number", str(number).encode()), ("empty", b""), ("null", None)]
        sink.produce(topic, str(number), key=f"key-{number % 7}", headers=headers, timestamp=1_700_000_000_000 + number,
                     on_delivery=delivered)
    assert sink.flush(30) == 0 and not errors, errors[:3]
    return places


def roundtrip(topic):
    """Every codec; what comes back is what was sent, at the place that the acknowledgement named."""
    places = {}
    for index, codec in enumerate(CODECS):
        places.update(send(topic, range(index * 100, index * 100 + 100), compression_type=codec, linger_ms=20))
    source = consumer(f"{PREFIX}roundtrip")
    source.subscribe([topic])
    messages = read(source, 100 * len(CODECS))
    for message in messages:
        number = int(message.value())
        assert message.key() == f"key-{number % 7}".encode()
        assert message.headers() == [("number", str(number).encode()), ("empty", b""), ("null", None)]
        assert message.timestamp()[1] == 1_700_000_000_000 + number
        assert places.pop(number) == (message.partition(), message.offset())
    assert not places
    third = source.offsets_for_times([TopicPartition(topic, 0, 1_700_000_000_000)], timeout=10)
    assert third[0].offset == 0, third
    source.close()


def idempotent(topic):
    """The idempotent producer with several batches under way: nothing lost, repeated or out of order."""
    numbers = range(2000)
    send(topic, numbers, enable_idempotence=True, batch_num_messages=50, linger_ms=1)
    source = consumer(f"{PREFIX}idempotent")
    source.subscribe([topic])
    by_partition = {}
    for message in read(source, len(numbers)):
        by_partition.setdefault(message.partition(), []).append(int(message.value()))
    assert sorted(itertools.chain(*by_partition.values())) == list(numbers)
    assert all(each == sorted(each) for each in by_partition.values())
    assert source.poll(1) is None
    source.close()


def admin(name):
    """Topics: create, list, describe, change, extend, delete."""
    client, topic = AdminClient(CONNECTION), PREFIX + name
    client.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "3600000"})])[topic].result(15)
    assert code_of(client.create_topics([NewTopic(topic, 2, 1)])[topic]) == KafkaError.TOPIC_ALREADY_EXISTS
    assert len(client.list_topics(topic, 10).topics[topic].partitions) == 2
    report("created", topic=topic)
    sys.stdin.readline()  # until the test has looked at it through the API

    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    described = client.describe_configs([resource])[resource].result(15)
    assert described["retention.ms"].value == "3600000", described["retention.ms"]
    changed = ConfigResource(ConfigResource.Type.TOPIC, topic, {"retention.ms": "7200000"})
    client.alter_configs([changed])[changed].result(15)
    described = client.describe_configs([resource])[resource].result(15)
    assert described["retention.ms"].value == "7200000", described["retention.ms"]

    client.create_partitions([NewPartitions(topic, 4)])[topic].result(15)
    assert len(client.list_topics(topic, 10).topics[topic].partitions) == 4
    assert set(client.list_topics(timeout=10).topics) == {topic}
    client.delete_topics([topic])[topic].result(15)
    assert client.list_topics(timeout=10).topics == {}
    assert len(client.list_topics(timeout=10).brokers) == 1


def groups(topic):
    """Commit and resume; the group in the listings, its offsets, and its deletion."""
    group, client = f"{PREFIX}groups", AdminClient(CONNECTION)
    send(topic, range(20))
    first = consumer(group)
    first.subscribe([topic])
    assert [int(it.value()) for it in read(first, 8)] == list(range(8))
    first.commit(asynchronous=False)
    assert first.committed([TopicPartition(topic, 0)], 10)[0].offset == 8

    listed = client.list_consumer_groups().result(15)
    assert [it.group_id for it in listed.valid] == [group] and not listed.errors
    described = client.describe_consumer_groups([group])[group].result(15)
    assert described.state.name == "STABLE" and len(described.members) == 1, vars(described)
    first.close()
    described = client.describe_consumer_groups([group])[group].result(15)
    assert described.state.name == "EMPTY" and not described.members, vars(described)

    second = consumer(group)
    second.subscribe([topic])
    assert [int(it.value()) for it in read(second, 12)] == list(range(8, 20))
    second.close()
    client.delete_consumer_groups([group])[group].result(15)
    assert client.list_consumer_groups().result(15).valid == []


def cooperative(topic):
    """Two members with the incremental assignor: the first keeps half of its partitions without a pause."""
    held, revoked = [set(), set()], []

    def member(index):
        def assigned(source, partitions):
            source.incremental_assign(partitions)
            held[index].update(it.partition for it in partitions)

        def taken(source, partitions):
            source.incremental_unassign(partitions)
            held[index].difference_update(it.partition for it in partitions)
            revoked.append((index, len(partitions)))

        source = consumer(f"{PREFIX}cooperative", partition_assignment_strategy="cooperative-sticky")
        source.subscribe([topic], on_assign=assigned, on_revoke=taken)
        return source

    def poll_until(condition, *sources):
        deadline = time.monotonic() + 40
        while not condition():
            assert time.monotonic() < deadline, (held, revoked)
            for source in sources:
                message = source.poll(0.1)
                assert message is None or message.error() is None, message.error()

    first = member(0)
    poll_until(lambda: len(held[0]) == 4, first)
    second = member(1)
    poll_until(lambda: len(held[0]) == len(held[1]) == 2, first, second)
    assert held[0] | held[1] == {0, 1, 2, 3} and revoked == [(0, 2)], (held, revoked)
    second.close()
    poll_until(lambda: len(held[0]) == 4, first)
    first.close()


def transaction():
    """Transactions are not there yet: a clear error, soon."""
    sink, started = producer(transactional_id=f"{PREFIX}compat"), time.monotonic()
    try:
        sink.init_transactions(30)
        sink.begin_transaction()
        report("accepted")
    except KafkaException as error:
        refusal = error.args[0]
        report("refused", code=refusal.name(), text=refusal.str(), seconds=time.monotonic() - started)


def code_of(future):
    try:
        future.result(15)
    except KafkaException as error:
        return error.args[0].code()
    return None


def elsewhere(topic, group):
    """Another workspace's topic and group: what each operation answers."""
    client, codes = AdminClient(CONNECTION), {}
    codes["create"] = code_of(client.create_topics([NewTopic(topic + "-x", 1, 1)])[topic + "-x"])
    codes["delete"] = code_of(client.delete_topics([topic])[topic])
    codes["describe group"] = code_of(client.describe_consumer_groups([group])[group])
    metadata = client.list_topics(topic, 10).topics[topic]
    codes["metadata"] = metadata.error.code() if metadata.error else None
    for wanted, joined, name in ((topic, PREFIX + "own", "consume"), (PREFIX + "own", group, "join")):
        source = consumer(joined)
        source.subscribe([wanted])
        deadline = time.monotonic() + 20
        while name not in codes and time.monotonic() < deadline:
            message = source.poll(0.5)
            if message is not None:
                codes[name] = message.error().code() if message.error() else None
        source.close()

    def delivered(error, message):
        codes["produce"] = error.code() if error else None

    sink = producer(message_timeout_ms=15000)
    sink.produce(topic, "0", on_delivery=delivered)
    sink.flush(20)
    report("codes", own=sorted(client.list_topics(timeout=10).topics),
           codes={name: code and KafkaError(code).name() for name, code in codes.items()})


def member(topic, group):
    """Processes, commits, and only then says what it has done; until it is told to stop, or killed."""
    stop, source = stop_requested(), consumer(group, session_timeout_ms=6000, heartbeat_interval_ms=500)

    def assigned(_, partitions):
        report("assigned", partitions=sorted(it.partition for it in partitions))

    source.subscribe([topic], on_assign=assigned)
    while not stop.is_set():
        messages = [it for it in source.consume(50, 0.2) if not it.error()]
        if messages:
            try:
                source.commit(asynchronous=False)
            except KafkaException as error:
                # A rebalance came in between; these messages come again to whoever has the partition now.
                report("commit refused", code=error.args[0].name())
                continue
            report("processed", numbers=[int(it.value()) for it in messages])
    source.close()


def end(topic):
    source = consumer(f"{PREFIX}end")
    report("end", offset=source.get_watermark_offsets(TopicPartition(topic, 0), 10)[1])
    source.close()


def feed(topic):
    """Numbered messages until it is told to stop; says which were acknowledged."""
    stop, acknowledged, sink = stop_requested(), [], producer(enable_idempotence=True)

    def delivered(error, message):
        assert error is None, error
        acknowledged.append(int(message.value()))

    for number in itertools.count():
        if stop.is_set():
            break
        sink.produce(topic, str(number), key=str(number), on_delivery=delivered)
        sink.poll(0)
        time.sleep(0.002)
    assert sink.flush(30) == 0
    report("fed", acknowledged=acknowledged)


def stream(topic, group):
    """Produces and consumes until it is told to stop, and goes on until all that was acknowledged was seen."""
    stop, sent, acknowledged, seen = stop_requested(), threading.Event(), [], []

    def delivered(error, message):
        if error is None:
            acknowledged.append(int(message.value()))
        else:
            report("refused", text=str(error))

    def send_all():
        sink = producer(enable_idempotence=True)
        for number in itertools.count():
            if stop.is_set():
                break
            sink.produce(topic, str(number), on_delivery=delivered)
            sink.poll(0)
            time.sleep(0.002)
        sink.flush(20)
        sent.set()

    threading.Thread(target=send_all, daemon=True).start()
    source = consumer(group, enable_auto_commit=True, auto_commit_interval_ms=200)
    source.subscribe([topic])
    quiet_since = time.monotonic()
    # After the last message a duplicate would come within the second that this waits on.
    while not (sent.is_set() and time.monotonic() - quiet_since > (1 if len(seen) >= len(acknowledged) else 20)):
        message = source.poll(0.1)
        if message is not None and not message.error():
            seen.append(int(message.value()))
            quiet_since = time.monotonic()
            if len(seen) % 100 == 0:
                report("streaming", seen=len(seen))
    source.close()
    report("streamed", acknowledged=acknowledged, seen=seen)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
