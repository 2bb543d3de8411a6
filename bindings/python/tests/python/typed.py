"""What a type checker must understand; `wrong` lines must be refused."""

import pathlib
from typing import assert_type

import lockgate

report = lockgate.process_large_dataset("a.log", {"by": ["route"], "measure": ["count"], "strict": True})
assert_type(report, lockgate.Report)
assert_type(len(report), int)
assert_type(report.columns, list[str])
assert_type(report.counts.rows, int)
assert_type([place.line for place in report.malformed], list[int])
assert_type(report.to_json(), str)
for row in report.to_dicts():
    assert_type([name for name in row], list[str])

lockgate.process_large_dataset(pathlib.Path("a"), format="csv", threads=2)
lockgate.process_large_dataset(["a", "b"])
lockgate.process_large_dataset(path for path in pathlib.Path().glob("*.log"))
lockgate.process_large_dataset(b"{}", progress=lambda done, total: print(done, total))
lockgate.process_large_dataset(memoryview(b"{}"))
lockgate.process_large_dataset([{"user_id": 1}])
lockgate.process_large_dataset(report)

try:
    lockgate.process_large_dataset("a.log", None)
except lockgate.MalformedError as error:
    assert_type(error.line, int)
except (lockgate.ConfigurationError, lockgate.InputError) as error:
    problem: lockgate.Error = error

lockgate.process_large_dataset(3)  # wrong
lockgate.process_large_dataset("a", {"by": "user_id"}, "csv")  # wrong
lockgate.process_large_dataset("a", format="xml")  # wrong
lockgate.process_large_dataset("a", progress=lambda: None)  # wrong
report.rows  # wrong
