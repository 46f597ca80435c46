"""Virtual environments, one for each file in requirements/, made once and kept outside the checkout.

An environment's directory carries a hash of its requirements and its Python, so that changed requirements get a new one and
an unfinished one is never mistaken for a whole one (it is made under another name and renamed when it is complete).

As a program it makes all environments and prints the path of the Python that the suite itself runs in.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinkey" / "venvs"


class Unusable(Exception):
    """An environment cannot be made; one line that says what to install."""


def ensure(name: str) -> Path:
    """The Python of the environment for requirements/<name>.txt, which is made if it does not exist yet."""
    requirements = REQUIREMENTS / f"{name}.txt"
    text = requirements.read_text()
    interpreter, version = find_interpreter(name, *python_range(text))
    digest = hashlib.sha256(f"{version}\n{text}".encode()).hexdigest()[:12]
    directory = CACHE / f"{name}-{digest}"
    python = directory / "bin" / "python"
    if python.exists():
        return python

    print(f"Making the environment {name} (Python {version}) …", file=sys.stderr, flush=True)
    unfinished = CACHE / f".{directory.name}-{os.getpid()}"
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        # Only pip's own entry point carries the directory's name, and `python -m pip` does not use it: renaming is safe.
        run([interpreter, "-m", "venv", str(unfinished)], f"cannot make a virtual environment with {interpreter}")
        install = [str(unfinished / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        run(install, f"cannot install {requirements.name}")
        unfinished.rename(directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return python


def python_range(text: str):
    """The oldest and the newest Python that a requirements file names in its line `# python: 3.8-3.11`."""
    found = re.search(r"^# python: 3\.(\d+)-3\.(\d+)$", text, re.MULTILINE)
    if not found:
        raise Unusable("a requirements file without a line '# python: 3.x-3.y'")
    return int(found[1]), int(found[2])


def find_interpreter(name: str, oldest: int, newest: int):
    """The newest installed Python between two minor versions, and its version."""
    for minor in range(newest, oldest - 1, -1):
        candidates = [shutil.which(f"python3.{minor}")]
        candidates += sorted(glob.glob(str(Path.home() / f".pyenv/versions/3.{minor}.*/bin/python3")), reverse=True)
        candidates += [shutil.which("python3"), sys.executable]
        for candidate in filter(None, candidates):
            version = version_of(candidate)
            if version.startswith(f"3.{minor}."):
                return candidate, version
    raise Unusable(
        f"compat/{name} needs Python 3.{oldest} to 3.{newest} with its venv module, and none was found on PATH or under "
        f"~/.pyenv/versions: install one (for example python3.{newest} and python3.{newest}-venv)"
    )


def version_of(interpreter: str) -> str:
    # A pyenv shim exists for versions that are not active, and then only prints an error.
    code = "import platform, ssl, venv, ensurepip; print(platform.python_version())"
    return subprocess.run([interpreter, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.strip()


def run(command, problem: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Unusable(f"{problem}:\n{done.stdout[-2000:]}")


if __name__ == "__main__":
    try:
        pythons = {file.stem: ensure(file.stem) for file in sorted(REQUIREMENTS.glob("*.txt"))}
        print(pythons["suite"])
    except Unusable as error:
        sys.exit(f"compat: {error}")
