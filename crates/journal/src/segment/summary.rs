//! What a segment holds, gathered while it is written, so that its footer costs no second look.

use std::collections::HashMap;

use lockgate_event::{Kind, glance};

use super::{BlockHeader, Footer, RingId, frames};

/// Most users a footer names; a segment with more is marked as such.
const USERS_MAX: usize = 65_536;
/// Most routes a footer names.
const ROUTES_MAX: usize = 16_384;
/// Distance between two entries of the index of offsets, bytes.
const INDEX_STEP_BYTES: u64 = 256 << 10;

/// Counts over the blocks of one segment.
#[derive(Default)]
pub(crate) struct Summary {
    ts_us: Option<(u64, u64)>,
    done: u64,
    part: u64,
    cut: u64,
    routes: HashMap<Box<[u8]>, u64>,
    users: HashMap<u64, u64>,
    more_routes: bool,
    more_users: bool,
    positions: HashMap<RingId, u64>,
    index: Vec<(u64, u64)>,
}

impl Summary {
    /// Starts from the positions that the segment's header says.
    pub(crate) fn starting_at(positions: &[(RingId, u64)]) -> Self {
        Self { positions: positions.iter().copied().collect(), ..Self::default() }
    }

    /// Adds a whole block that stands at `offset`.
    pub(crate) fn add_block(&mut self, header: &BlockHeader, offset: u64, payload: &[u8]) {
        if self.index.last().is_none_or(|(last, _)| offset - last >= INDEX_STEP_BYTES) {
            self.index.push((offset, header.first_ts_us));
        }
        self.positions.insert(header.ring, header.ring_position + u64::from(header.payload_bytes));
        let mut run = Run::default();
        for frame in frames(payload) {
            if let Ok(glance) = glance(frame.record) {
                self.add_record(glance.kind, glance.ts_us);
                run.add(self, glance.route, glance.user_id);
            }
        }
        run.flush(self);
    }

    fn add_record(&mut self, kind: Kind, ts_us: u64) {
        match kind {
            Kind::Done => self.done += 1,
            Kind::Part => self.part += 1,
            Kind::Cut => self.cut += 1,
        }
        let (first, last) = self.ts_us.unwrap_or((ts_us, ts_us));
        self.ts_us = Some((first.min(ts_us), last.max(ts_us)));
    }

    fn add_route(&mut self, route: &[u8], records: u64) {
        if let Some(count) = self.routes.get_mut(route) {
            *count += records;
        } else if self.routes.len() < ROUTES_MAX {
            self.routes.insert(route.into(), records);
        } else {
            self.more_routes = true;
        }
    }

    fn add_user(&mut self, user: u64, records: u64) {
        if let Some(count) = self.users.get_mut(&user) {
            *count += records;
        } else if self.users.len() < USERS_MAX {
            self.users.insert(user, records);
        } else {
            self.more_users = true;
        }
    }

    /// Whether any block has been added.
    pub(crate) fn has_records(&self) -> bool {
        self.ts_us.is_some()
    }

    /// How far each ring's records have been written.
    pub(crate) fn positions(&self) -> &HashMap<RingId, u64> {
        &self.positions
    }

    /// Notes a ring from which nothing has been written yet.
    pub(crate) fn note_ring(&mut self, ring: RingId, position: u64) {
        self.positions.entry(ring).or_insert(position);
    }

    /// Forgets rings that no longer exist.
    pub(crate) fn keep_rings(&mut self, exists: impl Fn(RingId) -> bool) {
        self.positions.retain(|ring, _| exists(*ring));
    }

    pub(crate) fn positions_sorted(&self) -> Vec<(RingId, u64)> {
        let mut positions: Vec<_> =
            self.positions.iter().map(|(ring, position)| (*ring, *position)).collect();
        positions.sort_unstable();
        positions
    }

    pub(crate) fn to_footer(&self) -> Footer {
        let mut routes: Vec<_> = self
            .routes
            .iter()
            .map(|(route, count)| (String::from_utf8_lossy(route).into(), *count))
            .collect();
        routes.sort_unstable();
        let mut users: Vec<_> = self.users.iter().map(|(user, count)| (*user, *count)).collect();
        users.sort_unstable();
        Footer {
            ts_us: self.ts_us,
            done: self.done,
            part: self.part,
            cut: self.cut,
            routes,
            users,
            names_all_routes: !self.more_routes,
            names_all_users: !self.more_users,
            positions: self.positions_sorted(),
            index: self.index.clone(),
        }
    }
}

/// Neighbors often share route and user: they are looked up once.
#[derive(Default)]
struct Run<'a> {
    route: &'a [u8],
    of_route: u64,
    user: u64,
    of_user: u64,
}

impl<'a> Run<'a> {
    fn add(&mut self, summary: &mut Summary, route: &'a [u8], user: Option<u64>) {
        if self.of_route == 0 || self.route != route {
            self.flush_route(summary);
            self.route = route;
        }
        self.of_route += 1;
        if let Some(user) = user {
            if self.user != user {
                self.flush_user(summary);
                self.user = user;
            }
            self.of_user += 1;
        }
    }

    fn flush(&mut self, summary: &mut Summary) {
        self.flush_route(summary);
        self.flush_user(summary);
    }

    fn flush_route(&mut self, summary: &mut Summary) {
        if self.of_route > 0 {
            summary.add_route(self.route, self.of_route);
        }
        self.of_route = 0;
    }

    fn flush_user(&mut self, summary: &mut Summary) {
        if self.of_user > 0 {
            summary.add_user(self.user, self.of_user);
        }
        self.of_user = 0;
    }
}
