"""Usage per user as a script has it: one line of JSON after the other."""

import json
import sys

usage = {}
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        event = json.loads(line)
        of_user = usage.setdefault(event["user_id"], [0, 0.0])
        of_user[0] += 1
        of_user[1] += event["value"]
for user, (count, total) in usage.items():
    print(user, count, total, sep=",")
