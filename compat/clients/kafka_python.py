"""kafka-python: sign in with the mechanism of the variable KAFKA, produce, consume in a group, resume."""

import json
import os
import ssl
import sys

from kafka import KafkaConsumer, KafkaProducer

from report import report

SETTINGS = json.loads(os.environ["KAFKA"])
CONNECTION = {
    "bootstrap_servers": SETTINGS["bootstrap.servers"],
    "security_protocol": "SASL_SSL",
    "sasl_mechanism": SETTINGS["sasl.mechanism"],
    "sasl_plain_username": SETTINGS["sasl.username"],
    "sasl_plain_password": SETTINGS["sasl.password"],
    "ssl_context": ssl.create_default_context(cadata=SETTINGS["ssl.ca.pem"]),
}


def main(topic, group):
    producer = KafkaProducer(acks="all", **CONNECTION)
    places = [producer.send(topic, str(number).encode(), key=b"key").get(20) for number in range(20)]
    assert [it.offset for it in places] == list(range(20))
    producer.close()
    report("consumed", first=read(topic, group, 12), second=read(topic, group, 8))


def read(topic, group, count):
    options = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    consumer = KafkaConsumer(topic, max_poll_records=1, consumer_timeout_ms=20000, **options, **CONNECTION)
    values = []
    for message in consumer:
        values.append(int(message.value))
        if len(values) == count:
            break
    consumer.commit()
    consumer.close()
    return values


if __name__ == "__main__":
    main(*sys.argv[1:])
