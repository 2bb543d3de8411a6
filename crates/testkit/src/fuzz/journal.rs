//! Records and segments as a disk may give them back: damaged, cut, shuffled.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use ::journal::{DataDir, Journal, JournalOptions, RingWriter, SegmentReader};
use lockgate_event::{EventId, EventRef, RECORD_BYTES_MAX, TlsRef, TlsVersion, decode, encode};

/// Takes the bytes for one record: what can be decoded is encoded to the same event, and prints as one line of JSON.
pub fn event_record(data: &[u8]) {
    let _ = lockgate_event::glance(data);
    let Ok(event) = decode(data) else { return };
    let mut record = vec![0; RECORD_BYTES_MAX];
    let length = encode(&event, &mut record);
    assert_eq!(length, lockgate_event::encoded_len(&event));
    let again = decode(&record[..length]).expect("an encoded event can be decoded");
    let mut lines = [Vec::new(), Vec::new()];
    lockgate_event::write_ndjson(&event, &mut lines[0]);
    lockgate_event::write_ndjson(&again, &mut lines[1]);
    // A record may hold more of a text than an event may: then it is cut when written again.
    let texts_fit = event.trace.len() <= lockgate_event::TRACE_BYTES_MAX
        && event.path.len() <= lockgate_event::PATH_BYTES_MAX;
    assert!(!texts_fit || (again == event && lines[0] == lines[1]));
    assert_eq!(lines[0].iter().filter(|&&byte| byte == b'\n').count(), 1);
    assert!(serde_json::from_slice::<serde_json::Value>(&lines[0]).is_ok_and(|line| line.is_object()));
}

/// Takes the bytes for damage done to a sound segment, four at a time: what, where, and by how much. Whatever is
/// left, reading it ends, and shows no record that was never written.
pub fn journal_reader(data: &[u8]) {
    let written = written();
    let mut segment = written.segment.clone();
    let edits = data.chunks_exact(4).take(EDITS_MAX);
    let undamaged = edits.len() == 0;
    for edit in edits {
        damage(&mut segment, edit);
    }
    // One file for all runs; the lock keeps threads of one process apart.
    let _turn = written.turn.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::write(&written.damaged, &segment).expect("the temporary directory is writable");
    let Ok(mut reader) = SegmentReader::open(&written.damaged) else {
        assert!(!undamaged, "a sound segment can be opened");
        return;
    };
    let footer = reader.footer();
    assert!(!undamaged || footer.is_ok_and(|footer| footer.is_some()), "a stopped journal seals its segment");
    let found = read_to_the_end(&mut reader, written, segment.len());
    assert!(!undamaged || found == written.records.len(), "nothing is lost of a sound segment");
}

const EDITS_MAX: usize = 16;
const EVENTS: u64 = 60;
const WORKERS: usize = 3;

struct Written {
    segment: Vec<u8>,
    records: HashSet<Vec<u8>>,
    damaged: PathBuf,
    turn: Mutex<()>,
    _dir: tempfile::TempDir,
}

/// A sealed segment of several blocks, made once.
fn written() -> &'static Written {
    static WRITTEN: OnceLock<Written> = OnceLock::new();
    WRITTEN.get_or_init(|| write_journal().expect("a journal can be written in the temporary directory"))
}

fn write_journal() -> Result<Written, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let data_dir = DataDir::open(dir.path())?.with_rings_beside_segments();
    let options = JournalOptions { workers: WORKERS, ring_bytes: 64 << 10, ..JournalOptions::default() };
    let (journal, mut writers) = Journal::start(data_dir, options, Vec::new())?;
    for number in 0..EVENTS {
        let at = usize::try_from(number)? % WORKERS;
        write_event(&mut writers[at], number)?;
    }
    drop(writers);
    journal.stop()?;
    let path = only_segment(&dir.path().join("journal"))?;
    let mut reader = SegmentReader::open(&path)?;
    let mut records = HashSet::new();
    while let Some(record) = reader.next_record()? {
        records.insert(record.bytes.to_vec());
    }
    assert_eq!(records.len() as u64, EVENTS, "every event is a record of its own");
    let damaged = dir.path().join("damaged");
    Ok(Written { segment: std::fs::read(path)?, records, damaged, turn: Mutex::new(()), _dir: dir })
}

fn only_segment(dir: &Path) -> std::io::Result<PathBuf> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        paths.push(entry?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
    paths.pop().ok_or_else(|| std::io::ErrorKind::NotFound.into())
}

fn write_event(writer: &mut RingWriter, number: u64) -> Result<(), ::journal::RingFull> {
    let id: EventId = writer.next_id();
    let path = format!("/orders/{}", "7".repeat(usize::try_from(number * 13 % 200).unwrap_or_default()));
    let tls = TlsRef {
        version: TlsVersion::Tls13,
        resumed: number.is_multiple_of(2),
        server_name: Some("api.example.com"),
        client_fingerprint: Some(&[7; 32]),
    };
    let event = EventRef {
        id,
        tls: Some(tls).filter(|_| number.is_multiple_of(3)),
        ts_us: 1_000_000 + number,
        user_id: Some(number),
        path: &path,
        bytes_out: number,
        ..EventRef::EXAMPLE
    };
    writer.write(&event)
}

/// One blow: flipped bits, a cut end, a missing piece, a piece copied elsewhere, or a piece of zeros.
fn damage(segment: &mut Vec<u8>, edit: &[u8]) {
    let &[what, high, low, much] = edit else { return };
    if segment.is_empty() {
        return;
    }
    let at = usize::from(u16::from_be_bytes([high, low])) % segment.len();
    let end = segment.len().min(at + 1 + usize::from(much) * 4);
    match what % 5 {
        0 => segment[at] ^= much,
        1 => segment.truncate(at),
        2 => drop(segment.drain(at..end)),
        3 => {
            let length = end - at;
            let to = usize::from(much) * 64 % (segment.len() - length + 1);
            segment.copy_within(at..end, to);
        }
        _ => segment[at..end].fill(0),
    }
}

fn read_to_the_end(reader: &mut SegmentReader, written: &Written, bytes: usize) -> usize {
    let mut found = 0;
    // Each step passes over eight bytes at least.
    for _ in 0..=bytes / 8 + 1 {
        match reader.next_record() {
            Ok(Some(record)) => {
                assert!(written.records.contains(record.bytes), "a record that was never written");
                found += 1;
            }
            Ok(None) => return found,
            Err(_) => {}
        }
    }
    panic!("reading {bytes} bytes does not end");
}
