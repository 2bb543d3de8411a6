//! Requests that are made twice and must count once (`Idempotency-Key`).

/// Tells a request that is made again from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once {
    /// What the client named it.
    pub key: String,
    /// Hash of everything the request asks for: the same key with another one is [`crate::StoreError::OnceReused`].
    pub request: [u8; 32],
}

/// Something made by this request, or by the same request before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made<T> {
    /// It was made now.
    Now(T),
    /// It was made before, and this is how it is now.
    Before(T),
}

impl<T> Made<T> {
    /// What was made.
    pub fn into_inner(self) -> T {
        match self {
            Self::Now(made) | Self::Before(made) => made,
        }
    }
}
