//! A ring has one producer: its writer may move to another thread, but two threads cannot share it.
fn share(ring: &journal::RingWriter) {
    std::thread::scope(|scope| {
        scope.spawn(|| ring.worker());
    });
}

fn main() {}
