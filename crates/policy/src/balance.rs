//! Smooth weighted round robin: each choice in proportion to its weight, without bursts.

/// Chooses among weighted entries so that the choices of one entry are spread evenly.
///
/// Each pick raises every usable entry by its weight, takes the highest, and lowers that one by the sum of the
/// raises; weights 5, 1, 1 give a a b a c a a. An entry of weight 0 is never picked.
#[derive(Clone, Debug)]
pub struct SmoothWeighted {
    entries: Box<[Entry]>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    weight: i64,
    /// How far the entry is behind its share, in weights.
    behind: i64,
}

impl SmoothWeighted {
    /// Begins anew with these weights.
    pub fn new(weights: &[u16]) -> Self {
        let entries = weights.iter().map(|&weight| Entry { weight: i64::from(weight), behind: 0 });
        Self { entries: entries.collect() }
    }

    /// The index of the next entry among those `usable` says may be picked, or `None` if there is none.
    ///
    /// An entry that is not usable neither gains nor loses: when it comes back it has its share, and no backlog.
    pub fn pick(&mut self, usable: impl Fn(usize) -> bool) -> Option<usize> {
        if let [only] = &*self.entries {
            return (only.weight > 0 && usable(0)).then_some(0);
        }
        let mut total = 0;
        let mut best: Option<(usize, i64)> = None;
        for (index, entry) in self.entries.iter_mut().enumerate() {
            if entry.weight == 0 || !usable(index) {
                continue;
            }
            total += entry.weight;
            entry.behind = entry.behind.saturating_add(entry.weight);
            if best.is_none_or(|(_, behind)| entry.behind > behind) {
                best = Some((index, entry.behind));
            }
        }
        let (index, behind) = best?;
        self.entries[index].behind = behind.saturating_sub(total);
        Some(index)
    }
}

/// Chooses one of a route's upstreams by weight: 95 and 5 send every twentieth request to the second.
#[derive(Clone, Debug)]
pub struct WeightedChoice {
    order: SmoothWeighted,
}

impl WeightedChoice {
    /// Begins anew with these weights.
    pub fn new(weights: &[u16]) -> Self {
        Self { order: SmoothWeighted::new(weights) }
    }

    /// The index of the next choice, or `None` if there is none of a weight above 0.
    pub fn pick(&mut self) -> Option<usize> {
        self.order.pick(|_| true)
    }
}

#[cfg(test)]
mod tests;
