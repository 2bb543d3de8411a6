"""Calls: the interpreter stays free, progress is told, signals are noticed, and any number of threads says the same."""

import os
import signal
import threading
import time
import unittest

import lockgate
from lockgate import process_large_dataset
from shared import CONFIG, PATIENCE, ROWS, Case, ndjson, start, told_without_threads

# More than is read by one thread alone.
LINES = ndjson(ROWS) * 60


class Questions(Case):
    def test_what_is_no_question_is_a_configuration_error(self):
        cases = {
            "unknown field `group`": {"group": ["a"]},
            "expected a sequence": {"by": "a"},
            "name a field in parentheses": {"measure": ["sum"]},
            "`where`: ": {"where": "status >="},
            "`every`: ": {"every": "soon"},
            "invalid type": {"strict": 1},
            "no JSON object": {"by": [object()]},
            "invalid type: integer `3`": 3,
            "expected value": {"by": [float("nan")]},
        }
        for told, config in cases.items():
            for data in (b"", [], "/nonexistent"):
                with self.subTest(told), self.assertRaisesRegex(lockgate.ConfigurationError, told) as raised:
                    process_large_dataset(data, config)
                self.assertIsInstance(raised.exception, ValueError)
                self.assertIsInstance(raised.exception, lockgate.Error)

    def test_formats_and_threads_are_checked(self):
        with self.assertRaisesRegex(lockgate.ConfigurationError, "`xml` is no format"):
            process_large_dataset(b"", format="xml")
        for threads in (0, -1, 1025, 2**40):
            with self.assertRaisesRegex(lockgate.ConfigurationError, "`threads` must be from 1 to 1024"):
                process_large_dataset(b"", threads=threads)
        self.assertEqual(process_large_dataset(LINES, CONFIG, threads=1024).counts.rows, len(ROWS) * 60)
        for arguments in ({"threads": "2"}, {"format": 1}, {"unknown": 1}):
            with self.assertRaises(TypeError):
                process_large_dataset(b"", **arguments)
        with self.assertRaises(TypeError):
            process_large_dataset(b"", None, "csv")

    def test_a_strict_question_names_the_first_malformed_line(self):
        content = LINES + b"none\n" + LINES + b"none\n"
        for data in (content, str(self.file("lines.ndjson", content))):
            with self.assertRaises(lockgate.MalformedError) as raised:
                process_large_dataset(data, {"strict": True})
            error = raised.exception
            self.assertEqual((error.line, error.what), (len(ROWS) * 60 + 1, "not a JSON object"))
            self.assertIn(f"line {error.line}: {error.what}", str(error))
            self.assertEqual(error.input, data if isinstance(data, str) else "data")
            self.assertIsInstance(error, ValueError)


class Threads(Case):
    def test_any_number_of_threads_says_the_same(self):
        expected = process_large_dataset(LINES, CONFIG, threads=1)
        for threads in (None, 2, 5):
            report = process_large_dataset(LINES, CONFIG, threads=threads)
            self.assertEqual((report.to_json(), report.counts), (expected.to_json(), expected.counts))

    def test_calls_run_side_by_side(self):
        expected, found = process_large_dataset(LINES, CONFIG).to_json(), []
        ask = lambda: found.append(process_large_dataset(LINES, CONFIG).to_json())
        threads = [threading.Thread(target=ask) for _ in range(8)]
        [thread.start() for thread in threads]
        [thread.join(PATIENCE) for thread in threads]
        self.assertEqual(found, [expected] * 8)

    def test_the_interpreter_is_free_while_a_file_is_read(self):
        # Whoever held the interpreter up would wait for ever: a thread of Python writes what is read.
        pipe = self.pipe("pipe.ndjson")

        def write():
            with open(pipe, "wb") as file:
                file.write(LINES)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        self.assertEqual(process_large_dataset(pipe, CONFIG).counts.rows, len(ROWS) * 60)
        writer.join(PATIENCE)

    def test_threads_that_cannot_be_started_are_an_error(self):
        told = told_without_threads("b'{}\\n' * 1_000_000")
        self.assertEqual([line[:33] for line in told], ["Error threads cannot be started: "] * 2)

    def test_a_forked_process_asks_like_its_parent(self):
        expected = process_large_dataset(LINES, CONFIG).to_json()
        child = os.fork()
        if child == 0:
            os._exit(0 if process_large_dataset(LINES, CONFIG).to_json() == expected else 1)
        self.assertEqual(waited_for(child), 0)


def waited_for(child):
    """The exit status of a process; it is killed when it takes too long."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "it hung"


class Progress(Case):
    def test_the_end_is_told_and_how_much_there_is(self):
        for data, total in (
            (LINES, len(LINES)),
            (self.file("lines.ndjson", LINES), len(LINES)),
            ([self.folder / "lines.ndjson"], len(LINES)),
            (ROWS, len(ROWS)),
            (b"", 0),
        ):
            told = []
            process_large_dataset(data, progress=lambda done, all: told.append((done, all)))
            self.assertEqual(told[-1], (total, total))
            self.assertEqual(told, sorted(told))
        told = []
        process_large_dataset(iter(ROWS), progress=lambda done, all: told.append((done, all)))
        self.assertEqual(told, [(len(ROWS), None)])

    def test_it_is_told_while_reading_and_not_too_often(self):
        # The file goes on until progress has been told five times.
        pipe, told, enough = self.pipe("pipe.ndjson"), [], threading.Event()

        def write():
            with open(pipe, "wb") as file:
                while not enough.wait(0.001):
                    file.write(b'{"user_id":1,"value":1}\n')

        def progress(done, total):
            told.append((time.monotonic(), done, total))
            if len(told) == 5:
                enough.set()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        start = time.monotonic()
        process_large_dataset(pipe, progress=progress)
        writer.join(PATIENCE)
        self.assertGreaterEqual(len(told), 6)
        # The last is the end.
        for number, (when, *_) in enumerate(told[:-1], 1):
            self.assertGreaterEqual(when - start, number * 0.1)
        self.assertEqual([done for _, done, _ in told], sorted(done for _, done, _ in told))
        self.assertEqual({total for *_, total in told}, {None})

    def test_what_it_raises_ends_the_reading(self):
        class Enough(Exception):
            pass

        def progress(done, total):
            raise Enough

        with self.assertRaises(Enough):
            process_large_dataset(LINES, progress=progress)

        def rows():
            while True:
                yield {"user_id": 1}

        with self.assertRaises(Enough):
            process_large_dataset(rows(), progress=progress)
        # Without an end.
        pipe = self.pipe()
        with open(os.open(pipe, os.O_RDWR), "wb"):
            with self.assertRaises(Enough):
                process_large_dataset(pipe, progress=progress)

    def test_what_cannot_be_called_is_a_type_error(self):
        with self.assertRaises(TypeError):
            process_large_dataset(LINES, progress=3)


class Interrupts(Case):
    PROGRAM = """
import signal, sys, lockgate
# Who is started in the background of a shell would ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)
def forever():
    while True:
        yield {"user_id": 1}
try:
    data = forever() if sys.argv[1] == "dicts" else sys.argv[1]
    lockgate.process_large_dataset(data, progress=lambda done, total: print("reading", flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # Still of use.
    print(len(lockgate.process_large_dataset([{"user_id": 1}])))
"""

    def check(self, data):
        process = start(self.PROGRAM, data)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "reading\n")
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=PATIENCE)
        self.assertEqual((out.replace("reading\n", ""), process.returncode), ("interrupted\n1\n", 0), told)

    def test_ctrl_c_ends_the_reading_of_a_pipe_that_says_no_more(self):
        pipe = self.pipe()
        with open(os.open(pipe, os.O_RDWR), "wb") as file:
            file.write(b'{"user_id":1}\n')
            file.flush()
            self.check(pipe)

    def test_ctrl_c_ends_the_reading_of_a_file(self):
        path = self.folder / "large.ndjson"
        with open(path, "wb") as file:
            # A hole, which is a line without an end: as long to read as a file of this size is.
            file.write(b'{"user_id":1}\n')
            file.truncate(1 << 40)
        self.check(path)

    def test_ctrl_c_ends_the_reading_of_dicts(self):
        self.check("dicts")


class Module(Case):
    def test_names_are_those_of_the_module(self):
        self.assertEqual(lockgate.__version__.count("."), 2)
        for name in lockgate.__all__:
            value = getattr(lockgate, name)
            self.assertEqual(getattr(value, "__module__", "lockgate"), "lockgate", name)
            self.assertTrue(value.__doc__, name)
        self.assertIn("Answers a question about data", process_large_dataset.__doc__)


if __name__ == "__main__":
    unittest.main()
