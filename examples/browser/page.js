// The page: takes files, asks the worker, shows what it says.

const find = (id) => document.getElementById(id);
const numbers = new Intl.NumberFormat("en");
const CORES = Math.min(navigator.hardwareConcurrency || 1, 8);
/** Up to so many bytes one worker reads alone. */
const ALONE_BYTES_MAX = 8e6;
const PART_BYTES_MIN = 4e6;
/** Characters of a cell that stand on one line. */
const LONG = 60;
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A worker, and what is awaited of it. It is made from a blob, which the page's content security policy then holds for, too. */
class Reader {
  #awaited = new Map();
  #worker;
  #last = 0;
  #ended;
  onProgress = () => {};

  constructor() {
    const script = new Blob([`import ${JSON.stringify(new URL("worker.js", location.href).href)};`], { type: "text/javascript" });
    const url = URL.createObjectURL(script);
    this.#worker = new Worker(url, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => {
      if ("progress" in data) return this.onProgress(data.progress);
      const { resolve, reject } = this.#awaited.get(data.id);
      this.#awaited.delete(data.id);
      data.failure ? reject(Object.assign(new Error(data.failure.message), data.failure)) : resolve(data.done);
    });
    this.#worker.addEventListener("error", () => this.#end(broken("it could not be loaded")));
  }

  ask(chore, wanted) {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = ++this.#last;
    this.#worker.postMessage({ id, chore, ...wanted });
    return new Promise((resolve, reject) => this.#awaited.set(id, { resolve, reject }));
  }

  stop() {
    this.#worker.terminate();
    this.#end(Object.assign(new Error("Stopped."), { code: "stopped" }));
  }

  #end(error) {
    this.#ended = error;
    for (const { reject } of this.#awaited.values()) reject(error);
    this.#awaited.clear();
  }
}

/** The first one answers; the others help with what is large. */
let readers = [new Reader()];
let files = [];
const broken = (why) => Object.assign(new Error(why), { code: "broken" });
/** The drawing as text, for its download. */
let svg = "";

const split = (text) => text.split(/,(?![^(]*\))/).map((part) => part.trim()).filter(Boolean);

function configuration() {
  const asked = { by: split(find("by").value) };
  const measure = split(find("measure").value);
  if (measure.length) asked.measure = measure;
  for (const key of ["where", "every"]) {
    const text = find(key).value.trim();
    if (text) asked[key] = text;
  }
  return asked;
}

/** Takes files, fills in a question that suits the first of them, and asks it. */
async function take(list) {
  if (!list.length) return;
  files = [...list];
  start();
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  find("chosen").textContent = `${files.map((file) => file.name).join(", ")} · ${size(bytes)}`;
  find("chosen").hidden = false;
  try {
    const { fields, question } = await readers[0].ask("inspect", { file: files[0] });
    find("by").value = question.by.join(", ");
    find("measure").value = question.measure.join(", ");
    find("where").value = find("every").value = find("format").value = "";
    offer(fields);
    find("question").hidden = false;
  } catch (error) {
    return fail(error);
  }
  await ask();
}

/** Begins anew: whatever is still being read is of no interest any more. */
function start() {
  if (!find("stop").hidden) restart();
}

function restart() {
  for (const reader of readers) reader.stop();
  readers = [new Reader()];
}

/** Has the question answered: by one worker, or, where there is much to read, by one for each core. */
async function read(question, onProgress) {
  const parts = await divide(question);
  const read = parts.map(() => 0);
  const follow = (reader, at) => {
    reader.onProgress = (bytes) => {
      read[at] = bytes;
      onProgress(read.reduce((sum, bytes) => sum + bytes, 0));
    };
  };
  if (parts.length === 1) {
    follow(readers[0], 0);
    return readers[0].ask("analyze", { ...question, files });
  }
  while (readers.length < Math.min(CORES, parts.length)) readers.push(new Reader());
  const folded = [];
  let next = 0;
  const work = async (reader) => {
    while (next < parts.length) {
      const at = next++;
      follow(reader, at);
      folded[at] = await reader.ask("fold", { ...question, ...parts[at] });
      read[at] = parts[at].bytes;
    }
  };
  await Promise.all(readers.map(work));
  return readers[0].ask("join", { ...question, parts: folded });
}

/** Divides the files among workers: plain lines anywhere, all segments together, for a record that two of them hold counts once. */
async function divide({ format }) {
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (CORES === 1 || bytes < ALONE_BYTES_MAX) return [{ files, bytes }];
  const most = Math.max(bytes / (2 * CORES), PART_BYTES_MIN);
  const found = await Promise.all(files.map((file) => readers[0].ask("inspect", { file })));
  const [segments, parts] = [[], []];
  let together = [];
  const sum = (list) => list.reduce((sum, file) => sum + file.size, 0);
  const close = (list) => list.length && parts.push({ files: list, bytes: sum(list) });
  files.forEach((file, at) => {
    const kind = format || found[at].format;
    const isLines = (kind === "ndjson" || kind === "combined") && !found[at].compressed;
    if (kind === "segment") {
      segments.push(file);
    } else if (isLines && file.size > most) {
      close(together);
      together = [];
      const count = Math.ceil(file.size / most);
      const cut = (part) => Math.floor((file.size * part) / count);
      for (let part = 0; part < count; part++) {
        const range = [cut(part), cut(part + 1)];
        parts.push({ files: [file], range, format: kind, bytes: range[1] - range[0] });
      }
    } else {
      together.push(file);
      if (sum(together) >= most) {
        close(together);
        together = [];
      }
    }
  });
  close(together);
  close(segments);
  return parts;
}

async function ask() {
  start();
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const began = performance.now();
  const own = readers;
  const onProgress = (read) => {
    find("progress").value = bytes ? read / bytes : 1;
    find("status").textContent = `${size(read)} of ${size(bytes)}`;
  };
  busy(true);
  try {
    const answer = await read({ configuration: configuration(), format: find("format").value }, onProgress);
    const seconds = (performance.now() - began) / 1000;
    show(answer);
    find("status").textContent = `${numbers.format(answer.counts.rows)} rows in ${seconds.toFixed(2)} s`;
  } catch (error) {
    // What was stopped for another question has nothing to say.
    if (own === readers) fail(error);
  }
  if (own === readers) busy(false);
}

function busy(is) {
  find("stop").hidden = find("progress").hidden = !is;
  if (!is) return;
  find("progress").value = 0;
  find("failure").hidden = true;
  find("status").textContent = "Reading";
  find("answer").setAttribute("aria-busy", "true");
}

function fail(error) {
  busy(false);
  find("failure").textContent = error.code === "broken" ? `The reader broke: ${error.message}` : error.message;
  find("failure").hidden = false;
  find("status").textContent = "";
  find("answer").hidden = true;
  // Others may still be reading.
  if (error.code === "broken" || readers.length > 1) restart();
}

function show({ counts, table, svg: drawing }) {
  svg = drawing;
  URL.revokeObjectURL(find("drawing").src);
  find("drawing").src = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  find("drawing").alt = `Drawing of the table below: ${table.columns.map((column) => column.name).join(", ")}`;
  find("notes").replaceChildren(...notes(counts, table).map((text) => element("li", text)));
  fill(table);
  find("answer").hidden = false;
  find("answer").removeAttribute("aria-busy");
}

function notes({ malformed, places, timeless, lines }, { rows, groups }) {
  const told = [];
  if (malformed) {
    const first = places.map((place) => `${place.input}, line ${numbers.format(place.line)}: ${place.what}`).join("; ");
    told.push(`${numbers.format(malformed)} of ${numbers.format(lines)} lines could not be read. ${first}`);
  }
  if (timeless) told.push(`${numbers.format(timeless)} rows say no moment and are in no period.`);
  if (groups > rows.length) told.push(`The first ${numbers.format(rows.length)} of ${numbers.format(groups)} groups; downloads have all.`);
  if (!groups) told.push("No row was admitted.");
  return told;
}

/** The table, with a bar beside the first measure. */
function fill({ columns, rows }) {
  const first = columns.findIndex((column) => column.role === "measure");
  const greatest = Math.max(...rows.map((row) => Number(row[first])).filter(Number.isFinite), 0);
  const head = element("tr");
  for (const { name, role } of columns) {
    const cell = element("th", name);
    cell.scope = "col";
    cell.className = role;
    head.append(cell);
  }
  const body = rows.map((row) => {
    const line = element("tr");
    row.forEach((text, at) => {
      const cell = element("td", text ?? "–");
      cell.className = columns[at].role;
      if (text?.length > LONG) cell.classList.add("long");
      if (at === first && rows.length > 1 && greatest > 0) {
        cell.classList.add("bar");
        cell.style.setProperty("--share", Math.max(Number(text) / greatest, 0) || 0);
      }
      line.append(cell);
    });
    return line;
  });
  find("table").replaceChildren(
    element("caption", "Groups, the greatest first"),
    element("thead", head),
    element("tbody", ...body),
  );
}

/** Buttons that put a field into the groups or take it out. */
function offer(fields) {
  const grouped = () => split(find("by").value);
  const chips = fields.map((field) => {
    const chip = element("button", field);
    chip.type = "button";
    chip.setAttribute("aria-pressed", grouped().includes(field));
    chip.addEventListener("click", () => {
      const rest = grouped().filter((other) => other !== field);
      const isNew = rest.length === grouped().length;
      find("by").value = (isNew ? [...rest, field] : rest).join(", ");
      press();
      ask();
    });
    return chip;
  });
  const press = () => chips.forEach((chip) => chip.setAttribute("aria-pressed", grouped().includes(chip.textContent)));
  find("by").oninput = press;
  find("fields").replaceChildren(find("fields").querySelector("legend"), ...chips);
  find("fields").hidden = !fields.length;
}

async function download(format) {
  try {
    const text = format === "svg" ? svg : await readers[0].ask("text", { format });
    const type = { svg: "image/svg+xml", csv: "text/csv", json: "application/json", ndjson: "application/x-ndjson" }[format];
    save(new Blob([text], { type }), `answer.${format}`);
  } catch (error) {
    fail(error);
  }
}

function save(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Not before the browser has begun to save it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children);
  return made;
}

function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power ? 1 : 0)} ${UNITS[power]}`;
}

/** Pictures and numbers are a WebAssembly file of their own, loaded when they are first asked for. */
let chores;
async function chore(work) {
  find("chore-failure").hidden = true;
  try {
    chores ??= import("./lockgate_image.js").then(async (module) => (await module.default(), module));
    await work(await chores);
  } catch (error) {
    find("chore-failure").textContent = error.message;
    find("chore-failure").hidden = false;
  }
}

find("files").addEventListener("change", (event) => {
  take(event.target.files);
  // The same file may be chosen again: it may have grown.
  event.target.value = "";
});
find("question").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
find("stop").addEventListener("click", () => {
  restart();
  busy(false);
  // The worker that had the answer before is gone.
  find("answer").hidden = true;
  find("status").textContent = "Stopped.";
});
for (const button of document.querySelectorAll("[data-download]")) {
  button.addEventListener("click", () => download(button.dataset.download));
}
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  // A file that misses the zone must not be opened by the browser in place of the page.
  addEventListener(name, (event) => {
    event.preventDefault();
    find("drop").classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
}
find("picture").addEventListener("submit", (event) => {
  event.preventDefault();
  chore(async ({ process_image }) => {
    const data = new Uint8Array(await find("image").files[0].arrayBuffer());
    const png = process_image(data, find("width").valueAsNumber, find("height").valueAsNumber);
    URL.revokeObjectURL(find("gray").src);
    find("gray").src = URL.createObjectURL(new Blob([png], { type: "image/png" }));
    find("gray").hidden = false;
  });
});
find("number").addEventListener("submit", (event) => {
  event.preventDefault();
  chore(({ fibonacci }) => {
    find("fibonacci").textContent = fibonacci(find("place").valueAsNumber);
  });
});
