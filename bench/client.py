"""One measurement with confluent-kafka, the same for every broker: `client.py produce|consume|latency SETTINGS TOPIC COUNT`.

SETTINGS is a JSON file with what librdkafka needs to connect. Prints one JSON object. `ready` waits for the first
authenticated answer, `create` and `delete` are for the topic.
"""

import json
import os
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS, SIZE = 4, 1024
mode, settings_file, topic, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
settings = json.load(open(settings_file))
# Random bytes, so that nothing on the way can make them smaller.
payload = os.urandom(SIZE)


def delivered(error, _message):
    if error:
        sys.exit(f"not delivered: {error}")


def produce():
    producer = Producer({**settings, "acks": "all", "linger.ms": 5, "queue.buffering.max.messages": 200_000})
    producer.list_topics(topic, timeout=30)
    began = time.monotonic()
    for number in range(count):
        while True:
            try:
                producer.produce(topic, payload, partition=number % PARTITIONS, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.01)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(120):
        sys.exit("not everything was delivered in time")
    return {"megabytes_per_second": count * SIZE / 1e6 / (time.monotonic() - began)}


def consume():
    consumer = Consumer({**settings, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    read, began, limit = 0, None, time.monotonic() + 120
    while read < count:
        messages = consumer.consume(1000, timeout=1)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        if messages and began is None:  # from here on: connecting is not what is measured
            began, first = time.monotonic(), len(messages)
        read += len(messages)
        if time.monotonic() > limit:
            sys.exit(f"only {read} of {count} messages came")
    took = time.monotonic() - began
    consumer.close()
    return {"megabytes_per_second": (count - first) * SIZE / 1e6 / took}


def latency():
    """One message at a time, from the call to the acknowledgement."""
    producer = Producer({**settings, "acks": "all", "linger.ms": 0})
    producer.list_topics(topic, timeout=30)
    times = []
    for number in range(count + 100):
        began = time.perf_counter()
        producer.produce(topic, payload, partition=number % PARTITIONS, on_delivery=delivered)
        while len(producer):
            producer.poll(0.1)
        times.append(time.perf_counter() - began)
    times = sorted(times[100:])  # without the first ones, which warm up
    return {"p50": times[len(times) // 2] * 1e3, "p99": times[len(times) * 99 // 100] * 1e3}


def ready():
    """Seconds since the epoch at which the broker first answered an authenticated request."""
    quick = {"reconnect.backoff.ms": 5, "reconnect.backoff.max.ms": 20, "log_level": 0, "error_cb": lambda _: None}
    admin = AdminClient({**settings, **quick})
    for _ in range(600):
        try:
            admin.list_topics(timeout=1)
            return {"at": time.time()}
        except KafkaException:
            pass
    sys.exit("the broker was not ready in time")


def create():
    list(AdminClient(settings).create_topics([NewTopic(topic, PARTITIONS)]).values())[0].result(30)
    return {}


def delete():
    list(AdminClient(settings).delete_topics([topic]).values())[0].result(30)
    return {}


print(json.dumps(globals()[mode]()))
