"""What the benches share: programs and packages, a Twinkey server of their own, tables."""

import base64
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "twinkey"
KAFKA = Path(os.environ.get("TWINKEY_KAFKA", ROOT / "scripts" / "kafka" / "kafka"))


def stop_with(message):
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def need(**packages):
    """Programs by the Debian package that has them: installed if we are root, else one line says what is missing."""
    missing = sorted({package for program, package in packages.items() if not which(program)})
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        stop_with("missing: " + ", ".join(missing) + " (sudo apt-get install " + " ".join(missing) + ")")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    subprocess.run(["apt-get", "update", "-qq"], **quiet)
    if subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing], **quiet).returncode:
        stop_with("apt-get could not install " + " ".join(missing))


def which(program):
    """Like the shell's, but looks where Debian puts servers too, which not every user has in PATH."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def build():
    """Builds the server and the filler in release mode; the directory they are in."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    packages = ["-p", "twinkey", "-p", "twinkey-bench-fill"]
    subprocess.run(["cargo", "build", "--release", "--quiet", *packages], cwd=ROOT, check=True)
    return target / "release"


def kafka(*arguments, **options):
    """The script that fetches and starts a real Apache Kafka."""
    if not KAFKA.exists():
        stop_with(f"there is no {KAFKA}; set TWINKEY_KAFKA to the script that starts Apache Kafka")
    need(java="default-jre-headless", mvn="maven", openssl="openssl")
    return subprocess.run([KAFKA, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL, **options)


def kafka_settings(directory):
    """How librdkafka reaches the node that `kafka start` started there."""
    lines = (line.split("=", 1) for line in (directory / "env").read_text().splitlines())
    env = {key: value for key, value in lines}
    return {
        "bootstrap.servers": env["KAFKA_BOOTSTRAP"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": env["KAFKA_ADMIN_USER"],
        "sasl.password": env["KAFKA_ADMIN_PASSWORD"],
        "ssl.ca.location": env["KAFKA_CA"],
    }


def python_with_confluent_kafka():
    """An interpreter with the newest confluent-kafka, in a virtual environment outside the checkout; made once."""
    environment = CACHE / "venvs" / "bench"
    python = environment / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--upgrade", "confluent-kafka"], check=True)
    except subprocess.CalledProcessError:
        stop_with(f"cannot make {environment} with confluent-kafka (python3-venv and a package index are needed)")
    return python


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Postgres:
    """A PostgreSQL server on a free port, from Debian's packages. Use it in a `with`, so that it stops whatever happens."""

    def __init__(self, directory):
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda it: int(it.parent.name))
        if not installed:
            need(**{"pg_ctlcluster": "postgresql"})
            installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        # It refuses to run as root; then it runs as the user of its package.
        self.user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        self.programs, self.directory, self.port = installed[-1], Path(directory), free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self):
        self.directory.mkdir()
        if self.user:
            shutil.chown(self.directory, self.user["user"], self.user["group"])
        # Whoever runs the bench may not let others into the directory above.
        options = {"cwd": self.directory, "stdout": subprocess.DEVNULL, **self.user}
        init = ["initdb", "-D", self.directory / "data", "-U", "postgres", "--auth=trust", "--no-sync"]
        subprocess.run([self.programs / init[0], *init[1:]], check=True, **options)
        settings = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.directory}"]
        arguments = [part for setting in [*settings, "max_connections=200"] for part in ("-c", setting)]
        log = {**options, "stderr": open(self.directory.with_suffix(".log"), "w")}
        self.process = subprocess.Popen([self.programs / "postgres", "-D", self.directory / "data", *arguments], **log)
        probe = [self.programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        while subprocess.run(probe).returncode:
            if time.monotonic() > deadline or self.process.poll() is not None:
                stop_with("PostgreSQL did not start: " + self.directory.with_suffix(".log").read_text())
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


class Twinkey:
    """A server on free ports. Use it in a `with`, so that it stops whatever happens. `settings` are further variables."""

    def __init__(self, binaries, data_dir, settings=None):
        self.binary, self.data_dir, self.process = binaries / "twinkey", Path(data_dir), None
        self.settings = settings or {}

    def start(self):
        """Starts; returns the seconds until the API answered its first authenticated request."""
        endpoints, began = self.data_dir / "endpoints.json", time.monotonic()
        endpoints.unlink(missing_ok=True)
        listen = ["--listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", "--data-dir", self.data_dir]
        self.process = subprocess.Popen(
            [self.binary, "serve", *listen],
            stdout=subprocess.DEVNULL,
            stderr=open(self.data_dir.with_suffix(".log"), "a"),
            env={**os.environ, "TWINKEY_LOG": "warn", **self.settings},
        )
        while not endpoints.exists():
            if self.process.poll() is not None:
                stop_with("the server did not start: " + self.data_dir.with_suffix(".log").read_text())
            if time.monotonic() - began > 120:
                stop_with("the server was not ready after 120 s")
            time.sleep(0.001)
        self.url = json.loads(endpoints.read_text())["url"].replace("localhost", "127.0.0.1")
        self.get("/profile")
        return time.monotonic() - began

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    __enter__ = lambda self: self

    def __exit__(self, *_):
        self.stop()

    @property
    def admin(self):
        """The personal access token of the local command line."""
        return json.loads((self.data_dir / "cli.json").read_text())["token"]

    def get(self, path, token=None, method="GET", body=None):
        headers = {"Authorization": "Bearer " + (token or self.admin)}
        data = None if body is None else json.dumps(body).encode()
        if data:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def post(self, path, body):
        """The JSON answer to a JSON body."""
        return json.loads(self.get(path, method="POST", body=body))

    def token(self, workspace="demo"):
        """Token 1 of a workspace."""
        return json.loads(self.get(f"/workspaces/{workspace}/tokens/current/reveal", method="POST"))["value"]

    def broker_settings(self, workspace="demo"):
        """What a program with nothing but Token 1 is told, as librdkafka takes it."""
        settings = json.loads(self.get(f"/workspaces/{workspace}/broker/librdkafka", self.token(workspace)))
        ca = self.data_dir / "bench-ca.pem"
        ca.write_bytes(base64.b64decode(settings.pop("ssl.ca.cert")))
        return {**settings, "ssl.ca.location": str(ca)}


def cpu_seconds(pids):
    """Processor time that these processes have used so far, all threads."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def table(header, rows):
    """Left-aligned names, right-aligned figures."""
    rows = [header, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))]
        print("  ".join(cells).rstrip(), flush=True)


def spread(values, form="{:.0f}"):
    """Median, with the least and the greatest in brackets."""
    return f"{form.format(statistics.median(values))} [{form.format(min(values))}–{form.format(max(values))}]"
