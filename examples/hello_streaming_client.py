"""Hello from the original QuixStreamingClient (quixstreams 0.5.7): send time series and an event, and read them back.

    python3.11 -m venv hello && . hello/bin/activate      # 0.5.7 needs Python 3.11 or older
    pip install "quixstreams==0.5.7" "numpy<1.25"
    eval "$(twinkey env demo)"
    python examples/hello_streaming_client.py

There is no broker address, no certificate and no credential in here: QuixStreamingClient() reads Quix__Sdk__Token and
Quix__Portal__Api from the environment and asks the API for everything else.
"""

import os
import sys
import threading
import uuid
from datetime import datetime, timezone

try:
    import quixstreams as qx

    qx.QuixStreamingClient
except (ImportError, AttributeError):
    sys.exit('This example needs the original client library: pip install "quixstreams==0.5.7" "numpy<1.25"')
if not (os.environ.get("Quix__Sdk__Token") and os.environ.get("Quix__Portal__Api")):
    sys.exit('Set Quix__Sdk__Token and Quix__Portal__Api first: eval "$(twinkey env demo)"')

COUNT = 5
stream_id = "hello-" + uuid.uuid4().hex[:8]  # tells this run's stream from those of earlier ones

client = qx.QuixStreamingClient()

producer = client.get_topic_producer("hello-streaming")
with producer:
    stream = producer.create_stream(stream_id)
    for number in range(1, COUNT + 1):
        stream.timeseries.buffer.add_timestamp(datetime.now(timezone.utc)).add_value("number", number).publish()
    stream.timeseries.flush()
    stream.events.add_timestamp(datetime.now(timezone.utc)).add_value("greeting", "Hello, stream!").publish()
    stream.events.flush()
    stream.close()
print(f"Sent {COUNT} values and an event in the stream '{stream_id}'.")

numbers, greetings = [], []
done = threading.Event()


def check() -> None:
    if len(numbers) == COUNT and greetings:
        done.set()


def on_data(stream, data) -> None:
    for timestamp in data.timestamps:
        numbers.append(int(timestamp.parameters["number"].numeric_value))
        print(f"  received value {numbers[-1]}")
    check()


def on_event(stream, event) -> None:
    greetings.append(event.value)
    print(f"  received event: {event.value}")
    check()


def on_stream(stream) -> None:
    if stream.stream_id == stream_id:
        stream.timeseries.on_data_received = on_data
        stream.events.on_data_received = on_event


consumer = client.get_topic_consumer(
    "hello-streaming", consumer_group="hello-streaming", auto_offset_reset=qx.AutoOffsetReset.Earliest
)
with consumer:
    consumer.on_stream_received = on_stream
    consumer.subscribe()
    complete = done.wait(timeout=30)

if not complete or sorted(numbers) != list(range(1, COUNT + 1)):
    sys.exit(f"Expected {COUNT} values and an event, but saw {numbers} and {greetings}.")
print("All of it came back. The token was all it took.")
