"""Which routes are slow, and which users pay for it: python example.py LOG..."""

import sys

import lockgate

logs = sys.argv[1:]
slow = {"by": ["route"], "measure": ["count", "p99(latency_us)"], "where": "status < 500"}
report = lockgate.process_large_dataset(logs, slow)
print(report)

for row in report.to_dicts():
    print(f"{row['route']}: {row['p99(latency_us)'] / 1000:.1f} ms")
for place in report.malformed:
    print(f"{place.input}:{place.line}: {place.what}", file=sys.stderr)
