//! What every database must do.

use store::Store;
use store::suite::Outcome;

use crate::Place;

store::suite!(check);

fn check(case: impl AsyncFnOnce(&dyn Store) -> Outcome) {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = place.open().await;
        let outcome = case(&store).await;
        store.close().await;
        outcome.unwrap();
    });
}
