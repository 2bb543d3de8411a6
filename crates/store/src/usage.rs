//! What every user consumed: added by folding the journal, asked for by groups.

use async_trait::async_trait;

use crate::{DatabaseId, KeyId, UserId};

/// How far a segment has been folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// When the segment was made, microseconds since 1970-01-01T00:00:00Z: its name on its node.
    pub segment: u64,
    /// Everything before this offset is in the usage, bytes.
    pub offset: u64,
}

/// A mark that moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The segment.
    pub segment: u64,
    /// Where its mark must be; 0: it has none.
    pub from: u64,
    /// Where it will be.
    pub to: u64,
}

/// Usage to add: one user's, by one key, on one route, in one hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageDelta {
    /// Whose; `None`: nobody was asked who they are.
    pub user_id: Option<UserId>,
    /// By which key.
    pub key_id: Option<KeyId>,
    /// On which route.
    pub route: Box<str>,
    /// Hours since 1970-01-01T00:00:00Z.
    pub hour: u64,
    /// Exchanges; less than none when more were taken back than counted.
    pub count: i64,
    /// Sum of the metered values, millionths of a unit.
    pub total: i128,
}

/// When a key was last presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key_id: KeyId,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub used_us: u64,
}

/// A step of the fold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fold {
    /// Which database it is for; `None`: whichever it comes to.
    pub database: Option<DatabaseId>,
    /// Whose journal.
    pub node: u64,
    /// The marks that move on; each segment at most once.
    pub advances: Vec<Advance>,
    /// What is added; each group at most once.
    pub usage: Vec<UsageDelta>,
    /// Which keys were presented; each at most once.
    pub uses: Vec<KeyUse>,
}

impl Fold {
    /// The largest id of a user in it.
    #[must_use]
    pub fn last_user(&self) -> Option<UserId> {
        self.usage.iter().filter_map(|delta| delta.user_id).max()
    }

    /// The largest id of a key in it.
    #[must_use]
    pub fn last_key(&self) -> Option<KeyId> {
        let counted = self.usage.iter().filter_map(|delta| delta.key_id);
        counted.chain(self.uses.iter().map(|used| used.key_id)).max()
    }
}

/// What usage is told apart by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageBy {
    /// By user.
    pub user: bool,
    /// By key.
    pub key: bool,
    /// By route.
    pub route: bool,
    /// By time.
    pub time: Option<Bucket>,
}

/// A stretch of time, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// One user only.
    pub user_id: Option<UserId>,
    /// From this hour on; hours since 1970-01-01T00:00:00Z.
    pub from_hour: u64,
    /// Before this hour; `None`: to the end.
    pub to_hour: Option<u64>,
    /// What to tell apart.
    pub by: UsageBy,
    /// The last group of the page before.
    pub after: Option<UsageRow>,
    /// Most rows to give; 0: all.
    pub limit: u32,
}

/// One group's usage. What it is not told apart by is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The user; `None` also for nobody.
    pub user_id: Option<UserId>,
    /// The key; `None` also for none.
    pub key_id: Option<KeyId>,
    /// The route.
    pub route: Option<String>,
    /// First hour of the stretch of time; hours since 1970-01-01T00:00:00Z.
    pub hour: Option<u64>,
    /// Exchanges.
    pub count: i64,
    /// Sum of the metered values, millionths of a unit.
    pub total: i128,
}

/// Takes rows of usage as they come.
#[async_trait]
pub trait UsageSink: Send {
    /// Takes the next rows; waits while there is no room for them.
    async fn take(&mut self, rows: Vec<UsageRow>);
}

/// Has room for all.
#[async_trait]
impl UsageSink for Vec<UsageRow> {
    async fn take(&mut self, mut rows: Vec<UsageRow>) {
        self.append(&mut rows);
    }
}

/// A correction to be added to what was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCorrection {
    /// Whose usage.
    pub user_id: UserId,
    /// Of which key, if of one.
    pub key_id: Option<KeyId>,
    /// On which route; empty: on none.
    pub route: String,
    /// In which hour; hours since 1970-01-01T00:00:00Z.
    pub hour: u64,
    /// Exchanges to add; negative: to take away.
    pub count: i64,
    /// Amount to add, millionths of a unit; negative: to take away.
    pub total: i128,
    /// Why, for whoever reads the books.
    pub note: String,
}

/// A correction that was added. It is never changed; another one takes it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Its number.
    pub id: u64,
    /// What it says.
    pub what: NewCorrection,
    /// When it was added, microseconds since 1970-01-01T00:00:00Z.
    pub created_us: u64,
}
