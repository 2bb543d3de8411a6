"""Values of dicts: what they say, and which are refused."""

import collections
import enum
import json
import unittest
import uuid
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import lockgate
from lockgate import process_large_dataset
from shared import Case


class Mapping(collections.abc.Mapping):
    """Like a dict, but none."""

    def __init__(self, **fields):
        self.fields = fields

    def __getitem__(self, name):
        return self.fields[name]

    def __iter__(self):
        return iter(self.fields)

    def __len__(self):
        return len(self.fields)


class Color(str, enum.Enum):
    RED = "red"


def said(value):
    """What a value says, as a report has it."""
    (row,) = process_large_dataset([{"a": value}], {"by": ["a"], "measure": ["count"]}).to_dicts()
    return row["a"]


class Values(Case):
    def check(self, value, expected):
        found = said(value)
        self.assertEqual((type(found), found), (type(expected), expected), repr(value))

    def test_values_say_what_they_are(self):
        for value in (None, True, False, 0, -5, 2**63 - 1, -(2**63), 2**64 - 1, "", "ü\0😀", 0.1, -2.5):
            self.check(value, value)
        self.check(3.0, 3)
        self.check(Color.RED, "red")
        self.check(0.1 + 0.2, 0.3)
        self.check(Decimal("12.345678"), 12.345678)
        self.check(Decimal("1E+3"), 1000)
        self.check(Decimal("123456789012.345678"), Decimal("123456789012.345678"))
        self.check(Fraction(1, 8), 0.125)
        self.check(10**20, 1e20)

    def test_moments_are_in_utc_and_those_before_1970_or_after_9999_are_nothing(self):
        moment = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=timezone.utc)
        self.check(moment, moment)
        self.check(moment.astimezone(timezone(timedelta(hours=-3, minutes=-30))), moment)
        self.check(moment.replace(tzinfo=None), moment)
        self.check(date(2026, 11, 21), datetime(2026, 11, 21, tzinfo=timezone.utc))
        self.check(datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(9999, 12, 31, 23, 59, 59, 999999, timezone.utc))
        self.check(datetime(1969, 12, 31), None)
        self.check(datetime(9999, 12, 31, 23, 59, 59, 999999, timezone(timedelta(hours=-5))), None)
        self.check(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), None)

    def test_what_is_no_number_is_nothing(self):
        for value in (float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")):
            self.check(value, None)

    def test_lists_and_dicts_are_their_json(self):
        for value in ([1, "a", None], {"b": [True]}, [], {}):
            self.check(value, json.dumps(value))
            line = json.dumps({"a": value}).encode()
            told = process_large_dataset(line, {"by": ["a"], "measure": ["count"]}).to_json()
            self.assertEqual(process_large_dataset([{"a": value}], {"by": ["a"], "measure": ["count"]}).to_json(), told)

    def test_a_row_may_be_like_a_dict(self):
        rows = [Mapping(a=1), collections.OrderedDict(a=2), collections.defaultdict(int, a=3), Mapping()]
        report = process_large_dataset(rows, {"by": ["a"], "measure": ["count"]})
        self.assertEqual({row["a"] for row in report.to_dicts()}, {1, 2, 3, None})
        self.assertNotIn("kind", rows[2], "a field that is not there was made")

    def test_what_cannot_be_counted_with_is_malformed_as_in_lines_of_json(self):
        for value in (10**21, -(10**30), 1e300, 10**5000, Decimal("1e25"), "\ud800", ["\ud800"]):
            report = process_large_dataset([{"a": 1}, {"a": value}], {"by": ["a"], "measure": ["count"]})
            if isinstance(value, list):
                self.assertEqual(report.counts.malformed, 0)
                continue
            self.assertEqual((report.counts.lines, report.counts.rows, report.counts.malformed), (2, 1, 1))
            self.assertEqual((report.malformed[0].input, report.malformed[0].line), ("data", 2))
            with self.assertRaises(lockgate.MalformedError) as raised:
                process_large_dataset([{}, {"a": value}], {"by": ["a"], "strict": True})
            self.assertEqual((raised.exception.input, raised.exception.line), ("data", 2))

    def test_other_values_are_refused_where_they_are_asked_for(self):
        for value in (b"bytes", object(), 1j, {1}, uuid.UUID(int=1), timedelta(1)):
            with self.assertRaisesRegex(TypeError, "`a` of row 2 is a `.*`, which is no value of a field"):
                process_large_dataset([{"a": 1}, {"a": value}], {"by": ["a"]})
            # `id` and `kind` are only looked at to tell how much a row counts.
            process_large_dataset([{"a": 1, "b": value, "id": value, "kind": value}], {"by": ["a"]})
            with self.assertRaisesRegex(TypeError, "`id` of row 1"):
                process_large_dataset([{"id": value}], {"by": ["id"]})
            with self.assertRaisesRegex(TypeError, "`kind` of row 1"):
                process_large_dataset([{"kind": value}], {"where": "kind = 'x'"})

    def test_what_json_cannot_write_is_refused_where_it_is_asked_for(self):
        around, deep = [], []
        around.append(around)
        for _ in range(100_000):
            deep = [deep]
        for value in ([datetime(2026, 11, 21)], {"b": {1}}, ({(1, 2): 3},), around, deep):
            with self.assertRaisesRegex(TypeError, "`a` of row 2 is a `(list|dict|tuple)`, which JSON cannot write"):
                process_large_dataset([{"a": 1}, {"a": value}], {"by": ["a"]})
            process_large_dataset([{"a": 1, "b": value, "id": value, "kind": value}], {"by": ["a"]})

    def test_what_a_value_itself_raises_is_raised(self):
        class Broken(dict):
            def items(self):
                raise ZeroDivisionError("on purpose")

        with self.assertRaisesRegex(ZeroDivisionError, "on purpose"):
            process_large_dataset([{"a": Broken(b=1)}], {"by": ["a"]})


if __name__ == "__main__":
    unittest.main()
