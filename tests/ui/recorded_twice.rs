//! An exchange is recorded once: `done` takes the record.
fn twice<P: proxy::ProxyHttp>(record: proxy::Record, occasion: proxy::Occasion<'_, P>) {
    record.done(occasion);
    record.done(occasion);
}

fn main() {}
