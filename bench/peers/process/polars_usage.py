"""Usage per user with Polars, lazily and streaming: only two columns are read."""

import sys

import polars

events = polars.scan_ndjson(sys.argv[1], schema={"user_id": polars.Int64, "value": polars.Float64})
usage = events.group_by("user_id").agg(polars.len(), polars.col("value").sum())
usage.collect(engine="streaming").write_csv(sys.stdout.buffer, include_header=False)
