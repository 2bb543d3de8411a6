//! What the page says is what the same code says natively.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

#[test]
fn an_access_log_that_is_chosen_is_answered() {
    let Some(stand) = Stand::new() else { return };
    let log = example("access.log");
    stand.choose(&[&log]);
    let question = json!({ "by": ["path"], "measure": ["count", "sum(bytes_out)"] });
    assert_eq!(stand.table(), expected(&question, &log));
    stand.browser.wait("the drawing", "return document.querySelector('#drawing').naturalWidth === 960");
    stand.write("by", "status");
    stand.write("measure", "count, top2(path)");
    stand.write("where", "method = GET and status >= 300");
    stand.write("every", "10m");
    stand.ask();
    let question = json!({
        "by": ["status"], "measure": ["count", "top2(path)"], "where": "method = GET and status >= 300", "every": "10m",
    });
    assert_eq!(stand.table(), expected(&question, &log));
    assert_eq!(stand.browser.complaints(), [] as [&str; 0]);
}

#[test]
fn events_that_are_dropped_are_answered_and_nothing_is_sent() {
    let Some(stand) = Stand::new() else { return };
    let events = example("events.ndjson");
    stand.browser.wait("the page", "return document.readyState === 'complete'");
    stand.browser.drop_files(&[events.to_str().unwrap()], (300.0, 200.0));
    let question = json!({ "by": ["route"], "measure": ["count", "p99(latency_us)"] });
    assert_eq!(stand.table(), expected(&question, &events));
    stand.browser.wait("the drawing", "return document.querySelector('#drawing').naturalWidth === 960");
    let mut requests = stand.server.requests();
    requests.sort();
    let files = [
        "index.html",
        "lockgate_analytics.js",
        "lockgate_analytics_bg.wasm",
        "page.js",
        "style.css",
        "worker.js",
    ];
    assert_eq!(requests, files.map(|file| format!("GET /{file}")));
    assert_eq!(stand.browser.complaints(), [] as [&str; 0]);
}

#[test]
fn the_chips_and_the_downloads_work() {
    let Some(stand) = Stand::new() else { return };
    let events = example("events.csv");
    stand.choose(&[&events]);
    stand.table();
    // The answer's texts are caught on their way to the disk.
    stand.browser.run(
        "window.saved = {}; HTMLAnchorElement.prototype.click = function () { fetchText(this); };
         const make = URL.createObjectURL; const blobs = new Map();
         URL.createObjectURL = (blob) => { const url = make.call(URL, blob); blobs.set(url, blob); return url; };
         window.fetchText = (link) => blobs.get(link.href).text().then((text) => { saved[link.download] = text; });
         [...document.querySelectorAll('#fields button')].find((chip) => chip.textContent === 'status').click();",
        &[],
    );
    let question = json!({ "by": ["route", "status"], "measure": ["count", "p99(latency_us)"] });
    stand.browser.wait("both groups", "return document.querySelectorAll('#table th').length === 4");
    assert_eq!(stand.table(), expected(&question, &events));
    let answer = native(&question, &events);
    for format in ["csv", "json", "ndjson", "svg"] {
        stand.browser.click(&format!("[data-download={format}]"));
        stand.browser.wait(format, &format!("return 'answer.{format}' in saved"));
        let saved = stand.browser.run("return saved['answer.' + arguments[0]]", &[format.into()]);
        let native = if format == "svg" { answer.svg(960, 420) } else { answer.text(format) };
        assert_eq!(saved.as_str().unwrap(), native.unwrap(), "{format}");
    }
}

/// Asks a worker like the page's about a file with each vector's input.
const ASK_ALL: &str = "
    const script = new Blob([`import '${new URL('worker.js', location.href)}'`], { type: 'text/javascript' });
    const worker = new Worker(URL.createObjectURL(script), { type: 'module' });
    const module = await import(new URL('lockgate_analytics.js', location.href));
    await module.default();
    const ask = (wanted) => new Promise((resolve) => {
        worker.onmessage = ({ data }) => 'id' in data && resolve(data);
        worker.postMessage({ id: 1, chore: 'analyze', ...wanted });
    });
    const said = [];
    for (const { input, config, format } of arguments[0]) {
        const named = format === 'detect' ? undefined : format;
        const { done, failure } = await ask({ files: [new File([input], 'data')], configuration: config, format: named });
        let bytes;
        try {
            const answer = module.analyze_bytes(new TextEncoder().encode(input), JSON.stringify(config), named);
            bytes = { report: JSON.parse(answer.text('json')), counts: JSON.parse(answer.counts()) };
        } catch (error) {
            bytes = { fails: error.code, is_error: error instanceof Error };
        }
        if (failure) { said.push({ file: { fails: failure.code }, bytes }); continue; }
        const report = await new Promise((resolve) => {
            worker.onmessage = ({ data }) => resolve(JSON.parse(data.done));
            worker.postMessage({ id: 2, chore: 'text', format: 'json' });
        });
        said.push({ file: { report, counts: done.counts }, bytes });
    }
    return said;";

#[test]
fn every_shared_vector_is_answered() {
    let Some(stand) = Stand::new() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "json"));
    let vectors: Vec<Value> =
        files.map(|path| serde_json::from_slice(&fs::read(path).unwrap()).unwrap()).collect();
    assert!(vectors.len() >= 15);
    let said = stand.browser.run(
        &format!("return (async function () {{ {ASK_ALL} }}).apply(null, arguments)"),
        &[json!(vectors)],
    );
    for (vector, said) in vectors.iter().zip(said.as_array().unwrap()) {
        check(vector, &said["file"]);
        check(vector, &said["bytes"]);
        assert_ne!(said["bytes"]["is_error"], false);
    }
}

#[track_caller]
fn check(vector: &Value, said: &Value) {
    let about = &vector["about"];
    if vector.get("fails").is_some() {
        assert_eq!(said["fails"], vector["fails"], "{about}");
        return;
    }
    assert_eq!(said["report"], vector["report"], "{about}");
    let places = said["counts"]["places"].as_array().unwrap().iter();
    let lines: Value = places.map(|place| place["line"].clone()).collect();
    assert_eq!(lines, *vector.get("malformed_lines").unwrap_or(&json!([])), "{about}");
    for key in ["rows", "malformed", "timeless"] {
        assert_eq!(said["counts"][key], *vector.get(key).unwrap_or(&json!(0)), "{about}: {key}");
    }
}

#[test]
fn the_example_of_the_readme_answers() {
    let Some(stand) = Stand::new() else { return };
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let code = readme.split("```js\n").nth(1).unwrap().split("```").next().unwrap();
    let script = "
        const base = location.href.replace('index.html', '');
        const script = new Blob([arguments[0].replace('./', base)], { type: 'text/javascript' });
        const worker = new Worker(URL.createObjectURL(script), { type: 'module' });
        worker.postMessage(new File([arguments[1]], 'events.ndjson'));
        return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });";
    let file = example("events.ndjson");
    let events = fs::read_to_string(&file).unwrap();
    let said = stand.browser.run(script, &[code.into(), events.into()]);
    let question =
        json!({ "by": ["route"], "measure": ["count", "p99(latency_us)"], "where": "status < 500" });
    let native = native(&question, &file);
    assert_eq!(said["report"], serde_json::from_str::<Value>(&native.text("json").unwrap()).unwrap());
    assert_eq!(said["svg"], native.svg(960, 420).unwrap());
}

#[test]
fn pictures_and_numbers_are_made() {
    let Some(stand) = Stand::new() else { return };
    let png = stand.file("picture.png", lockgate_wasm::process_image(TINY_GIF, 20, 10).unwrap());
    stand.browser.run("document.querySelector('#chores').open = true", &[]);
    stand.browser.send_keys("#image", png.to_str().unwrap());
    stand.browser.click("#picture button");
    let shown = "const gray = document.querySelector('#gray'); return gray.naturalWidth === 160 && gray.naturalHeight === 120";
    stand.browser.wait("the picture", shown);
    stand.browser.click("#number button");
    stand.browser.wait(
        "the number",
        "return document.querySelector('#fibonacci').textContent === '12200160415121876738'",
    );
    let broken = stand.file("broken.png", b"not a picture");
    stand.browser.send_keys("#image", broken.to_str().unwrap());
    stand.browser.click("#picture button");
    stand.browser.wait("an error", "return !document.querySelector('#chore-failure').hidden");
    assert_eq!(stand.text("#chore-failure"), "it is no PNG, JPEG, GIF or WebP");
    let thrown = stand.browser.run(
        "return import(new URL('lockgate_image.js', location.href)).then(async (module) => {
            await module.default();
            try { module.fibonacci(94) } catch (error) { return [error.name, error.message] }
        })",
        &[],
    );
    assert_eq!(thrown, json!(["RangeError", "the last Fibonacci number that 64 bits hold is that of 93"]));
}

/// One black pixel.
const TINY_GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
