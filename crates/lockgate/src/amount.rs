//! Sizes for people.

/// A size in bytes, with one digit behind the point from a kibibyte on: `58.1 KiB`.
pub(crate) fn of_bytes(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_its_unit() {
        for (bytes, expected) in [(0, "0 B"), (1023, "1023 B"), (59_494, "58.1 KiB"), (1 << 30, "1024.0 MiB")]
        {
            assert_eq!(of_bytes(bytes), expected);
        }
    }
}
