"""The newest quixstreams: one small program for each thing that its users do. It knows only the Quix variables."""

import itertools
import logging
import sys
import threading
import time

from quixstreams import Application
from quixstreams.models import TopicConfig

from report import report, stop_requested

QUIET = 20  # seconds without a message after which a program gives up; the test then says what is missing


class Reporter(logging.Handler):
    def emit(self, record):
        report("log", level=record.levelname, text=record.getMessage())


def application(group="compat", **options):
    app = Application(consumer_group=group, auto_offset_reset="earliest", loglevel="INFO", **options)
    logging.getLogger("quixstreams").addHandler(Reporter(level=logging.WARNING))
    return app


def topic_of(app, name, partitions=1):
    # The library waits until the API lists the topic as ready.
    return app.topic(name, config=TopicConfig(num_partitions=partitions, replication_factor=1))


def produce(name, count, start=0, partitions=1):
    """Numbered messages over five keys and three customers."""
    app = application()
    topic = topic_of(app, name, int(partitions))
    with app.get_producer() as producer:
        for number in range(int(start), int(start) + int(count)):
            value = {"number": number, "customer": f"customer-{number % 3}"}
            message = topic.serialize(key=f"key-{number % 5}", value=value)
            producer.produce(topic=topic.name, key=message.key, value=message.value)
    report("produced", topic=topic.name)


def stop_after(app, count):
    seen = itertools.count(1)
    return lambda *_: app.stop() if next(seen) == int(count) else None


def consume(name, group, count):
    app = application(group)
    topic = topic_of(app, name)
    stop = stop_after(app, count)
    frame = app.dataframe(topic)
    frame.update(lambda value: report("value", **value)).update(stop)
    app.run(timeout=QUIET)


def increment(value, state):
    count = state.get("count", 0) + 1
    state.set("count", count)
    return {"number": value["number"], "count": count}


def count_by_key(name, group, count):
    """A state per key, which needs a changelog topic."""
    app = application(group)
    frame = app.dataframe(topic_of(app, name))
    frame = frame.apply(increment, stateful=True)
    frame.update(lambda value, key, *_: report("count", key=key.decode(), **value), metadata=True)
    frame.update(stop_after(app, count))
    app.run(timeout=QUIET)


def count_by_customer(name, group, count):
    """Grouping by another key than the message's, which needs a repartition topic and the changelog of that."""
    app = application(group)
    frame = app.dataframe(topic_of(app, name)).group_by("customer")
    frame = frame.apply(increment, stateful=True)
    frame.update(lambda value, key, *_: report("count", key=key, **value), metadata=True)
    frame.update(stop_after(app, count))
    app.run(timeout=QUIET)


def stream(name, group):
    """Produces and consumes until it is told to stop, and goes on until all that was acknowledged was seen."""
    app = application(group, commit_interval=0.5)
    topic = topic_of(app, name)
    stop, acknowledged, seen = stop_requested(), [], []

    def delivered(error, message):
        if error is None:
            acknowledged.append(int(message.key()))
        else:
            report("refused", text=str(error))

    def send():
        with app.get_producer() as producer:
            for number in itertools.count():
                if stop.is_set():
                    break
                message = topic.serialize(key=str(number), value={"number": number, "customer": "x"})
                producer.produce(topic=topic.name, key=message.key, value=message.value, on_delivery=delivered)
                producer.poll(0)
                time.sleep(0.005)
        deadline = time.monotonic() + QUIET
        while len(seen) < len(acknowledged) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)  # a duplicate would come now
        app.stop()

    def note(value):
        seen.append(value["number"])
        if len(seen) % 100 == 0:
            report("streaming", seen=len(seen))

    app.dataframe(topic).update(note)
    sender = threading.Thread(target=send)
    sender.start()
    app.run()
    sender.join()
    report("streamed", acknowledged=acknowledged, seen=seen)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
