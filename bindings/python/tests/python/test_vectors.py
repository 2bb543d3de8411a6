"""The questions that all bindings answer alike."""

import json
import unittest
from datetime import datetime
from decimal import Decimal

import lockgate
from shared import Case, vectors

FAILURES = {"configuration": lockgate.ConfigurationError, "malformed": lockgate.MalformedError}


def plain(value):
    """A value of a dict as JSON has it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, list):
        return [{name: plain(part) for name, part in item.items()} for item in value]
    return value


def dicts_of(text):
    """The rows that lines of JSON say, or None when one is malformed."""
    try:
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines() if line.strip()]
    except ValueError:
        return None


class Vectors(Case):
    def check(self, vector, ask):
        if "fails" in vector:
            with self.assertRaises(FAILURES[vector["fails"]]):
                ask()
            return
        report = ask()
        self.assertEqual(json.loads(report.to_json()), vector["report"])
        rows = [{name: plain(value) for name, value in row.items()} for row in report.to_dicts()]
        self.assertEqual(rows, vector["report"])
        self.assertEqual(len(report), len(vector["report"]))
        for row in vector["report"]:
            self.assertEqual(report.columns, list(row))
        counts = report.counts
        self.assertEqual(
            (counts.rows, counts.malformed, counts.timeless),
            (vector["rows"], vector.get("malformed", 0), vector.get("timeless", 0)),
        )
        self.assertEqual([place.line for place in report.malformed], vector.get("malformed_lines", []))

    def test_bytes_and_files_answer_every_vector(self):
        for name, vector in vectors():
            format = None if vector["format"] == "detect" else vector["format"]
            content = vector["input"].encode()
            path = self.file(name, content)
            for data in (content, path):
                with self.subTest(name, data=data):
                    config = vector["config"]
                    self.check(vector, lambda: lockgate.process_large_dataset(data, config, format=format))

    def test_dicts_answer_every_vector_of_json_lines(self):
        asked = 0
        for name, vector in vectors():
            rows = dicts_of(vector["input"]) if vector["format"] in ("ndjson", "detect") else None
            if rows is not None:
                with self.subTest(name):
                    self.check(vector, lambda: lockgate.process_large_dataset(rows, vector["config"]))
                asked += 1
        self.assertGreaterEqual(asked, 10)


if __name__ == "__main__":
    unittest.main()
