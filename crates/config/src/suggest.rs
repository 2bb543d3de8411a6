//! The known word nearest to an unknown one.

/// Longer words are not compared: the cost grows with the product of the lengths.
const LENGTH_MAX: usize = 64;

/// Returns the candidate with the fewest edits from `word`, if they are few enough to be a slip of the hand.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = folded(word)?;
    let allowed = (word.len() / 3).max(1);
    candidates
        .filter_map(|candidate| Some((distance(&word, &folded(candidate)?, allowed)?, candidate)))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Lower case and one kind of dash: those are never the difference that matters.
fn folded(word: &str) -> Option<Vec<char>> {
    if word.len() > LENGTH_MAX {
        return None;
    }
    Some(word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect())
}

/// Counts insertions, deletions, replacements and swaps of neighbours (optimal string alignment); `None` beyond
/// `allowed`.
fn distance(a: &[char], b: &[char], allowed: usize) -> Option<usize> {
    if a.len().abs_diff(b.len()) > allowed {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = above[j] + usize::from(x != y);
            let mut edits = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                edits = edits.min(before[j - 1] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().filter(|edits| *edits <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, expected: Option<&str>) {
        let known = ["timeout", "methods", "encoded-slashes", "host", "path", "allow"];
        assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
    }

    #[test]
    fn a_slip_of_the_hand_finds_its_word() {
        check("timeot", Some("timeout"));
        check("method", Some("methods"));
        check("encoded_slash", Some("encoded-slashes"));
        check("hsot", Some("host"));
        check("Allow", Some("allow"));
    }

    #[test]
    fn another_word_finds_nothing() {
        check("certificate", None);
        check("", None);
        check(&"x".repeat(10_000), None);
    }
}
