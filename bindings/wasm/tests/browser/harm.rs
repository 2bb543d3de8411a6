//! Files that mean harm, or are broken, end in a sentence; and nothing reaches another server.

use std::io::Write;

use serde_json::json;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

const LINES: &str = "{\"user\":\"<img src=x onerror=alert(1)>\",\"n\":1}\n{\"user\":\"b\",\"n\":2}\n";

#[test]
fn what_cannot_be_read_is_said_and_the_page_goes_on() {
    let Some(stand) = Stand::new() else { return };
    let compressed = gzip(LINES.repeat(1000).as_bytes());
    for (name, content, expected) in [
        (
            "binary.bin",
            &b"\0\x01\x02\x03"[..],
            "`binary.bin` is neither JSON lines nor CSV nor an access log nor a segment",
        ),
        (
            "cut.ndjson.gz",
            &compressed[..compressed.len() - 20],
            "reading `cut.ndjson.gz`: the gzip data ends too early",
        ),
        (
            "huge.zst",
            b"\x28\xb5\x2f\xfd\x00\xf8\x01\0\0",
            "reading `huge.zst`: the zstd data is damaged: it would take too much memory",
        ),
    ] {
        stand.choose(&[&stand.file(name, content)]);
        stand.browser.wait(
            "its name",
            &format!("return document.querySelector('#chosen').textContent.includes('{name}')"),
        );
        let told = stand.failure();
        assert!(told.starts_with(expected), "{told}");
    }
    let whole = stand.file("whole.ndjson", LINES);
    stand.choose(&[&whole]);
    stand.table();
    stand.write("where", "n >=");
    stand.ask();
    assert!(stand.failure().starts_with("`where`: "));
    stand.write("where", "");
    stand.ask();
    // What a file says is text, never a part of the page.
    let question = json!({ "by": ["user"], "measure": ["count"] });
    assert_eq!(stand.table(), expected(&question, &whole));
    assert_eq!(stand.browser.complaints(), [] as [&str; 0]);
}

#[test]
fn compressed_files_say_what_plain_ones_say() {
    let Some(stand) = Stand::new() else { return };
    let text = LINES.repeat(50_000);
    let plain = stand.file("plain.ndjson", &text);
    let question = json!({ "by": ["user"], "measure": ["count"] });
    let expected = expected(&question, &plain);
    let zst = zstd::encode_all(text.as_bytes(), 3).unwrap();
    for file in [
        stand.file("a.ndjson.gz", gzip(text.as_bytes())),
        stand.file("a.ndjson.zst", [&zst[..], &[]].concat()),
    ] {
        stand.browser.run("document.querySelector('#status').textContent = ''", &[]);
        stand.choose(&[&file]);
        assert_eq!(stand.table(), expected, "{}", file.display());
    }
}

#[test]
fn malformed_lines_are_told_with_their_places() {
    let Some(stand) = Stand::new() else { return };
    let files = [stand.file("one.ndjson", LINES), stand.file("two.ndjson", "{\"n\":1}\nnone\n")];
    stand.choose(&[&files[0], &files[1]]);
    stand.table();
    let notes = stand.text("#notes");
    assert!(notes.starts_with("1 of 4 lines could not be read. two.ndjson, line 2: "), "{notes}");
}

/// A quarter of a gigabyte without an end of line in 260 kB, and an object 100,000 levels deep.
#[test]
fn a_bomb_and_a_pit_are_malformed_lines() {
    let Some(stand) = Stand::new() else { return };
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let piece = vec![b'x'; 1 << 20];
    (0..256).for_each(|_| bomb.write_all(&piece).unwrap());
    let pit = "{\"user\":".repeat(100_000);
    stand.choose(&[&stand.file("bomb.ndjson.gz", bomb.finish().unwrap()), &stand.file("pit.ndjson", pit)]);
    stand.table();
    let notes = stand.text("#notes");
    let expected = "2 of 2 lines could not be read. bomb.ndjson.gz, line 1: it is longer than 16 MiB; pit.ndjson, line 1: ";
    assert!(notes.starts_with(expected), "{notes}");
}

/// A worker as the page makes it may reach the page's own folder, and nothing else.
#[test]
fn a_worker_of_the_page_reaches_no_other_server() {
    let Some(stand) = Stand::new() else { return };
    let other = Server::new(stand.folder.path());
    let script = "
        const reach = `const reach = (url) => fetch(url).then(() => true, () => false);
            Promise.all(['${location.href}', '${arguments[0]}'].map(reach)).then((all) => postMessage(all));`;
        const worker = new Worker(URL.createObjectURL(new Blob([reach], { type: 'text/javascript' })), { type: 'module' });
        return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });";
    assert_eq!(stand.browser.run(script, &[other.url("x").into()]), json!([true, false]));
    assert_eq!(other.requests(), [] as [&str; 0]);
}
