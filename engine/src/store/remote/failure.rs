//! Failures of requests to an object store: what they say about the request, and whether to ask again.

use std::{error::Error as StdError, fmt};

/// The answer of a store that wants to be asked less often (HTTP status 429 and 503), put into the cause of
/// the client's error by whoever makes the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottledRequest {
    /// Microseconds before which the store does not want to be asked again, where it says so.
    pub retry_after_us: Option<u64>,
}

impl fmt::Display for ThrottledRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store asks for fewer requests")
    }
}

impl StdError for ThrottledRequest {}

/// The answer of a store that refuses a request for good (HTTP status 400, wrong region or signature), put
/// into the cause of the client's error by whoever makes the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRequest {
    /// The store's words.
    pub reason: String,
}

impl fmt::Display for RefusedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for RefusedRequest {}

/// What a failed request tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestFailure {
    /// There is no such object.
    Missing,
    /// Something has the name, or had it when the store looked.
    Conflict,
    /// Nothing happened; the store asks for a pause, of so many microseconds if it says so.
    Throttled(Option<u64>),
    /// Nothing happened, and asking again will not help.
    Refused,
    /// Nobody knows whether it happened; it may help to ask again.
    Unknown,
}

impl RequestFailure {
    pub(super) fn of(error: &object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::Missing,
            object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
                Self::Conflict
            }
            object_store::Error::Generic { source, .. } => Self::of_cause(source.as_ref()),
            _ => Self::Refused,
        }
    }

    fn of_cause(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(throttled) = error.downcast_ref::<ThrottledRequest>() {
                return Self::Throttled(throttled.retry_after_us);
            }
            if error.is::<RefusedRequest>() {
                return Self::Refused;
            }
            cause = error.source();
        }
        Self::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(source: impl StdError + Send + Sync + 'static) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: Box::new(source) }
    }

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn StdError + Send + Sync>);

    #[test]
    fn causes_decide_however_deep_they_lie() {
        let throttled = ThrottledRequest { retry_after_us: Some(7) };
        let refused = RefusedRequest { reason: "the region is wrong".into() };
        assert_eq!(RequestFailure::of(&generic(throttled)), RequestFailure::Throttled(Some(7)));
        assert_eq!(
            RequestFailure::of(&generic(Outer(Box::new(Outer(Box::new(throttled)))))),
            RequestFailure::Throttled(Some(7))
        );
        assert_eq!(RequestFailure::of(&generic(Outer(Box::new(refused)))), RequestFailure::Refused);
        assert_eq!(
            RequestFailure::of(&generic(std::io::Error::other("connection reset"))),
            RequestFailure::Unknown
        );
    }

    #[test]
    fn errors_that_no_second_try_mends_are_refusals() {
        let source = || Box::new(std::io::Error::other("x"));
        let path = || "p".to_owned();
        for error in [
            object_store::Error::PermissionDenied { path: path(), source: source() },
            object_store::Error::Unauthenticated { path: path(), source: source() },
            object_store::Error::NotSupported { source: source() },
        ] {
            assert_eq!(RequestFailure::of(&error), RequestFailure::Refused, "{error}");
        }
    }
}
