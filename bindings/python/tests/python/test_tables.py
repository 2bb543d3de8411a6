"""Tables of pandas, Polars and PyArrow: what goes in, and what comes out."""

import unittest
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import numpy
import pandas
import polars
import pyarrow

import lockgate
from lockgate import process_large_dataset
from shared import CONFIG, ROWS, Case, told_without_threads, vectors
from test_vectors import dicts_of

EXPECTED = process_large_dataset(ROWS, CONFIG).to_json()


def said(array):
    """What the values of a column of Arrow say, in their order."""
    table = pyarrow.table({"n": range(len(array)), "a": array})
    rows = process_large_dataset(table, {"by": ["n", "a"], "measure": ["count"]}).to_dicts()
    return [row["a"] for row in sorted(rows, key=lambda row: row["n"])]


class Whole(Case):
    def check(self, table, rows=len(ROWS)):
        report = process_large_dataset(table, CONFIG)
        self.assertEqual((report.counts.rows, report.to_json()), (rows, EXPECTED))

    def test_every_kind_of_table_says_what_dicts_say(self):
        table = pyarrow.Table.from_pylist(ROWS)
        self.check(table)
        self.check(table.to_reader())
        self.check(table.to_batches()[0])
        self.check(polars.DataFrame(ROWS))
        self.check(pandas.DataFrame(ROWS))
        self.check(pandas.DataFrame(ROWS).convert_dtypes())
        self.check(pandas.DataFrame(ROWS).to_dict("records"))

    def test_chunks_are_read_one_after_the_other(self):
        whole = pyarrow.Table.from_pylist(ROWS)
        self.check(pyarrow.concat_tables([whole[:1], whole[1:1], whole[1:300], whole[300:]]))
        self.check(polars.concat([polars.DataFrame(ROWS[:123]), polars.DataFrame(ROWS[123:])], rechunk=False))
        self.check(pyarrow.RecordBatchReader.from_batches(whole.schema, iter(whole.to_batches(max_chunksize=7))))

    def test_any_number_of_threads_says_the_same(self):
        table = pyarrow.table({"user_id": [n % 1000 for n in range(200_000)], "value": [n / 8 for n in range(200_000)]})
        expected = process_large_dataset(table, threads=1)
        for threads in (None, 2, 5):
            report = process_large_dataset(table, threads=threads)
            self.assertEqual((report.to_json(), report.counts), (expected.to_json(), expected.counts))
        self.assertEqual(sum(row["count"] for row in expected.to_dicts()), 200_000)

    def test_threads_that_cannot_be_started_are_an_error(self):
        told = told_without_threads("__import__('pyarrow').table({'user_id': range(200_000)})")
        self.assertEqual([line[:33] for line in told], ["Error threads cannot be started: "] * 2)

    def test_columns_that_are_not_asked_for_are_not_looked_at(self):
        mixed = pandas.DataFrame({"user_id": [1], "value": [2], "mixed": [object()], "id": [object()]}, index=["x"])
        with self.assertRaises(pyarrow.ArrowInvalid):
            pyarrow.table(mixed)
        nested = pyarrow.table({"user_id": [1], "value": [2], "id": [b"x"], "kind": [[1]], "nested": [{"a": [1]}]})
        for table in (mixed.drop(columns="id"), nested):
            self.assertEqual(process_large_dataset(table).to_dicts(), [{"user_id": 1, "count": 1, "total_value": 2}])

    def test_the_index_of_pandas_is_a_column_where_it_has_a_name(self):
        table = pandas.DataFrame({"value": [1, 2, 4], "x": 0}, index=pandas.Index([7, 8, 7], name="user_id"))
        expected = [{"user_id": 7, "count": 2, "total_value": 5}, {"user_id": 8, "count": 1, "total_value": 2}]
        self.assertEqual(process_large_dataset(table).to_dicts(), expected)

    def test_of_columns_of_pandas_of_the_same_name_the_first_counts(self):
        table = pandas.DataFrame([[1, 2, 3], [1, 5, 6]], columns=["a", "a", "b"])
        report = process_large_dataset(table, {"by": ["a"], "measure": ["sum(b)"]})
        self.assertEqual(report.to_dicts(), [{"a": 1, "sum(b)": 9}])

    def test_names_of_several_levels_are_refused(self):
        for names in ([("a", "x"), ("a", "y")], [("a",), ("b",)]):
            table = pandas.DataFrame([[1, 2]], columns=pandas.MultiIndex.from_tuples(names))
            with self.assertRaisesRegex(TypeError, "`data` has names of several levels"):
                process_large_dataset(table, {"by": ["a"]})

    def test_a_field_that_is_not_there_is_nothing(self):
        table = pyarrow.table({"value": [1, 2]})
        self.assertEqual(process_large_dataset(table).to_dicts(), [{"user_id": None, "count": 2, "total_value": 3}])
        self.assertEqual(process_large_dataset(pyarrow.table({})).to_dicts(), [])
        self.assertEqual(process_large_dataset(table.slice(0, 0)).to_dicts(), [])
        twice = pyarrow.Table.from_arrays([pyarrow.array([1]), pyarrow.array([2])], names=["value", "value"])
        self.assertEqual(process_large_dataset(twice).to_dicts()[0]["total_value"], 1)

    def test_progress_counts_rows(self):
        told = []
        table = pyarrow.table({"user_id": range(100_000)})
        process_large_dataset(table, progress=lambda done, total: told.append((done, total)))
        self.assertEqual(told[-1], (100_000, 100_000))
        process_large_dataset(table.to_reader(), progress=lambda done, total: told.append((done, total)))
        self.assertEqual(told[-1], (100_000, None))


class Columns(Case):
    def check(self, array, expected=None):
        expected = array.to_pylist() if expected is None else expected
        self.assertEqual(said(array), expected, array.type)
        # Behind an offset, too.
        self.assertEqual(said(pyarrow.concat_arrays([array, array])[len(array) - 1 : -1]), expected[-1:] + expected[:-1])

    def test_whole_numbers(self):
        for bits in (8, 16, 32, 64):
            self.check(pyarrow.array([0, None, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1], f"int{bits}"))
            self.check(pyarrow.array([0, None, 2**bits - 1], f"uint{bits}"))

    def test_binary_numbers_are_their_shortest_decimals(self):
        values = [0.1, -2.5, None, 123456789.125, 1e-7]
        self.check(pyarrow.array(values, "float64"), [0.1, -2.5, None, 123456789.125, 0])
        self.check(pyarrow.array([0.1, -2.5, None, 16777216, 1.1e19], "float32"), [0.1, -2.5, None, 16777216, 1.1e19])
        self.check(pyarrow.array([0.5, None, -2], "float16"))
        strange = pyarrow.array([float("nan"), float("inf"), float("-inf"), 1.0])
        self.check(strange, [None, None, None, 1])

    def test_decimals(self):
        values = [Decimal("1.25"), None, Decimal("-0.01")]
        for kind in (pyarrow.decimal32(7, 2), pyarrow.decimal64(12, 2), pyarrow.decimal128(10, 2), pyarrow.decimal256(50, 2)):
            self.check(pyarrow.array(values, kind), [1.25, None, -0.01])
        self.check(pyarrow.array([Decimal("12300")], pyarrow.decimal128(10, -2)), [12300])
        halves = [Decimal("0.0000005"), Decimal("0.0000015"), Decimal("0.00000250001")]
        self.check(pyarrow.array(halves, pyarrow.decimal128(20, 11)), [0, 0.000002, 0.000003])

    def test_texts_and_dictionaries(self):
        values = ["", "ü", None, "x" * 100, "ü"]
        for kind in (pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()):
            self.check(pyarrow.array(values, kind))
        for index in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
            indices = pyarrow.array([0, 1, None, 2, 0], index)
            for values in (pyarrow.array(["a", None, "b"]), pyarrow.array([1, 2, None]), pyarrow.array(["", "b", "c"], pyarrow.large_string())):
                self.check(pyarrow.DictionaryArray.from_arrays(indices, values))
        self.check(pyarrow.array([None, None], pyarrow.dictionary("int32", "string")))
        self.check(pyarrow.array([True, None, False]))
        self.check(pyarrow.array([None, None]))

    def test_moments(self):
        moment = datetime(2026, 11, 21, 10, 0, 5, tzinfo=timezone.utc)
        fine = moment.replace(microsecond=123456)
        for unit, expected in {"s": moment, "ms": fine.replace(microsecond=123000), "us": fine, "ns": fine}.items():
            for zone in (None, "UTC", "Asia/Tokyo"):
                array = pyarrow.array([fine, None], pyarrow.timestamp("us", zone)).cast(pyarrow.timestamp(unit, zone), safe=False)
                self.check(array, [expected, None])
        days = [date(2026, 11, 21), None]
        for kind in (pyarrow.date32(), pyarrow.date64()):
            self.check(pyarrow.array(days, kind), [datetime(2026, 11, 21, tzinfo=timezone.utc), None])
        for outside in (-1, 253_402_300_800, 2**62):
            self.check(pyarrow.array([outside, 0], pyarrow.timestamp("s")), [None, datetime.fromtimestamp(0, timezone.utc)])

    def test_periods_divide_rows_by_moments(self):
        start = datetime(2026, 11, 21)
        table = pandas.DataFrame({"ts": [start + timedelta(seconds=n) for n in range(100)], "n": 1})
        report = process_large_dataset(table, {"by": [], "measure": ["sum(n)"], "every": "1m"})
        self.assertEqual([row["sum(n)"] for row in report.to_dicts()], [60, 40])

    def test_numbers_that_are_too_large_make_a_row_malformed(self):
        table = pyarrow.table({"a": [1.0, 1e300, 2.0, -1e25], "b": ["x"] * 4})
        report = process_large_dataset(table, {"by": ["a"]})
        self.assertEqual((report.counts.lines, report.counts.rows, report.counts.malformed), (4, 2, 2))
        self.assertEqual([(place.line, place.what) for place in report.malformed], [(2, "a number beyond ±1.5e20"), (4, "a number beyond ±1.5e20")])
        with self.assertRaises(lockgate.MalformedError) as raised:
            process_large_dataset(table, {"by": ["a"], "strict": True})
        self.assertEqual(raised.exception.line, 2)
        decimals = pyarrow.table({"a": pyarrow.array([Decimal(10) ** 30], pyarrow.decimal128(38, 0))})
        self.assertEqual(process_large_dataset(decimals, {"by": ["a"]}).counts.malformed, 1)
        texts = pyarrow.table({"a": ["x" * (17 << 20), "y"]})
        self.assertEqual(process_large_dataset(texts, {"by": ["a"]}).malformed[0].what, "a text longer than 16 MiB")

    def test_other_types_are_refused_where_they_are_asked_for(self):
        for array in (
            pyarrow.array([b"x"]),
            pyarrow.array([[1]]),
            pyarrow.array([{"b": 1}]),
            pyarrow.array([timedelta(1)]),
            pyarrow.array([1], pyarrow.time32("s")),
            pyarrow.array([[("k", 1)]], pyarrow.map_("string", "int64")),
            pyarrow.RunEndEncodedArray.from_arrays([1], ["x"]),
            pyarrow.array([b"x"]).dictionary_encode(),
        ):
            table = pyarrow.table({"a": array, "id": array})
            with self.assertRaisesRegex(TypeError, "column `a` is of type .*, which is no value of a field"):
                process_large_dataset(table, {"by": ["a"]})
            with self.assertRaisesRegex(TypeError, "column `id`"):
                process_large_dataset(table, {"measure": ["distinct(id)"]})
            process_large_dataset(table, {"measure": ["count"]})


class Hostile(Case):
    def test_texts_that_are_not_utf8_are_an_input_error(self):
        offsets, texts = pyarrow.py_buffer(numpy.array([0, 1, 2], "int32")), pyarrow.py_buffer(b"a\xff")
        wrong = pyarrow.Array.from_buffers(pyarrow.string(), 2, [None, offsets, texts])
        with self.assertRaisesRegex(lockgate.InputError, "the table cannot be read"):
            process_large_dataset(pyarrow.table({"user_id": wrong}))
        process_large_dataset(pyarrow.table({"other": wrong}))

    def test_keys_outside_of_a_dictionary_are_an_input_error(self):
        wrong = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0, 7]), ["a"], safe=False)
        with self.assertRaisesRegex(lockgate.InputError, "the table cannot be read"):
            process_large_dataset(pyarrow.table({"user_id": wrong}))

    def test_a_stream_that_fails_is_an_input_error(self):
        batch = pyarrow.record_batch({"user_id": [1]})

        def batches():
            yield batch
            raise ValueError("on purpose")

        with self.assertRaisesRegex(lockgate.InputError, "on purpose"):
            process_large_dataset(pyarrow.RecordBatchReader.from_batches(batch.schema, batches()))

    def test_what_is_no_stream_is_refused(self):
        class Claims:
            def __init__(self, stream):
                self.stream = stream

            def __arrow_c_stream__(self, requested_schema=None):
                return self.stream() if callable(self.stream) else self.stream

        def fails():
            raise ZeroDivisionError("on purpose")

        schema = pyarrow.schema([]).__arrow_c_schema__()
        for stream, error in ((None, TypeError), (1, TypeError), (schema, TypeError), (fails, ZeroDivisionError)):
            with self.assertRaises(error):
                process_large_dataset(Claims(stream))
        used = Claims(pyarrow.table({"user_id": [1]}).__arrow_c_stream__())
        process_large_dataset(used)
        for column in (used, polars.Series([1]), pyarrow.chunked_array([[1]]), pandas.Series([1])):
            with self.assertRaisesRegex(TypeError, "whose stream of Arrow is no table"):
                process_large_dataset(column)


class Reports(Case):
    def test_every_vector_is_the_same_as_a_table(self):
        for name, vector in vectors():
            rows = dicts_of(vector["input"]) if vector["format"] == "ndjson" and "fails" not in vector else None
            if not rows:
                continue
            with self.subTest(name):
                report = process_large_dataset(rows, vector["config"])
                self.assertEqual(report.to_arrow().to_pylist(), report.to_dicts())
                frame = report.to_polars()
                self.assertEqual(frame.columns, report.columns)
                self.assertEqual(frame.to_dicts(), report.to_dicts())
                self.assertEqual(list(report.to_pandas().columns), report.columns)
                self.assertEqual(len(report.to_pandas()), len(report))

    def test_columns_have_the_types_that_are_promised(self):
        rows = [{"ts": 0, "text": "a", "flag": True, "n": 1, "x": 0.5}, {"ts": 1, "text": "b", "n": 2, "x": 2}]
        measure = ["count", "distinct(n)", "sum(n)", "sum(x)", "mean(n)", "p50(n)", "max(text)", "top2(x)", "histogram(x)", "min(none)"]
        config = {"by": ["text", "flag"], "measure": measure, "every": "1s"}
        table = process_large_dataset(rows, config).to_arrow()
        values = pyarrow.struct([("value", pyarrow.float64()), ("count", pyarrow.int64())])
        bars = pyarrow.struct([("lower", pyarrow.float64()), ("upper", pyarrow.float64()), ("count", pyarrow.int64())])
        expected = {
            "ts": pyarrow.timestamp("us", "UTC"), "text": pyarrow.string(), "flag": pyarrow.bool_(), "count": pyarrow.int64(),
            "distinct(n)": pyarrow.int64(), "sum(n)": pyarrow.int64(), "sum(x)": pyarrow.float64(), "mean(n)": pyarrow.float64(),
            "p50(n)": pyarrow.float64(), "max(text)": pyarrow.string(), "top2(x)": pyarrow.list_(values),
            "histogram(x)": pyarrow.list_(bars), "min(none)": pyarrow.null(),
        }
        self.assertEqual(dict(zip(table.column_names, table.schema.types)), expected)

    def test_numbers_stay_exact_in_tables(self):
        for values, kind in {
            (1, -(2**63)): pyarrow.int64(),
            (1, 2**64 - 1): pyarrow.uint64(),
            (1, 0.1): pyarrow.float64(),
            (1, Decimal("9007199254740.123457")): pyarrow.decimal128(38, 6),
        }.items():
            table = process_large_dataset([{"a": value} for value in values], {"by": ["a"], "measure": ["count"]}).to_arrow()
            self.assertEqual(table.schema.field("a").type, kind)
            self.assertEqual(set(table["a"].to_pylist()), set(values))

    def test_values_of_several_kinds_are_text(self):
        rows = [{"a": value} for value in (2, 0.5, "x", True, None, datetime(2026, 1, 1))]
        report = process_large_dataset(rows, {"by": ["a"], "measure": ["count"]})
        expected = {"2", "0.5", "x", "true", None, "2026-01-01T00:00:00.000000Z"}
        self.assertEqual(set(report.to_arrow()["a"].to_pylist()), expected)
        self.assertEqual({row["a"] for row in report.to_dicts()}, {2, 0.5, "x", True, None, datetime(2026, 1, 1, tzinfo=timezone.utc)})
        self.assertEqual({type(row["a"]) for row in report.to_dicts()}, {int, float, str, bool, type(None), datetime})

    def test_libraries_take_a_report_as_it_is(self):
        report = process_large_dataset(ROWS, CONFIG)
        expected = report.to_dicts()
        self.assertEqual(pyarrow.table(report).to_pylist(), expected)
        self.assertEqual(pyarrow.RecordBatchReader.from_stream(report).read_all().to_pylist(), expected)
        self.assertEqual(polars.DataFrame(report).to_dicts(), expected)
        self.assertEqual(pandas.DataFrame.from_arrow(report).to_dict("records"), expected)
        self.assertEqual(process_large_dataset(report, {"by": ["route"], "measure": ["sum(count)"]}).counts.rows, len(report))
        # More than once, and after the report is gone.
        stream = report.__arrow_c_stream__()
        del report
        self.assertEqual(type(stream).__name__, "PyCapsule")

    def test_an_empty_report_has_its_columns(self):
        report = process_large_dataset([], CONFIG)
        self.assertEqual(report.to_arrow().num_rows, 0)
        self.assertEqual(report.to_arrow().column_names, report.columns)
        self.assertEqual(report.to_polars().shape, (0, 6))


if __name__ == "__main__":
    unittest.main()
