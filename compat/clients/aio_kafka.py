"""aiokafka: sign in with the mechanism of the variable KAFKA, produce, consume in a group, resume."""

import asyncio
import json
import os
import ssl
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from report import report

SETTINGS = json.loads(os.environ["KAFKA"])


def connection():
    return {
        "bootstrap_servers": SETTINGS["bootstrap.servers"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": SETTINGS["sasl.mechanism"],
        "sasl_plain_username": SETTINGS["sasl.username"],
        "sasl_plain_password": SETTINGS["sasl.password"],
        "ssl_context": ssl.create_default_context(cadata=SETTINGS["ssl.ca.pem"]),
    }


async def main(topic, group):
    async with AIOKafkaProducer(enable_idempotence=True, **connection()) as producer:
        places = [await producer.send_and_wait(topic, str(number).encode(), key=b"key") for number in range(20)]
    assert [it.offset for it in places] == list(range(20))
    report("consumed", first=await read(topic, group, 12), second=await read(topic, group, 8))


async def read(topic, group, count):
    options = {"group_id": group, "auto_offset_reset": "earliest", "enable_auto_commit": False}
    async with AIOKafkaConsumer(topic, **options, **connection()) as consumer:
        values = [int((await asyncio.wait_for(consumer.getone(), 20)).value) for _ in range(count)]
        await consumer.commit()
        return values


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
