import os
import time
from datetime import datetime, timezone

# Before the import: the library reads where the API is when it is loaded.
os.environ["Quix__Portal__Api"] = "{{portalApi}}"

import quixstreams as qx


def on_data(stream, data):
    for row in data.timestamps:
        print(stream.stream_id, row.timestamp, row.parameters["number"].numeric_value)


def on_stream(stream):
    stream.timeseries.on_data_received = on_data


client = qx.QuixStreamingClient("{{token}}")

consumer = client.get_topic_consumer("{{topic}}", "hello-client", auto_offset_reset=qx.AutoOffsetReset.Earliest)
consumer.on_stream_received = on_stream
consumer.subscribe()

producer = client.get_topic_producer("{{topic}}")
stream = producer.create_stream("hello")
stream.timeseries.buffer.add_timestamp(datetime.now(timezone.utc)).add_value("number", 42).publish()
stream.timeseries.flush()
stream.close()

# Prints what comes for ten seconds.
time.sleep(10)
producer.dispose()
consumer.dispose()
