"""The original QuixStreamingClient (quixstreams 0.5.7): everything that a stream can carry, told to the nanosecond."""

import sys
import threading
from datetime import datetime, timezone

import quixstreams as qx

from report import report

START = 1_700_000_000_123_456_789


def produce(name):
    producer = qx.QuixStreamingClient().get_topic_producer(name)
    with producer:
        stream = producer.create_stream("python-stream")
        stream.properties.name, stream.properties.location = "From Python", "/a/b"
        stream.properties.metadata["rig"] = "7"
        stream.properties.parents.append("parent")
        stream.properties.time_of_recording = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
        stream.properties.flush()
        stream.timeseries.add_definition("number", "Number").set_unit("kg")
        stream.timeseries.flush()
        data = qx.TimeseriesData()
        row = data.add_timestamp_nanoseconds(START)
        row.add_value("number", 1.5).add_value("text", "één").add_value("bytes", b"\x00\x01\xff").add_tag("tag", "v")
        data.add_timestamp_nanoseconds(START + 1).add_value("number", 2)
        stream.timeseries.publish(data)
        large = qx.TimeseriesData()
        large.add_timestamp_nanoseconds(START + 2).add_value("text", "x" * 2_500_000)
        stream.timeseries.publish(large)
        stream.events.add_timestamp_nanoseconds(START + 3).add_value("finished", "yes").add_tag("t", "x").publish()
        stream.events.flush()
        stream.close(qx.StreamEndType.Aborted)
    report("produced")


def consume(name, group):
    """Keeps what the first stream says until it ends."""
    seen, done = {"rows": [], "events": [], "properties": {}, "definitions": [], "end": None}, threading.Event()
    consumer = qx.QuixStreamingClient().get_topic_consumer(
        name, consumer_group=group, auto_offset_reset=qx.AutoOffsetReset.Earliest
    )

    def shown(value):
        if value.type == qx.ParameterValueType.Numeric:
            return value.numeric_value
        if value.type == qx.ParameterValueType.Binary:
            return list(value.binary_value)
        return len(value.string_value) if len(value.string_value) > 1000 else value.string_value

    def on_data(stream, data):
        for row in data.timestamps:
            # A value that is not there has a type all the same, and raises when it is asked for.
            present = {name: value for name, value in row.parameters.items() if hasattr(value, "value")}
            present = {name: value for name, value in present.items() if value.value is not None}
            values = {name: shown(value) for name, value in present.items()}
            tags = {name: value for name, value in row.tags.items() if value is not None}
            seen["rows"].append({"timestamp": row.timestamp_nanoseconds, "values": values, "tags": tags})

    def on_event(stream, event):
        seen["events"].append([event.timestamp_nanoseconds, event.id, event.value, dict(event.tags)])

    def on_properties(stream):
        properties = stream.properties
        seen["properties"] = {
            "Name": properties.name,
            "Location": properties.location,
            "Metadata": dict(properties.metadata.items()),
            "Parents": list(properties.parents),
            "TimeOfRecording": properties.time_of_recording.isoformat(),
        }

    def on_definitions(stream):
        seen["definitions"] = [[it.id, it.name, it.unit] for it in stream.timeseries.definitions]

    def on_closed(stream, end_type):
        seen["end"] = f"{stream.stream_id}/{end_type.name}"
        done.set()

    def on_stream(stream):
        stream.timeseries.on_data_received = on_data
        stream.timeseries.on_definitions_changed = on_definitions
        stream.events.on_data_received = on_event
        stream.properties.on_changed = on_properties
        stream.on_stream_closed = on_closed

    consumer.on_stream_received = on_stream
    consumer.subscribe()
    complete = done.wait(30)
    consumer.dispose()
    report("consumed", complete=complete, **seen)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
