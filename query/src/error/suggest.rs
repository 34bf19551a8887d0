//! "Did you mean": the known names that look like a misspelt one.

pub use bygone_mvcc::similar_names as similar;

/// The hint for a misspelt name; empty when nothing resembles it.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let found = similar(name, known);
    if found.is_empty() { String::new() } else { format!("did you mean {}?", found.join(" or ")) }
}
