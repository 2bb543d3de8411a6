// Usage per user as a script has it: one line of JSON after the other.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const usage = new Map();
const lines = createInterface({ input: createReadStream(process.argv[2], { highWaterMark: 1 << 20 }), crlfDelay: Infinity });
for await (const line of lines) {
  const event = JSON.parse(line);
  let ofUser = usage.get(event.user_id);
  if (ofUser === undefined) usage.set(event.user_id, (ofUser = { count: 0, total: 0 }));
  ofUser.count += 1;
  ofUser.total += event.value;
}
const rows = [...usage].map(([user, { count, total }]) => `${user},${count},${total}\n`);
process.stdout.write(rows.join(""));
