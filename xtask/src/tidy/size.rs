//! No file is larger than 1 MiB: a clone stays quick, and what is large can be made again.

use super::Problem;
use super::tree::Tree;

const BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let large = tree.sizes().filter(|(_, bytes)| *bytes > BYTES_MAX);
    let text =
        |bytes| format!("{bytes} bytes, {BYTES_MAX} are allowed: make it when it is needed, or shorten it");
    large.map(|(path, bytes)| Problem::new(path, 0, text(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::expect;
    use super::*;

    #[test]
    fn a_large_file_is_found_whatever_it_is() {
        let limit = usize::try_from(BYTES_MAX).unwrap();
        expect(check, &[("a.bin", &"x".repeat(limit + 1)), ("b.bin", &"x".repeat(limit))], &["a.bin:0"]);
    }
}
