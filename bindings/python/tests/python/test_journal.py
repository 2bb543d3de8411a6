"""Events as a gateway writes them, in every form; the folder EVENTS has them."""

import os
import pathlib
import unittest

import lockgate
from lockgate import process_large_dataset

EVENTS = pathlib.Path(os.environ["EVENTS"])
SEGMENT = EVENTS / "data/journal/events.segment"
CONFIG = {"by": ["user_id", "route"], "measure": ["count", "sum(bytes_out)", "distinct(id)"], "every": "1h"}


class Journal(unittest.TestCase):
    def test_every_form_says_the_same(self):
        expected = process_large_dataset(EVENTS / "events.ndjson", CONFIG)
        self.assertEqual((expected.counts.rows, len(expected)), (3000, 7))
        compressed = EVENTS / "events.ndjson.zst"
        for data in (SEGMENT, EVENTS / "data", SEGMENT.read_bytes(), compressed, compressed.read_bytes()):
            report = process_large_dataset(data, CONFIG)
            self.assertEqual((report.to_json(), report.counts.rows), (expected.to_json(), 3000))
        self.assertEqual(process_large_dataset(SEGMENT, CONFIG, format="segment").to_json(), expected.to_json())

    def test_usage_is_what_is_asked_without_a_question(self):
        (first, *_) = process_large_dataset(EVENTS / "data").to_dicts()
        self.assertEqual(first, {"user_id": 0, "count": 429, "total_value": 429})

    def test_what_is_cut_off_is_read_as_far_as_it_goes(self):
        whole = SEGMENT.read_bytes()
        counts = process_large_dataset(whole[: len(whole) // 2], CONFIG).counts
        self.assertTrue(0 < counts.rows < 3000, counts)

    def test_compressed_lines_that_are_cut_off_or_damaged_are_an_input_error(self):
        whole = (EVENTS / "events.ndjson.zst").read_bytes()
        damaged = whole[:100] + bytes(byte ^ 0xFF for byte in whole[100:200]) + whole[200:]
        for content in (whole[:-5], damaged):
            with self.assertRaises(lockgate.InputError):
                process_large_dataset(content)


if __name__ == "__main__":
    unittest.main()
