"""What several tests share: the vectors of all bindings, rows and their forms, and how to wait for a call in another process."""

import csv
import gzip
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

VECTORS = pathlib.Path(__file__).parents[3] / "vectors"
# No test waits longer than this for anything, seconds.
PATIENCE = 120

ROWS = [
    {"user_id": number % 7, "route": ["orders", "ü,\"x\""][number % 2], "value": number / 8, "status": 200 + number % 3}
    for number in range(500)
]
CONFIG = {"by": ["route", "user_id"], "measure": ["count", "sum(value)", "max(status)", "p99(value)"]}


def vectors():
    """Each vector with its name."""
    files = sorted(VECTORS.glob("*.json"))
    assert len(files) >= 15, files
    return [(file.stem, json.loads(file.read_text())) for file in files]


def ndjson(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv_of(rows):
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def combined_of(rows):
    line = '127.0.0.1 - {user} [21/Nov/2026:10:00:{second:02} +0000] "GET /{route} HTTP/1.1" {status} {bytes} "-" "test"\n'
    return "".join(line.format(**row) for row in rows).encode()


class Case(unittest.TestCase):
    """A test with a folder of its own."""

    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def pipe(self, name="pipe"):
        path = self.folder / name
        os.mkfifo(path)
        return path


def start(program, *arguments):
    """Runs Python in a process of its own."""
    command = [sys.executable, "-X", "faulthandler", "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told_without_threads(data):
    """What is told where no thread can be started, and where one of those that read can; `data` is an expression of Python."""
    program = """
import os, resource, sys
import lockgate
# What a thread takes; there is room for half of one more than can be started.
stack = 1 << 30
os.environ["RUST_MIN_STACK"] = str(stack)
data = eval(sys.argv[1])
with open("/proc/self/statm") as file:
    taken = int(file.read().split()[0]) * resource.getpagesize()
for room in (0, 2):
    resource.setrlimit(resource.RLIMIT_AS, (taken + room * stack + stack // 2, resource.getrlimit(resource.RLIMIT_AS)[1]))
    try:
        lockgate.process_large_dataset(data, threads=4)
    except lockgate.Error as error:
        print(type(error).__name__, error)
"""
    process = start(program, data)
    out, told = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, told
    return out.splitlines()


def compressed(content):
    return gzip.compress(content, mtime=0)
