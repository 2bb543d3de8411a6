//! Which route answers: by host, then path, then whatever else it asks for.

mod conditions;
mod overlap;
mod query;
mod table;

use crate::pattern::{HostPattern, PathPattern};
use conditions::Conditions;
use table::Hosts;

/// What one route asks of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The hosts it answers; `None`: any.
    pub host: Option<HostPattern>,
    /// The paths it answers.
    pub path: PathPattern,
    /// The methods it answers, exact and case-sensitive (RFC 9110 §9.1); `None`: any. `GET` does not imply `HEAD`.
    pub methods: Option<Vec<String>>,
    /// Header fields it asks for: name, and value or `None` for "present".
    pub headers: Vec<(String, Option<String>)>,
    /// Query parameters it asks for: name, and value or `None` for "present".
    pub query: Vec<(String, Option<String>)>,
}

/// What a router needs to know of a request.
pub trait Subject {
    /// Host in lower case, without port and final dot; empty when there is none.
    fn host(&self) -> &str;
    /// Path in normal form (see [`normalize_path`](crate::normalize_path)).
    fn path(&self) -> &str;
    /// Method.
    fn method(&self) -> &str;
    /// Whether there is a header field of this name, in any case, and with this value if one is given.
    fn has_header(&self, name: &str, value: Option<&str>) -> bool;
    /// Query as received, without `?`; empty when there is none.
    fn query(&self) -> &str;
}

/// What a router says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Routed<'r> {
    /// The rule of this index answers.
    Found(usize),
    /// Only the method keeps some rule from answering; the methods that would do, sorted, each once (for `Allow`).
    MethodNotAllowed(Vec<&'r str>),
    /// No rule answers.
    NotFound,
}

/// Routes compiled for look-up: its cost is that of a few hash look-ups, however many rules there are.
///
/// The order is: exact host, longest wildcard, any host; then exact path, longest prefix; then the rule with more
/// other matches, which are its headers and query parameters, and one more if it names methods; then the rule
/// written first. The first rule in this order that matches in everything answers, so rules of lesser hosts and
/// paths are fallbacks for those that ask for more than a request has. A condition written twice, or implied by
/// another on the same name, counts once.
#[derive(Clone, Debug)]
pub struct Router {
    rules: Box<[Conditions]>,
    hosts: Hosts,
}

impl Router {
    /// Compiles the rules; [`Routed::Found`] holds indices into them.
    pub fn new(rules: &[Rule]) -> Self {
        let conditions: Box<[Conditions]> = rules.iter().map(Conditions::of).collect();
        let hosts = Hosts::new(rules, &conditions);
        Self { rules: conditions, hosts }
    }

    /// Finds the rule that answers `subject`. Does not allocate unless the answer is
    /// [`Routed::MethodNotAllowed`].
    pub fn route(&self, subject: &impl Subject) -> Routed<'_> {
        let mut method_missed = false;
        let found = self.candidates(subject, |index, rule| {
            if !rule.others_match(subject) {
                return None;
            }
            if rule.allows(subject.method()) {
                return Some(index);
            }
            method_missed = true;
            None
        });
        match found {
            Some(index) => Routed::Found(index),
            None if method_missed => Routed::MethodNotAllowed(self.allowed(subject)),
            None => Routed::NotFound,
        }
    }

    /// Pairs of rules, by index and the earlier first, of which neither comes before the other by rank although one
    /// request can match both: same host, path and number of other matches, and nothing that excludes the other.
    ///
    /// Two rules that ask for different values of one header or query parameter are taken to exclude each other; a
    /// request that repeats the name with both goes to the rule written first. Each rule is named at most once as
    /// the later of a pair, with the first rule it collides with.
    pub fn conflicts(rules: &[Rule]) -> Vec<(usize, usize)> {
        overlap::conflicts(rules)
    }

    /// Rules that can never answer, each with the first of the rules that take its requests: (never, taken by).
    ///
    /// Reported when rules earlier in the order, of the same host and path and asking for nothing this rule does
    /// not ask for, together allow all its methods; and when a rule's own list of methods is empty, paired with
    /// itself. Nothing is reported falsely. Nothing else can hide a rule: a more specific host or path pattern never
    /// covers a less specific one, and a rule that asks for more leaves the requests that lack it.
    pub fn shadowed(rules: &[Rule]) -> Vec<(usize, usize)> {
        overlap::shadowed(rules)
    }

    /// Visits the rules whose host and path match, best first, until `visit` answers.
    fn candidates<T>(
        &self,
        subject: &impl Subject,
        mut visit: impl FnMut(usize, &Conditions) -> Option<T>,
    ) -> Option<T> {
        self.hosts.visit(subject.host(), subject.path(), |index| visit(index, &self.rules[index]))
    }

    fn allowed(&self, subject: &impl Subject) -> Vec<&str> {
        let mut indices = Vec::new();
        self.candidates(subject, |index, rule| {
            if rule.others_match(subject) {
                indices.push(index);
            }
            None::<()>
        });
        let methods = indices.iter().filter_map(|&index| self.rules[index].methods()).flatten();
        let mut methods: Vec<&str> = methods.map(|method| &**method).collect();
        methods.sort_unstable();
        methods.dedup();
        methods
    }
}

#[cfg(test)]
mod tests;
