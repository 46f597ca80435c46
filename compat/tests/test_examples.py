"""The examples as they stand, with what `twinkey env` prints and nothing else."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from harness.server import environment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HELLO = [("quixstreams", "hello_quix.py"), ("quixstreams-0.5.7", "hello_streaming_client.py")]
IDS = [name for name, _ in HELLO]


def printed(server):
    command = [os.environ["TWINKEY_BIN"], "env", "demo", "--format", "json", "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, check=True, env=environment(), stdout=subprocess.PIPE, timeout=30)
    return json.loads(done.stdout)


@pytest.mark.parametrize("venv, example", HELLO, ids=IDS)
def test_s5_example_streams_with_the_printed_environment(server, start, venv, example):
    variables = printed(server)
    for _ in range(2):  # a second run in the same workspace too
        text = start(venv, EXAMPLES / example, variables).finish(30)
        assert "Sent 5" in text and "came back" in text


@pytest.mark.parametrize("venv, example", HELLO, ids=IDS)
def test_example_without_the_variables_says_what_to_do(start, venv, example):
    text = start(venv, EXAMPLES / example, {}).finish(30, status=1)
    assert text.splitlines()[-1].endswith('eval "$(twinkey env demo)"')


@pytest.mark.parametrize("venv, example", HELLO, ids=IDS)
def test_example_without_the_library_says_what_to_install(start, venv, example):
    text = start("suite", EXAMPLES / example, {}).finish(30, status=1)
    assert len(text.splitlines()) == 1 and "pip install" in text


@pytest.mark.parametrize("example", [name for _, name in HELLO])
def test_example_holds_no_broker_setting_certificate_or_credential(example):
    code = (EXAMPLES / example).read_text().split('"""', 2)[2]
    for word in ("broker_address", "bootstrap", "sasl", "ssl", "certificate", "password", "sdk-"):
        assert word not in code.lower(), word
