"""Each snippet of Topics → Broker settings, run as it is copied from the page.

Two are not run, because what they need cannot be had from a package registry: C# (no .NET here) and Telegraf. Telegraf's is read
as the settings that its output plugin documents; both say on the page that they are not run.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import tomli

from harness import snippets, venvs
from harness.program import Program
from harness.server import environment

REPOSITORY = Path(__file__).resolve().parents[2]
SLOTS = ["current", "next"]
HELLO = """
from quixstreams import Application
app = Application(loglevel="WARNING")
topic = app.topic("hello")
with app.get_producer() as producer:
    producer.produce(topic=topic.name, key="key", value="{}")
print("sent to", topic.name)
"""


def shell(text, directory, timeout=60):
    """Pastes the text into a shell."""
    done = subprocess.run(
        ["bash", "-eu"],
        input=text,
        cwd=directory,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def python(tmp_path):
    """Runs a text as a program of an environment, without any variable set."""
    programs = []

    def run(venv, text, timeout=60, variables=None):
        script = tmp_path / "snippet.py"
        script.write_text(text)
        programs.append(Program(venvs.ensure(venv), script, [], variables or {}, tmp_path))
        return programs[-1].finish(timeout)

    yield run
    for program in programs:
        program.kill()


def test_every_snippet_of_the_page_is_tested_here():
    run = {"export", "dotenv", "python", "python-client", "rust", "curl", "kcat"}
    assert set(snippets.LIST) == run | {"csharp", "telegraf"}
    for name in ("csharp", "telegraf"):
        assert "Not run by Twinkey's own tests" in snippets.LIST[name]["note"]


@pytest.mark.parametrize("slot", SLOTS)
def test_s5_export_makes_a_shell_ready(workspace, tmp_path, slot):
    (tmp_path / "hello.py").write_text(HELLO)
    text = snippets.snippet("export", workspace, slot=slot)
    assert f"sent to {workspace.id}-hello" in shell(f"{text}\n{venvs.ensure('quixstreams')} hello.py\n", tmp_path)


def test_s5_dotenv_holds_plain_lines(workspace, python):
    """As `docker run --env-file` reads them: no quotes, no export."""
    lines = snippets.snippet("dotenv", workspace).splitlines()
    variables = dict(line.split("=", 1) for line in lines)
    assert variables["Quix__Sdk__Token"] == workspace.token()
    assert f"sent to {workspace.id}-hello" in python("quixstreams", HELLO, variables=variables)


@pytest.mark.parametrize("slot", SLOTS)
def test_s5_python_sends_and_receives(workspace, python, slot):
    assert "Hello from Python" in python("quixstreams", snippets.snippet("python", workspace, slot=slot))


def test_s5_python_client_sends_and_receives(workspace, python):
    text = python("quixstreams-0.5.7", snippets.snippet("python-client", workspace))
    assert "hello" in text and "42" in text


@pytest.mark.timeout(900)  # librdkafka may have to be built
def test_s5_rust_sends_and_receives(workspace, tmp_path):
    """As a crate of its own; with the repository's lock file, profiles and build directory, so that little has to be built."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.rs").write_text(snippets.snippet("rust", workspace))
    manifest = '[package]\nname = "snippet"\nversion = "0.0.0"\nedition = "2024"\n\n[workspace]\n\n[dependencies]\n'
    manifest += 'anyhow = "1"\ntokio = { version = "1", features = ["full"] }\n'
    manifest += f"twinkey-client = {{ path = {json.dumps(str(REPOSITORY / 'crates' / 'client'))} }}\n"
    profiles = (REPOSITORY / "Cargo.toml").read_text().partition("[profile.dev]")
    (tmp_path / "Cargo.toml").write_text(manifest + "".join(profiles[1:]))
    (tmp_path / "Cargo.lock").write_bytes((REPOSITORY / "Cargo.lock").read_bytes())
    target = Path(os.environ["TWINKEY_BIN"]).parent.parent
    build = ["cargo", "build", "--offline", "--quiet", "--target-dir", str(target)]
    done = subprocess.run(build, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    program = Program(target / "debug" / "snippet", None, [], {}, tmp_path)
    try:
        program.wait_for(lambda _: "Hello from Rust\n" in program.output, 60)
    finally:
        program.kill()


@pytest.mark.parametrize("slot", SLOTS)
def test_s5_curl_lists_the_topics(workspace, tmp_path, slot):
    workspace.create_topic("orders")
    topics = json.loads(shell(snippets.snippet("curl", workspace, slot=slot), tmp_path))
    assert [topic["name"] for topic in topics] == ["orders"]


@pytest.mark.parametrize("slot", SLOTS)
def test_kcat_sends_and_receives(workspace, tmp_path, slot):
    workspace.create_topic("hello")
    text = snippets.snippet("kcat", workspace, slot=slot)
    assert workspace.admin.get(f"/workspaces/{workspace.id}/tokens")[slot]["principal"] in text
    assert "Hello from kcat" in shell(text, tmp_path)
    # They hold the password.
    assert (tmp_path / "kcat.conf").stat().st_mode & 0o077 == 0


def test_telegraf_has_the_settings_of_its_output_plugin(workspace):
    output = tomli.loads(snippets.snippet("telegraf", workspace))["outputs"]["quix"][0]
    assert output == {
        "url": workspace.admin.url,
        "workspace": workspace.id,
        "topic": "hello",
        "token": workspace.token(),
    }
