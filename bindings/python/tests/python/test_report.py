"""Reports: which type a number has, and how a report is shown."""

import json
import unittest
from decimal import Decimal

import lockgate
from lockgate import process_large_dataset
from shared import CONFIG, ROWS, Case


def sums(*values):
    """The sums of one value each, in the order of the values."""
    rows = [{"n": number, "value": value} for number, value in enumerate(values)]
    report = process_large_dataset(rows, {"by": ["n"], "measure": ["sum(value)"]})
    return [row["sum(value)"] for row in sorted(report.to_dicts(), key=lambda row: row["n"])]


class Numbers(Case):
    def check(self, values, kind):
        found = sums(*values)
        self.assertEqual(found, [Decimal(str(value)) if kind is Decimal else value for value in values])
        self.assertEqual({type(value) for value in found}, {kind})

    def test_a_column_has_the_first_type_that_says_all_its_numbers_exactly(self):
        self.check([1, -(2**63), 2**63 - 1], int)
        self.check([1, 2**64 - 1], int)
        self.check([1, 0.1, 2.5], float)
        self.check([-1, 10**20], float)
        self.check([1, 0.1, Decimal("9007199254740.123457")], Decimal)
        self.check([-1, 2**64 - 1], Decimal)

    def test_counts_are_whole_and_means_are_not(self):
        measure = ["count", "distinct(value)", "mean(value)", "p50(value)", "histogram(value)", "top1(value)"]
        (row,) = process_large_dataset([{"value": 2}], {"by": [], "measure": measure}).to_dicts()
        types = {name: type(value) for name, value in row.items()}
        self.assertEqual((types["count"], types["distinct(value)"]), (int, int))
        self.assertEqual((types["mean(value)"], types["p50(value)"]), (float, float))
        (bar,) = row["histogram(value)"]
        self.assertEqual([type(bar[name]) for name in ("lower", "upper", "count")], [float, float, int])
        self.assertEqual(row["top1(value)"], [{"value": 2, "count": 1}])

    def test_json_is_exact_whatever_the_numbers(self):
        values = [0.1, 2**64 - 1, Decimal("123456789012345.678901"), -1]
        rows = [{"n": number, "value": value} for number, value in enumerate(values)]
        text = process_large_dataset(rows, {"by": ["n"], "measure": ["sum(value)"]}).to_json()
        found = {row["n"]: row["sum(value)"] for row in json.loads(text, parse_float=Decimal)}
        self.assertEqual(found, {0: Decimal("0.1"), 1: 2**64 - 1, 2: values[2], 3: -1})


class Shown(Case):
    def test_a_prompt_shows_a_table(self):
        report = process_large_dataset(b'{"user_id":"ann","value":2}\n{"user_id":"bob","value":1}\n{"user_id":"ann"}\n')
        expected = "user_id  count                total_value\nann          1  ████████████            2\nbob          1  ████████████            1"
        self.assertEqual(repr(report), expected)
        self.assertEqual(str(report), expected)

    def test_a_prompt_shows_the_first_rows_of_many(self):
        report = process_large_dataset([{"a": number} for number in range(1000)], {"by": ["a"], "measure": ["count"]})
        lines = repr(report).splitlines()
        self.assertEqual((len(lines), lines[-1]), (22, "… and 980 more rows"))
        self.assertEqual(len(report), 1000)

    def test_a_notebook_shows_a_table_that_no_text_breaks_out_of(self):
        rows = [{"<b>&": '<script>"x"</script>', "n": 1.5}, {"<b>&": None}]
        html = process_large_dataset(rows, {"by": ["<b>&"], "measure": ["sum(n)"]})._repr_html_()
        self.assertIn("<th>&lt;b&gt;&amp;</th>", html)
        self.assertIn("&lt;script&gt;&quot;x&quot;&lt;/script&gt;", html)
        self.assertNotIn("<script>", html)
        self.assertIn('<td style="text-align: right">1.5</td>', html)

    def test_a_notebook_is_told_what_it_does_not_see(self):
        lines = b"".join(b'{"a":%d}\n' % number for number in range(150)) + b"none\n"
        html = process_large_dataset(lines, {"by": ["a"], "measure": ["count"]})._repr_html_()
        self.assertEqual(html.count("<tr>"), 101)
        self.assertIn("<p>… and 50 more rows</p><p>1 of 151 lines could not be read</p>", html)

    def test_csv_has_names_and_nothing_for_null(self):
        report = process_large_dataset([{"a": "x,y", "n": 1}, {"n": 0.5}], {"by": ["a"], "measure": ["sum(n)"]})
        self.assertEqual(report.to_csv(), 'a,sum(n)\r\n"x,y",1\r\n,0.5\r\n')

    def test_counts_are_compared_and_shown(self):
        counts = process_large_dataset(ROWS, CONFIG).counts
        self.assertEqual(repr(counts), "Counts(lines=500, rows=500, malformed=0, timeless=0, bytes=0)")
        self.assertEqual(counts, process_large_dataset(ROWS).counts)
        self.assertNotEqual(counts, process_large_dataset(ROWS[1:]).counts)
        with self.assertRaises(AttributeError):
            counts.rows = 1

    def test_nobody_makes_a_report_but_the_library(self):
        for kind in (lockgate.Report, lockgate.Counts, lockgate.Place):
            with self.assertRaises(TypeError):
                kind()


if __name__ == "__main__":
    unittest.main()
