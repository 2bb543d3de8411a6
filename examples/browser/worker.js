// Reads files and answers questions about them, beside the page, which stays free. One message in, one answer out, and progress in between.
import start, { analyze, inspect } from "./lockgate_analytics.js";

/** Bytes that tell what a file is. */
const START_BYTES = 64 * 1024;
/** Rows that the page shows. */
const ROWS_MAX = 200;
const PROGRESS_EVERY_MS = 50;

const ready = start();
/** The last answer: it is asked for other forms of it. */
let answer;

const chores = {
  async inspect({ file }) {
    const start = new Uint8Array(await file.slice(0, START_BYTES).arrayBuffer());
    return JSON.parse(inspect(file.name, start));
  },
  analyze({ files, configuration, format }) {
    answer?.free();
    answer = undefined;
    let told = 0;
    const onProgress = (bytes) => {
      const now = performance.now();
      if (now - told < PROGRESS_EVERY_MS) return;
      told = now;
      postMessage({ progress: bytes });
    };
    answer = analyze(files, JSON.stringify(configuration), format || undefined, onProgress);
    return {
      counts: JSON.parse(answer.counts()),
      table: JSON.parse(answer.table(ROWS_MAX)),
      svg: answer.svg(960, 420),
    };
  },
  text({ format }) {
    return answer.text(format);
  },
};

addEventListener("message", async ({ data: { id, chore, ...wanted } }) => {
  try {
    await ready;
    postMessage({ id, done: await chores[chore](wanted) });
  } catch (error) {
    postMessage({ id, failure: { message: error.message, code: error.code ?? "broken" } });
  }
});
