//! Rules of names: which there may be, and which resemble each other.

use crate::{Error, Result};

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// Checks a name of a `what`: 1 to 63 bytes, without control or bidirectional characters.
///
/// # Errors
/// [`Error::Invalid`] that says what is wrong.
pub fn check_name(what: &str, name: &str) -> Result<()> {
    let problem = if name.is_empty() {
        "is empty"
    } else if name.len() > NAME_BYTES_MAX {
        "is longer than 63 bytes"
    } else if name.chars().any(is_hidden) {
        "holds control or bidirectional characters"
    } else {
        return Ok(());
    };
    Err(Error::Invalid(format!("name of {what} {problem}: \"{}\"", name.escape_debug())))
}

/// Characters that change how the rest of a line looks, or do not show at all.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The known names that resemble `name`, best first, three at most.
pub fn similar_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let mut found: Vec<(f64, &str)> = known
        .into_iter()
        .filter_map(|candidate| {
            let (lower, letters) =
                (candidate.to_lowercase(), name.chars().count().max(candidate.chars().count()));
            let slips = strsim::damerau_levenshtein(&wanted, &lower);
            // Short names have few letters to agree in: one slip in four is a likely slip, in six two are.
            let resembles =
                slips * 3 <= letters || slips <= 1 || (wanted.len() >= 3 && candidate.starts_with(&wanted));
            resembles.then(|| (1.0 - slips as f64 / letters.max(1) as f64, candidate))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_resemble_each_other_in_two_letters_of_three() {
        let known = ["before", "january", "jan", "a", "orders"];
        assert_eq!(similar_names("befour", known), ["before"]);
        assert_eq!(similar_names("JANU", known), ["jan", "january"]);
        assert_eq!(similar_names("ordres", known), ["orders"]);
        assert_eq!(similar_names("invoices", known), [] as [&str; 0]);
    }
}
