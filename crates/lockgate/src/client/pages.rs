//! A list of the admin API, page by page, to its end: what has been printed need not be held.

use reqwest::Url;
use reqwest::header::LINK;
use serde_json::value::RawValue;

use super::{Client, Request, link};
use crate::failure::Failure;

/// The pages of a list. Entries are kept as the gateway wrote them, so that no digit of a number is lost.
pub(crate) struct Pages<'a> {
    client: &'a Client,
    request: Request,
    next: Option<Url>,
    /// Entries that may still be given.
    left: usize,
}

impl<'a> Pages<'a> {
    pub(super) fn new(client: &'a Client, request: Request) -> Self {
        let next = Some(client.url(&request));
        Self { client, request, next, left: usize::MAX }
    }

    /// Ends after so many entries.
    pub(crate) fn at_most(mut self, entries: usize) -> Self {
        self.left = entries;
        self
    }

    /// Whether there is a page after those already given.
    pub(crate) fn go_on(&self) -> bool {
        self.next.is_some() && self.left > 0
    }

    fn page(&mut self, url: &Url) -> Result<Vec<Box<RawValue>>, Failure> {
        let response = self.client.send_to(url.clone(), &self.request)?;
        let links = response.headers().get_all(LINK).iter().filter_map(|field| field.to_str().ok());
        let target = links.filter_map(link::next).next().map(str::to_owned);
        let text = self.client.read(&self.request, response)?;
        let mut entries: Vec<Box<RawValue>> = self.client.parse(&text)?;
        self.next = target.map(|target| self.follow(url, &target)).transpose()?;
        entries.truncate(self.left);
        self.left -= entries.len();
        Ok(entries)
    }

    /// The next page's address. The token goes to no other server, and a list that leads back to its page has no end.
    fn follow(&self, here: &Url, target: &str) -> Result<Url, Failure> {
        let there = here.join(target).ok().filter(|there| there.origin() == here.origin() && there != here);
        there.ok_or_else(|| {
            self.client.not_understood().because("it names no next page that can be asked for")
        })
    }
}

impl Iterator for Pages<'_> {
    type Item = Result<Vec<Box<RawValue>>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if !self.go_on() {
            return None;
        }
        let url = self.next.take()?;
        Some(self.page(&url))
    }
}
