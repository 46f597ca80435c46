"""Hello from quixstreams (3.x): produce a few messages and read them back, knowing nothing but a token.

    pip install quixstreams
    eval "$(twinkey env demo)"
    python examples/hello_quix.py

There is no broker address, no certificate and no credential in here: the library reads Quix__Sdk__Token and
Quix__Portal__Api from the environment and asks the API for everything else.
"""

import os
import sys
import uuid

try:
    from quixstreams import Application
except ImportError:
    sys.exit("This example needs the client library: pip install quixstreams")
if not (os.environ.get("Quix__Sdk__Token") and os.environ.get("Quix__Portal__Api")):
    sys.exit('Set Quix__Sdk__Token and Quix__Portal__Api first: eval "$(twinkey env demo)"')

COUNT = 5
run = uuid.uuid4().hex[:8]  # tells this run's messages from those of earlier ones

app = Application(consumer_group="hello-quix", auto_offset_reset="earliest", loglevel="WARNING")
topic = app.topic("hello-quix")

with app.get_producer() as producer:
    for number in range(1, COUNT + 1):
        message = topic.serialize(key=run, value={"run": run, "number": number, "text": "Hello, stream!"})
        producer.produce(topic=topic.name, key=message.key, value=message.value)
print(f"Sent {COUNT} messages to the topic '{topic.name}'.")

seen = []


def show(value: dict) -> None:
    if value["run"] == run:
        seen.append(value["number"])
        print(f"  received #{value['number']}: {value['text']}")
        if len(seen) == COUNT:
            app.stop()


app.dataframe(topic).update(show)
app.run(timeout=20)

if seen != list(range(1, COUNT + 1)):
    sys.exit(f"Expected the {COUNT} messages in order, but saw {seen}.")
print("All of them came back. The token was all it took.")
