//! "Did you mean": the known names that look like a misspelt one.

/// The known names that resemble `name`, best first, three at most.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const LIKENESS_MIN: f64 = 0.7;
    let wanted = name.to_lowercase();
    let mut found: Vec<(f64, &str)> = known
        .into_iter()
        .map(|candidate| {
            (strsim::normalized_damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate)
        })
        .filter(|(likeness, candidate)| {
            // Short names have few letters to agree in: one slip in four is a likely slip.
            let slips = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
            *likeness >= LIKENESS_MIN || slips <= 1 || (wanted.len() >= 3 && candidate.starts_with(&wanted))
        })
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

/// The hint for a misspelt name; empty when nothing resembles it.
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let found = similar(name, known);
    if found.is_empty() { String::new() } else { format!("did you mean {}?", found.join(" or ")) }
}
