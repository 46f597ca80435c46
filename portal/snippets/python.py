from quixstreams import Application

app = Application(
    quix_sdk_token="{{token}}",
    quix_portal_api="{{portalApi}}",
    consumer_group="hello",
    auto_offset_reset="earliest",
)
topic = app.topic("{{topic}}")

with app.get_producer() as producer:
    message = topic.serialize(key="greeting", value={"text": "Hello from Python"})
    producer.produce(topic=topic.name, key=message.key, value=message.value)

# Prints what comes for ten seconds; without the timeout it never ends.
app.dataframe(topic).print()
app.run(timeout=10)
