//! A key's routes as text: a JSON array of their names, or nothing for all routes.

use policy::Scopes;

use crate::error::Error;

pub(super) fn read(text: Option<String>) -> Result<Scopes, Error> {
    let Some(text) = text else { return Ok(Scopes::All) };
    let names: Vec<Box<str>> = serde_json::from_str(&text).map_err(Error::failed)?;
    Ok(Scopes::Routes(names.into()))
}

pub(super) fn write(scopes: &Scopes) -> Result<Option<String>, Error> {
    match scopes {
        Scopes::All => Ok(None),
        Scopes::Routes(names) => serde_json::to_string(&**names).map(Some).map_err(Error::failed),
    }
}
