"""Fixtures: one server for the whole run, a fresh workspace for each test, client programs that never outlive their test."""

import itertools
import os
from pathlib import Path

import pytest

from harness import venvs
from harness.api import Workspace
from harness.program import CLIENTS, Program
from harness.server import Server


def pytest_configure():
    if not os.environ.get("TWINKEY_BIN"):
        pytest.exit("set TWINKEY_BIN to the twinkey binary, or use compat/run", returncode=2)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share: they keep apart by their workspaces."""
    running = Server(tmp_path_factory.mktemp("server") / "data")
    yield running
    assert running.stop() == 0, running.log_tail()
    assert "panicked" not in running.log.read_text(errors="replace"), running.log_tail()


numbers = itertools.count(1)


@pytest.fixture
def make_workspace(server):
    """Makes a workspace. The ids are prefix-free by their form."""
    return lambda: Workspace(server.admin, f"compat-{next(numbers):03}")


@pytest.fixture
def workspace(make_workspace):
    return make_workspace()


@pytest.fixture
def start(tmp_path):
    """Starts a client: start("quixstreams", "quix_app.py", variables, "produce", "orders"). Its working directory is fresh."""
    programs = []

    def start_program(venv, script, variables, *arguments):
        directory = tmp_path / f"program-{len(programs)}"
        directory.mkdir()
        script = CLIENTS / script
        program = Program(venvs.ensure(venv), script, [str(it) for it in arguments], variables, directory)
        programs.append(program)
        return program

    yield start_program
    for program in programs:
        program.kill()


@pytest.fixture
def rust(tmp_path):
    """Runs the Rust client's program for this suite to its end and returns it: rust(variables, "produce-rows", "orders", 20).

    It is the example `interop` of crates/client, which cargo builds beside the binary under test."""
    binary = Path(os.environ["TWINKEY_BIN"]).parent / "examples" / "interop"
    assert binary.exists(), f"{binary} is missing: cargo build -p twinkey-client --example interop"
    programs = itertools.count()

    def run_program(variables, *arguments, timeout=60):
        directory = tmp_path / f"rust-{next(programs)}"
        directory.mkdir()
        program = Program(binary, None, [str(it) for it in arguments], variables, directory)
        program.finish(timeout)
        return program

    return run_program


@pytest.fixture
def run(start):
    """Runs a client to its end and returns the finished program; it must succeed."""

    def run_program(*arguments, timeout=60):
        program = start(*arguments)
        program.finish(timeout)
        return program

    return run_program
