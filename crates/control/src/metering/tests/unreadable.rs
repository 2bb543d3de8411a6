//! A segment that cannot be read holds up neither those behind it nor their removal.

use super::*;

/// A data directory with some segments, the first of which is put aside; what the others hold, and what all hold.
struct Stand {
    dir: tempfile::TempDir,
    first: PathBuf,
    second: PathBuf,
    aside: PathBuf,
    rest: Usage,
    whole: Usage,
}

impl Stand {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (journal, mut writer, _) = start(dir.path(), u64::MAX, &Arc::default());
        write(&mut writer, &mut Random(seed), 2000);
        drop(writer);
        journal.stop().unwrap();
        let whole = summed(dir.path());
        let entries = std::fs::read_dir(dir.path().join("journal")).unwrap();
        let segments = entries.map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            segments.filter(|path| path.extension().is_some_and(|suffix| suffix == "segment")).collect();
        segments.sort();
        assert!(segments.len() > 3, "{segments:?}");
        let (first, second) = (segments[0].clone(), segments[1].clone());
        let aside = dir.path().join("aside");
        std::fs::rename(&first, &aside).unwrap();
        let rest = summed(dir.path());
        assert_ne!(rest, whole);
        Self { dir, first, second, aside, rest, whole }
    }

    fn fold(&self, store: &Arc<Books>) -> (Box<dyn EventReader>, Metering) {
        let data_dir = DataDir::open(self.dir.path()).unwrap();
        Metering::new(Arc::clone(store) as Arc<dyn Store>, &data_dir)
    }
}

async fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_behind_a_segment_that_cannot_be_opened_is_folded_and_that_one_later() {
    let stand = Stand::new(21);
    let store = Arc::<Books>::default();
    std::fs::create_dir(&stand.first).unwrap();
    let (reader, metering) = stand.fold(&store);
    let handle = metering.handle();
    let run = tokio::spawn(metering.run(pending()));
    wait_until(|| handle.status().segments_unreadable == 1).await;
    assert_eq!(store.usage(), stand.rest);
    assert!(
        reader.needs(&stand.first) && !reader.needs(&stand.second),
        "it is kept and what is folded is not"
    );
    let status = handle.status();
    assert!(
        status.lag > Duration::ZERO && status.last_error.is_none() && status.segments_held == 1,
        "{status:?}"
    );

    std::fs::remove_dir(&stand.first).unwrap();
    std::fs::rename(&stand.aside, &stand.first).unwrap();
    wait_until(|| handle.status().segments_unreadable == 0).await;
    assert_eq!(store.usage(), stand.whole);
    assert_eq!(handle.status().lag, Duration::ZERO);
    assert!(!reader.needs(&stand.first));
    run.abort();
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_does_not_give_for_long_counts_as_damaged() {
    let stand = Stand::new(22);
    let store = Arc::<Books>::default();
    // A file whose first pages fail with an input/output error.
    std::os::unix::fs::symlink("/proc/self/mem", &stand.first).unwrap();
    let (reader, metering) = stand.fold(&store);
    let handle = metering.handle();
    let began = Instant::now();
    let run = tokio::spawn(metering.run(pending()));
    wait_until(|| handle.status().segments_unreadable == 1).await;
    assert!(reader.needs(&stand.first));
    wait_until(|| handle.status().segments_unreadable == 0).await;
    assert!(began.elapsed() >= UNREADABLE_RETRY * (crate::limits::UNREADABLE_TRIES - 1));
    assert_eq!((store.usage(), reader.needs(&stand.first)), (stand.rest, false));
    run.abort();
}
