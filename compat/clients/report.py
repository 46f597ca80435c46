"""How a client program tells the test what it sees."""

import json
import sys
import threading

lock = threading.Lock()


def report(event, **details):
    with lock:
        sys.stdout.write("@ " + json.dumps({"event": event, **details}) + "\n")
        sys.stdout.flush()


def stop_requested():
    """An event that is set when the test says stop (or is gone)."""
    requested = threading.Event()

    def wait():
        sys.stdin.readline()
        requested.set()

    threading.Thread(target=wait, daemon=True).start()
    return requested
