//! Settings of a session: `SET`, `RESET`, `SHOW`.

use std::collections::BTreeMap;

use crate::{
    error::{Error, Result, did_you_mean, quoted},
    memory::{parse_query_memory, show_size},
    moment::Moment,
    names::{DEFAULT_DATABASE, DEFAULT_SCHEMA, SearchPath},
    time::{TimeZone, parse_interval},
};
use bygone_engine::types::{Durability, Timestamp};

/// Settings that `SET` can change.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub time_zone: TimeZone,
    /// The point that tables without one are read at.
    pub as_of: Option<String>,
    /// The point that `RESET as_of` goes back to: that of the connection.
    pub connection_as_of: Option<String>,
    pub commit_message: Option<String>,
    pub commit_author: Option<String>,
    /// Further names and values that commits carry.
    pub commit_annotations: BTreeMap<String, String>,
    /// Search path of names that do not say their database or schema.
    pub search: SearchPath,
    pub synchronous_commit: bool,
    /// Duration of a restore's wait for writers, in µs.
    pub lock_timeout_us: u64,
    /// Memory that a statement may hold, in bytes.
    pub query_memory: usize,
    /// The database's limit of that.
    pub query_memory_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::UTC,
            as_of: None,
            connection_as_of: None,
            commit_message: None,
            commit_author: None,
            commit_annotations: BTreeMap::new(),
            search: SearchPath::new(DEFAULT_DATABASE, DEFAULT_SCHEMA),
            synchronous_commit: true,
            lock_timeout_us: 10_000_000,
            query_memory: usize::MAX,
            query_memory_max: usize::MAX,
        }
    }
}

const NAMES: [&str; 10] = [
    "as_of",
    "commit_annotations",
    "commit_author",
    "commit_message",
    "database",
    "lock_timeout",
    "query_memory",
    "search_path",
    "synchronous_commit",
    "timezone",
];

impl Settings {
    /// The settings of a new session, of a database with so much memory for queries.
    pub(crate) fn with_memory(query_memory: usize) -> Self {
        Self { query_memory, query_memory_max: query_memory, ..Self::default() }
    }

    /// Durability of commits.
    pub(crate) fn durability(&self) -> Durability {
        if self.synchronous_commit { Durability::Sync } else { Durability::Buffered }
    }

    /// Every setting with its value.
    pub(crate) fn all(&self) -> Vec<(&'static str, String)> {
        NAMES.iter().map(|name| (*name, self.show(name).unwrap_or_default())).collect()
    }

    /// The value of one setting, as `SET` would take it.
    ///
    /// # Errors
    /// 42704 when there is no such setting.
    pub(crate) fn show(&self, name: &str) -> Result<String> {
        Ok(match canonical(name)? {
            "as_of" => self.as_of.clone().unwrap_or_else(|| Moment::Latest.to_string()),
            "commit_annotations" if self.commit_annotations.is_empty() => String::new(),
            "commit_annotations" => {
                serde_json::to_string(&self.commit_annotations).map_err(|e| Error::internal(e.to_string()))?
            }
            "commit_author" => self.commit_author.clone().unwrap_or_default(),
            "commit_message" => self.commit_message.clone().unwrap_or_default(),
            "database" => self.search.database.clone(),
            "lock_timeout" => format!("{} ms", self.lock_timeout_us / 1_000),
            "query_memory" => show_size(self.query_memory),
            "search_path" => self.search.schema.clone(),
            "synchronous_commit" => if self.synchronous_commit { "on" } else { "off" }.to_owned(),
            _ => self.time_zone.to_string(),
        })
    }

    /// Sets one setting; `None` takes the default. The point of `as_of` must be looked up first.
    ///
    /// # Errors
    /// 42704 when there is no such setting, 22023 when the value is not one.
    pub(crate) fn set(&mut self, name: &str, value: Option<&str>, now: Timestamp) -> Result<()> {
        let defaults = Self::default();
        let name = canonical(name)?;
        match (name, value) {
            ("as_of", None) => self.as_of.clone_from(&self.connection_as_of),
            ("as_of", Some(text)) => {
                let moment = Moment::parse(text, self.time_zone, now)?;
                self.as_of = (moment != Moment::Latest).then(|| moment.to_string());
            }
            ("commit_annotations", value) => {
                let text = value.filter(|text| !text.trim().is_empty());
                self.commit_annotations = text.map(annotations).transpose()?.unwrap_or_default();
            }
            ("commit_author", value) => {
                self.commit_author = value.filter(|text| !text.is_empty()).map(str::to_owned);
            }
            ("commit_message", value) => {
                self.commit_message = value.filter(|text| !text.is_empty()).map(str::to_owned);
            }
            ("lock_timeout", None) => self.lock_timeout_us = defaults.lock_timeout_us,
            ("lock_timeout", Some(text)) => {
                self.lock_timeout_us = match text.trim().parse::<u64>() {
                    Ok(milliseconds) => milliseconds.saturating_mul(1_000),
                    Err(_) => parse_interval(text)?,
                };
            }
            ("query_memory", None) => self.query_memory = self.query_memory_max,
            ("query_memory", Some(text)) => self.query_memory = self.lower_memory(text)?,
            ("synchronous_commit", None) => self.synchronous_commit = true,
            ("synchronous_commit", Some(text)) => {
                self.synchronous_commit = match text.to_ascii_lowercase().as_str() {
                    "on" | "true" | "1" | "yes" => true,
                    "off" | "false" | "0" | "no" => false,
                    _ => return Err(Error::invalid_value(format!("{text} is neither on nor off"))),
                };
            }
            ("timezone", None) => self.time_zone = defaults.time_zone,
            ("timezone", Some(text)) => {
                self.time_zone = match text.trim().parse::<f64>() {
                    Ok(hours) => TimeZone::from_hours(hours)?,
                    Err(_) if text.trim().eq_ignore_ascii_case("local") => TimeZone::UTC,
                    Err(_) => TimeZone::parse(text)?,
                };
            }
            // Names of databases and schemas are checked against the catalog by the caller.
            ("database", value) => value.unwrap_or(DEFAULT_DATABASE).clone_into(&mut self.search.database),
            (_, value) => {
                value.unwrap_or(DEFAULT_SCHEMA).trim_matches('"').clone_into(&mut self.search.schema);
            }
        }
        Ok(())
    }

    /// Resets one setting, or all of them.
    ///
    /// # Errors
    /// 42704 when there is no such setting.
    pub(crate) fn reset(&mut self, name: Option<&str>, now: Timestamp) -> Result<()> {
        if let Some(name) = name {
            return self.set(name, None, now);
        }
        let connection_as_of = self.connection_as_of.take();
        let of_database = Self::with_memory(self.query_memory_max);
        *self = Self { as_of: connection_as_of.clone(), connection_as_of, ..of_database };
        Ok(())
    }

    /// A limit that is not above the database's.
    fn lower_memory(&self, text: &str) -> Result<usize> {
        let bytes = parse_query_memory(text)?;
        if bytes > self.query_memory_max {
            let max = show_size(self.query_memory_max);
            return Err(Error::invalid_value(format!("query_memory is at most {max} in this database"))
                .with_hint("the command's --query-memory and DatabaseBuilder::query_memory set the limit of the database"));
        }
        Ok(bytes)
    }
}

/// Names and values from a JSON object whose values are texts.
fn annotations(text: &str) -> Result<BTreeMap<String, String>> {
    serde_json::from_str(text).map_err(|_| {
        Error::invalid_value(format!("{} is not a JSON object of texts", quoted(text)))
            .with_hint(r#"write for instance SET commit_annotations = '{"log_offset": "4711"}'"#)
    })
}

/// The one name of a setting that has several.
pub(crate) fn canonical(name: &str) -> Result<&'static str> {
    let lower = name.to_ascii_lowercase();
    let wanted = match lower.as_str() {
        "time zone" | "time_zone" => "timezone",
        "schema" | "current_schema" => "search_path",
        "catalog" | "current_database" => "database",
        other => other,
    };
    NAMES.iter().find(|known| **known == wanted).copied().ok_or_else(|| {
        Error::new(crate::error::SqlState::UndefinedObject, format!("setting {name} does not exist"))
            .with_hint(did_you_mean(&lower, NAMES))
    })
}
