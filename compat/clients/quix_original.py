"""The original QuixStreamingClient (quixstreams 0.5.7): time series and events. It knows only the Quix variables."""

import itertools
import sys
import threading
import time
from datetime import datetime, timezone

import quixstreams as qx

from report import report, stop_requested


def send_numbers(stream, numbers):
    for number in numbers:
        row = stream.timeseries.buffer.add_timestamp(datetime.now(timezone.utc))
        row.add_value("number", number).add_value("text", f"value {number}").publish()
    stream.timeseries.flush()


def produce(name, count):
    producer = qx.QuixStreamingClient().get_topic_producer(name)
    with producer:
        stream = producer.create_stream("compat")
        send_numbers(stream, range(int(count)))
        stream.events.add_timestamp(datetime.now(timezone.utc)).add_value("finished", "yes").publish()
        stream.events.flush()
        stream.close()
    report("produced")


def consume(name, group, count):
    """`-` stands for no group."""
    seen, done = {"numbers": [], "events": []}, threading.Event()

    def note(kind, value):
        seen[kind].append(value)
        if len(seen["numbers"]) >= int(count) and seen["events"]:
            done.set()

    consumer = subscribed(name, group, lambda number: note("numbers", number), lambda event: note("events", event))
    complete = done.wait(30)
    consumer.dispose()
    report("consumed", complete=complete, **seen)


def stream(name, group):
    """Produces and consumes until it is told to stop, and goes on until all that it sent was seen."""
    stop, seen = stop_requested(), []
    consumer = subscribed(name, group, seen.append, lambda event: None)
    producer = qx.QuixStreamingClient().get_topic_producer(name)
    sending = producer.create_stream("compat")
    for number in itertools.count():
        if stop.is_set():
            break
        send_numbers(sending, [number])
        if seen and number % 100 == 0:
            report("streaming", seen=len(seen))
        time.sleep(0.005)
    producer.flush()
    deadline = time.monotonic() + 20
    while len(seen) < number and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)  # a duplicate would come now
    consumer.dispose()
    producer.dispose()
    report("streamed", acknowledged=list(range(number)), seen=seen)


def subscribed(name, group, on_number, on_event):
    group = None if group == "-" else group
    consumer = qx.QuixStreamingClient().get_topic_consumer(
        name, consumer_group=group, auto_offset_reset=qx.AutoOffsetReset.Earliest
    )

    def on_data(stream, data):
        for row in data.timestamps:
            number = int(row.parameters["number"].numeric_value)
            assert row.parameters["text"].string_value == f"value {number}"
            on_number(number)

    def on_stream(stream):
        stream.timeseries.on_data_received = on_data
        stream.events.on_data_received = lambda _, event: on_event(f"{event.id}={event.value}")

    consumer.on_stream_received = on_stream
    consumer.subscribe()
    return consumer


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
