"""Usage per user with Lockgate's own package."""

import sys

import lockgate

report = lockgate.process_large_dataset(sys.argv[1], {"by": ["user_id"], "measure": ["count", "sum(value)"]})
sys.stdout.write(report.to_csv())
