"""What can be read: paths, bytes, dicts, in every format; and what cannot."""

import array
import collections
import io
import mmap
import os
import random
import types
import unittest

import lockgate
from lockgate import process_large_dataset
from shared import CONFIG, PATIENCE, ROWS, Case, combined_of, compressed, csv_of, ndjson, start

EXPECTED = process_large_dataset(ROWS, CONFIG).to_json()


class Paths(Case):
    def check(self, data, rows=len(ROWS), expected=EXPECTED):
        report = process_large_dataset(data, CONFIG)
        self.assertEqual((report.counts.rows, report.to_json()), (rows, expected))

    def test_a_path_may_be_a_text_or_like_a_path(self):
        path = self.file("rows.ndjson", ndjson(ROWS))
        self.check(str(path))
        self.check(path)
        self.check(types.SimpleNamespace(__fspath__=None) and path.parent / "rows.ndjson")

    def test_folders_and_patterns_mean_their_files(self):
        self.file("a.ndjson", ndjson(ROWS[:200]))
        self.file("b.csv", csv_of(ROWS[200:]))
        self.check(self.folder)
        self.check(f"{self.folder}/*.[nc]*")

    def test_several_paths_come_in_any_iterable(self):
        paths = [self.file("a.ndjson", ndjson(ROWS[:200])), self.file("b.csv.gz", compressed(csv_of(ROWS[200:])))]
        self.check(paths)
        self.check(tuple(map(str, paths)))
        self.check(path for path in paths)
        self.check([paths[0], paths[1], str(paths[0])])

    def test_a_dash_is_a_file(self):
        self.file("-", ndjson(ROWS))
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        os.chdir(self.folder)
        self.check("-")

    def test_what_is_not_there_is_an_input_error(self):
        for data in (self.folder / "none", str(self.folder / "*.none"), [self.folder / "none"], self.folder, "", "a\0b"):
            with self.subTest(data=data), self.assertRaises(lockgate.InputError) as raised:
                process_large_dataset(data)
            self.assertIsInstance(raised.exception, OSError)
            self.assertIn("`", str(raised.exception))

    def test_paths_and_others_do_not_mix(self):
        with self.assertRaisesRegex(TypeError, "`dict` stands among paths"):
            process_large_dataset([self.file("a.ndjson", b""), {}])


class Formats(Case):
    def test_every_format_says_the_same(self):
        for name, content in {
            "ndjson": ndjson(ROWS),
            "csv": csv_of(ROWS),
            "ndjson.gz": compressed(ndjson(ROWS)),
            "csv.gz": compressed(csv_of(ROWS)),
        }.items():
            for data in (content, self.file(name, content)):
                for format in (None, name.removesuffix(".gz")):
                    report = process_large_dataset(data, CONFIG, format=format)
                    self.assertEqual(report.to_json(), EXPECTED, (name, format))

    def test_access_logs_say_what_dicts_say(self):
        rows = [{"user": "ann", "route": "a", "second": n % 60, "status": 200 + n % 2, "bytes": n} for n in range(99)]
        config = {"by": ["status"], "measure": ["count"]}
        logged, told = (process_large_dataset(data, config) for data in (combined_of(rows), rows))
        self.assertEqual(logged.to_json(), told.to_json())

    def test_nothing_is_no_rows(self):
        for data in (b"", bytearray(), memoryview(b""), [], (), iter(()), self.file("empty.ndjson", b"")):
            report = process_large_dataset(data)
            self.assertEqual((len(report), report.counts.lines, report.to_dicts()), (0, 0, []))

    def test_tables_and_dicts_have_no_format(self):
        with self.assertRaisesRegex(lockgate.ConfigurationError, "`format` is for files and bytes"):
            process_large_dataset([{}], format="csv")


class Bytes(Case):
    def test_all_kinds_of_bytes_are_read(self):
        content = ndjson(ROWS)
        mapped = mmap.mmap(self.file_number(content), 0, access=mmap.ACCESS_READ)
        self.addCleanup(mapped.close)
        apart = memoryview(b"".join(bytes([byte, 0]) for byte in content))[::2]
        within = memoryview(b"none\n" + content + b"none\n")[5:-5]
        self.assertFalse(apart.contiguous)
        for data in (content, bytearray(content), memoryview(content), within, apart, mapped, array.array("B", content)):
            self.assertEqual(process_large_dataset(data, CONFIG).to_json(), EXPECTED, type(data))
        self.assertEqual(process_large_dataset(memoryview(bytearray(content)).toreadonly(), CONFIG).to_json(), EXPECTED)

    def file_number(self, content):
        file = open(self.file("mapped", content), "rb")
        self.addCleanup(file.close)
        return file.fileno()

    def test_bytes_are_let_go(self):
        held = bytearray(ndjson(ROWS))
        process_large_dataset(held)
        held.clear()  # raises BufferError while somebody looks at it
        content = memoryview(ndjson(ROWS))
        process_large_dataset(content)
        content.release()

    def test_large_bytes_are_not_copied(self):
        # Twice the bytes would be over the limit.
        program = """
import resource, lockgate
line = b'{"user_id":1,"value":1}\\n'
content = line * (96 * 1024 * 1024 // len(line))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in (content, memoryview(content)[len(line):]):
    lockgate.process_large_dataset(data, {"measure": ["count"], "where": "user_id = 2"})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
        process = start(program)
        out, told = process.communicate()
        self.assertEqual(process.returncode, 0, told)
        self.assertLess(int(out), 48 * 1024)

    def test_bytes_that_are_too_large_to_copy_are_a_memory_error(self):
        program = """
import mmap, os, resource, sys
import lockgate
size = 1 << 34
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.truncate(file, size)
mapped = mmap.mmap(file, size, access=mmap.ACCESS_READ)
# The file has room, and its copy has not.
resource.setrlimit(resource.RLIMIT_AS, (size + size // 2, resource.getrlimit(resource.RLIMIT_AS)[1]))
try:
    lockgate.process_large_dataset(mapped)
except MemoryError as error:
    print(error)
print(len(lockgate.process_large_dataset(bytearray(b"{}"))))
"""
        process = start(program, self.folder / "large")
        out, told = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, told)
        self.assertEqual(out, "there is no memory for a copy of the 17179869184 bytes of `data`\n1\n")

    def test_malformed_lines_are_counted_and_the_first_ten_named(self):
        report = process_large_dataset(b'{"user_id":1}\n' + b"none\n" * 12, {"measure": ["count"]})
        self.assertEqual((report.counts.lines, report.counts.rows, report.counts.malformed), (13, 1, 12))
        self.assertEqual([place.line for place in report.malformed], list(range(2, 12)))
        place = report.malformed[0]
        self.assertEqual((place.input, place.what), ("data", "not a JSON object"))
        self.assertEqual(repr(place), 'Place(input="data", line=2, what="not a JSON object")')
        self.assertEqual(place, process_large_dataset(b"{}\nnone", {"by": []}).malformed[0])


class Hostile(Case):
    def test_what_is_no_text_is_an_input_error(self):
        noise = random.Random(1).randbytes(100_000)
        for content in (noise, b"\x1f\x8b" + noise, b"\x28\xb5\x2f\xfd" + noise, compressed(noise)):
            for data in (content, self.file("noise", content)):
                for format in (None, "ndjson", "csv", "combined"):
                    with self.subTest(content[:8], format=format), self.assertRaises(lockgate.InputError) as raised:
                        process_large_dataset(data, format=format)
                    self.assertIn("`", str(raised.exception))
        with self.assertRaisesRegex(lockgate.InputError, "neither JSON lines nor CSV"):
            process_large_dataset(b"\0" * 1000)

    def test_what_ends_too_soon_is_an_input_error(self):
        whole = compressed(ndjson(ROWS * 50))
        for content in (whole[:-4], whole[: len(whole) // 2], whole[:12]):
            for data in (content, self.file("short.ndjson.gz", content)):
                with self.assertRaises(lockgate.InputError):
                    process_large_dataset(data)
        report = process_large_dataset(ndjson(ROWS)[:-9], CONFIG)
        self.assertEqual((report.counts.rows, report.counts.malformed), (len(ROWS) - 1, 1))

    def test_lines_that_are_gigantic_deep_or_of_mixed_encodings_are_malformed(self):
        gigantic = b'{"user_id":"' + b"x" * (17 << 20) + b'"}'
        deep = b'{"user_id":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        mixed = '{"user_id":"ü"}'.encode("latin-1")
        content = b"\n".join([b'{"user_id":1}', gigantic, deep, mixed, b'{"user_id":1}'])
        path = self.file("lines.ndjson", content)
        report = process_large_dataset(path, {"measure": ["count"]})
        self.assertEqual((report.counts.rows, report.counts.malformed), (2, 3))
        self.assertEqual([place.line for place in report.malformed], [2, 3, 4])
        self.assertEqual(report.to_dicts(), [{"user_id": 1, "count": 2}])

    def test_a_bomb_takes_little_memory(self):
        program = """
import gzip, io, resource, lockgate
out, block = io.BytesIO(), b"[" * (1 << 20)
with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as file:
    for _ in range(256):
        file.write(block)
    file.write(b"\\n{}")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = lockgate.process_large_dataset(out.getvalue(), format="ndjson")
assert report.counts.malformed == 1 and report.counts.rows == 1, report.counts
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
        process = start(program)
        out, told = process.communicate()
        self.assertEqual(process.returncode, 0, told)
        self.assertLess(int(out), 100 * 1024)

    def test_too_many_groups_are_an_error(self):
        rows = ({"a": "x" * 100_000 + str(number)} for number in range(20_000))
        with self.assertRaisesRegex(lockgate.Error, "too many groups"):
            process_large_dataset(rows, {"by": ["a"]})


class NoData(Case):
    def test_what_is_no_data_is_a_type_error(self):
        cases = {
            "`data` is a `int`": 3,
            "`data` is a `NoneType`": None,
            "one row: put it into a list": {"user_id": 1},
            "row 1 is a `int`": [1],
            "row 2 is a `NoneType`": [{}, None],
            "row 1 is a `float`": array.array("d", [1.5]),
            "row 1 is a `bytes`": io.BytesIO(b"{}\n"),
        }
        for told, data in cases.items():
            with self.subTest(told), self.assertRaisesRegex(TypeError, told):
                process_large_dataset(data)
        with self.assertRaisesRegex(TypeError, "one row"):
            process_large_dataset(collections.ChainMap())

    def test_what_an_iterable_raises_is_raised(self):
        def rows():
            yield {}
            raise ZeroDivisionError("on purpose")

        with self.assertRaisesRegex(ZeroDivisionError, "on purpose"):
            process_large_dataset(rows())


if __name__ == "__main__":
    unittest.main()
