//! Whether the database answers.

use super::{ALL_USERS, Outcome, refused, user};
use crate::{Store, StoreError};

pub async fn an_open_store_answers(store: &dyn Store) -> Outcome {
    store.check().await
}

pub async fn a_store_keeps_its_name(store: &dyn Store) -> Outcome {
    let name = store.identity().await?;
    assert_ne!(name.0, 0);
    assert_eq!(store.identity().await?, name);
    Ok(())
}

pub async fn a_closed_store_is_unavailable(store: &dyn Store) -> Outcome {
    store.close().await;
    refused!(store.check().await, StoreError::Unavailable(_));
    refused!(store.users(ALL_USERS).await, StoreError::Unavailable(_));
    refused!(store.create_user(&user("ada"), None, 1).await, StoreError::Unavailable(_));
    Ok(())
}
