"""A service as people write them: reads and writes topics of its workspace, knows nothing but its token.

service.py NAME produce TOPIC [PER_SECOND] | service.py NAME consume TOPIC
"""

import sys
import time

from quixstreams import Application

name, what, topic_name = sys.argv[1:4]
app = Application(
    consumer_group=name,
    auto_offset_reset="earliest",
    loglevel="WARNING",
    producer_extra_config={"client.id": name},
    consumer_extra_config={"client.id": name},
)
topic = app.topic(topic_name)

if what == "produce":
    pause = 1 / float(sys.argv[4] if len(sys.argv) > 4 else 5)
    with app.get_producer() as producer:
        number = 0
        while True:
            number += 1
            message = topic.serialize(key=name, value={"number": number, "from": name})
            producer.produce(topic=topic.name, key=message.key, value=message.value)
            time.sleep(pause)
else:
    app.dataframe(topic).update(lambda value: print(value, flush=True))
    app.run()
