// Reads files and answers questions about them, beside the page, which stays free. One message in, one answer out, and progress in between.
// Large files are read in parts by several such workers.
import start, { analyze, fold, fold_part, inspect, join } from "./lockgate_analytics.js";

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
  /** Answers a question alone. */
  analyze({ files, configuration, format }) {
    return keep(() => analyze(files, JSON.stringify(configuration), format || undefined, progress()));
  },
  /** Reads files, or a part of one, for the worker that joins. */
  fold({ files, range, configuration, format }) {
    const question = JSON.stringify(configuration);
    return range
      ? fold_part(files[0], ...range, question, format, progress())
      : fold(files, question, format || undefined, progress());
  },
  /** Puts together what workers have read. */
  join({ parts, configuration }) {
    return keep(() => join(parts, JSON.stringify(configuration)));
  },
  text({ format }) {
    return answer.text(format);
  },
};

function keep(ask) {
  answer?.free();
  answer = undefined;
  answer = ask();
  return {
    counts: JSON.parse(answer.counts()),
    table: JSON.parse(answer.table(ROWS_MAX)),
    svg: answer.svg(960, 420),
  };
}

/** Tells the page how far the reading has come, not more often than it can be seen. */
function progress() {
  let told = 0;
  return (bytes) => {
    const now = performance.now();
    if (now - told < PROGRESS_EVERY_MS) return;
    told = now;
    postMessage({ progress: bytes });
  };
}

addEventListener("message", async ({ data: { id, chore, ...wanted } }) => {
  try {
    await ready;
    const done = await chores[chore](wanted);
    postMessage({ id, done }, done instanceof Uint8Array ? [done.buffer] : []);
  } catch (error) {
    postMessage({ id, failure: { message: error.message, code: error.code ?? "broken" } });
  }
});
