//! Location of a database: a directory, a `file://` URL, or memory.

use bygone_engine::{Root, store::OsDisk};
use url::Url;

use crate::{Error, Result, SqlState};

/// The root that `location` names.
pub(crate) fn root_of(location: &str) -> Result<Root> {
    if matches!(location, ":memory:" | "memory:" | "memory://") {
        return Ok(Root::memory());
    }
    if location.is_empty() {
        return Err(invalid("the location of the database is empty"));
    }
    let Some((scheme, _)) = location.split_once("://") else {
        return Ok(Root::local(OsDisk::shared(), location));
    };
    if scheme != "file" {
        return Err(Error::unsupported(format_args!("the scheme {scheme}://")).with_hint(
            "open a directory or :memory:; for an object store pass its client to Database::on_object_store",
        ));
    }
    let url = Url::parse(location).map_err(|error| invalid(format!("not a URL: {location}: {error}")))?;
    let path = url
        .to_file_path()
        .map_err(|()| invalid(format!("not a path of this machine: {location}; write file:///path")))?;
    Ok(Root::local(OsDisk::shared(), path))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(SqlState::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_directories_file_urls_or_memory() {
        assert!(root_of(":memory:").expect("memory").is_memory());
        assert_eq!(root_of("a/b c").expect("a directory").display(), "a/b c");
        assert_eq!(root_of("file:///a/b%20c").expect("a URL").display(), "/a/b c");
        for wrong in ["", "file://host/a", "s3://bucket/db", "https://example.org/"] {
            assert!(root_of(wrong).is_err(), "{wrong}");
        }
    }
}
