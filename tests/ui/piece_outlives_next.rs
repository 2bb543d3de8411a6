//! A piece of a body is valid until the next is asked for: its bytes lie in the connection's buffer.
async fn keep(body: &mut impl proxy::adapter::Source) -> usize {
    let first = body.next().await.expect("a piece");
    let second = body.next().await.expect("a piece");
    first.data.len() + second.data.len()
}

fn main() {}
