//! Rules by host and path, so that a look-up visits only those whose host and path match.

use rustc_hash::FxHashMap;

use super::{Conditions, Rule};
use crate::pattern::{HostKind, HostPattern, PathKind, PathPattern};

/// Indices of the rules of one host and path, best first.
type Ranked = Vec<usize>;

/// The rules by host. The keys come from the configuration, so clients cannot make these tables collide.
#[derive(Clone, Debug, Default)]
pub(super) struct Hosts {
    exact: FxHashMap<Box<str>, Paths>,
    /// By what stands behind the star, dot included.
    under: FxHashMap<Box<str>, Paths>,
    /// Dots in the longest key of `under`: what bounds the look-ups for a host of many labels.
    dots_max: usize,
    any: Paths,
}

impl Hosts {
    pub(super) fn new(rules: &[Rule], conditions: &[Conditions]) -> Self {
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by_key(|&index| (std::cmp::Reverse(conditions[index].count()), index));
        let mut hosts = Self::default();
        for index in order {
            hosts.paths_mut(rules[index].host.as_ref()).insert(&rules[index].path, index);
        }
        hosts
    }

    fn paths_mut(&mut self, host: Option<&HostPattern>) -> &mut Paths {
        match host.map(HostPattern::kind) {
            None => &mut self.any,
            Some(HostKind::Exact(name)) => self.exact.entry(name.as_str().into()).or_default(),
            Some(HostKind::Under(suffix)) => {
                self.dots_max = self.dots_max.max(count(suffix, b'.'));
                self.under.entry(suffix.as_str().into()).or_default()
            }
        }
    }

    /// Visits the rules whose host and path match, best first, until `visit` answers.
    pub(super) fn visit<T>(
        &self,
        host: &str,
        path: &str,
        mut visit: impl FnMut(usize) -> Option<T>,
    ) -> Option<T> {
        if !self.exact.is_empty()
            && let Some(paths) = self.exact.get(host)
            && let Some(answer) = paths.visit(path, &mut visit)
        {
            return Some(answer);
        }
        if !self.under.is_empty()
            && let Some(answer) = self.visit_under(host, path, &mut visit)
        {
            return Some(answer);
        }
        self.any.visit(path, &mut visit)
    }

    /// Tries the longest suffix first. A dot at the very start has no label before it for the star to stand for.
    fn visit_under<T>(
        &self,
        host: &str,
        path: &str,
        visit: &mut impl FnMut(usize) -> Option<T>,
    ) -> Option<T> {
        let first = memchr::memrchr_iter(b'.', host.as_bytes()).take(self.dots_max).last()?;
        memchr::memchr_iter(b'.', &host.as_bytes()[first..])
            .map(|at| first + at)
            .filter(|&at| at > 0)
            .filter_map(|at| self.under.get(&host[at..]))
            .find_map(|paths| paths.visit(path, visit))
    }
}

/// The rules of one host pattern by path.
#[derive(Clone, Debug, Default)]
struct Paths {
    exact: FxHashMap<Box<str>, Ranked>,
    /// By what stands before `/*`.
    under: FxHashMap<Box<str>, Ranked>,
    /// Slashes in the deepest key of `under`, and bytes in the longest: what bounds the look-ups for a long path.
    slashes_max: usize,
    length_max: usize,
}

impl Paths {
    fn insert(&mut self, path: &PathPattern, index: usize) {
        let ranked = match path.kind() {
            PathKind::Exact(path) => self.exact.entry(path.as_str().into()).or_default(),
            PathKind::Under(prefix) => {
                self.slashes_max = self.slashes_max.max(count(prefix, b'/'));
                self.length_max = self.length_max.max(prefix.len());
                self.under.entry(prefix.as_str().into()).or_default()
            }
        };
        ranked.push(index);
    }

    fn visit<T>(&self, path: &str, visit: &mut impl FnMut(usize) -> Option<T>) -> Option<T> {
        if !self.exact.is_empty()
            && let Some(ranked) = self.exact.get(path)
            && let Some(answer) = ranked.iter().find_map(|&index| visit(index))
        {
            return Some(answer);
        }
        if self.under.is_empty() {
            return None;
        }
        let mut end = self.longest_candidate(path);
        loop {
            if end <= self.length_max
                && let Some(ranked) = self.under.get(&path[..end])
                && let Some(answer) = ranked.iter().find_map(|&index| visit(index))
            {
                return Some(answer);
            }
            end = memchr::memrchr(b'/', &path.as_bytes()[..end])?;
        }
    }

    /// Length of the longest part of `path` that ends where a segment does and has no more slashes than any prefix.
    fn longest_candidate(&self, path: &str) -> usize {
        memchr::memchr_iter(b'/', path.as_bytes()).nth(self.slashes_max).unwrap_or(path.len())
    }
}

fn count(text: &str, byte: u8) -> usize {
    memchr::memchr_iter(byte, text.as_bytes()).count()
}
