// Usage per user with Lockgate's own package.
import { processLargeDataset } from "../../../bindings/node/index.js";

const report = await processLargeDataset(process.argv[2], { by: ["user_id"], measure: ["count", "sum(value)"] });
process.stdout.write(report.toCSV());
