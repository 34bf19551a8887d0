//! The check of one file: what it says of itself, in the index, the properties and the filter, against its
//! rows.

mod columns;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::{CachePolicy, Page, PageFlags, PageSummary, Table, tail::Tail};
use crate::{
    Error, Result,
    env::TaskSet,
    findings::Findings,
    format::Properties,
    manifest::FileMeta,
    types::{Kind, Timestamp, VersionRef},
};

/// Bytes that are hashed at once.
const HASHED_BYTES: u64 = 1 << 20;

impl Table {
    /// Reads the whole file and compares it with the hash in the manifest, then decodes every page and
    /// compares what is there with what the file and the manifest say of it.
    ///
    /// # Errors
    /// `Corrupt` with the first thing that does not fit; storage errors.
    pub async fn verify(&self, tasks: &dyn TaskSet) -> Result<()> {
        let mut findings = Findings::default();
        self.check(tasks, &mut findings).await?;
        match findings.into_vec().into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Error::corrupt(first.file, 0, first.detail)),
        }
    }

    /// As [`Self::verify`], and goes on behind damage.
    ///
    /// # Errors
    /// A file that a newer version wrote; damage and unreadable bytes are findings.
    ///
    /// # Cost
    /// Reads the file twice.
    pub(crate) async fn check(&self, tasks: &dyn TaskSet, findings: &mut Findings) -> Result<()> {
        let name = &self.inner.name;
        if let Err(error) = self.check_hash(tasks, findings).await {
            findings.add_error(name, error)?;
        }
        let mut rows = CheckedRows::default();
        for page in 0..self.index().len() {
            tasks.yield_now().await;
            match self.page(page, CachePolicy::PassBy).await {
                Ok(loaded) => {
                    rows.add_page(self, page, &loaded, findings);
                    if let Err(error) = columns::check(self, page, &loaded, findings).await {
                        findings.add_error(name, error)?;
                    }
                }
                Err(error) => {
                    rows.is_whole = false;
                    rows.last = None;
                    findings.add_error(name, error)?;
                }
            }
        }
        rows.close_last_page(self, findings);
        if rows.is_whole {
            compare_counts(name, "manifest", &rows.totals, &CountedTotals::of_meta(self.meta()), findings);
            match self.properties().await {
                Ok(properties) => {
                    compare_counts(
                        name,
                        "properties",
                        &rows.totals,
                        &CountedTotals::of_properties(&properties, self.meta()),
                        findings,
                    );
                }
                Err(error) => findings.add_error(name, error)?,
            }
        }
        Ok(())
    }

    async fn check_hash(&self, tasks: &dyn TaskSet, findings: &mut Findings) -> Result<()> {
        let meta = self.meta();
        let mut hash = Xxh3::new();
        let mut at = 0;
        while at < meta.len {
            let end = meta.len.min(at + HASHED_BYTES);
            hash.update(&self.inner.reader.read(at..end).await?);
            at = end;
            tasks.yield_now().await;
        }
        if hash.digest128() != meta.hash {
            findings.add(&self.inner.name, "hash of the file does not match the manifest");
        }
        Ok(())
    }

    async fn properties(&self) -> Result<Properties> {
        let meta = self.meta();
        let bytes = self.inner.reader.read(meta.tail_offset..meta.len).await?;
        let tail = Tail { name: &self.inner.name, meta, seed: self.inner.seed, bytes: &bytes };
        tail.properties(&tail.footer()?)
    }
}

/// State of the check behind the rows that went by.
struct CheckedRows {
    /// Every page so far could be decoded.
    is_whole: bool,
    totals: CountedTotals,
    /// The version before, if its page could be decoded.
    last: Option<(Vec<u8>, Timestamp)>,
    /// The page before: whether its keys are unique in it, and whether its first key was in the page before
    /// it.
    last_page: Option<LastPage>,
}

struct LastPage {
    page: usize,
    unique_inside: bool,
    continues: bool,
    goes_on: bool,
}

impl Default for CheckedRows {
    fn default() -> Self {
        Self { is_whole: true, totals: CountedTotals::default(), last: None, last_page: None }
    }
}

/// Counts and bounds of a whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct CountedTotals {
    rows: u64,
    puts: u64,
    deletes: u64,
    closed: u64,
    distinct_keys: u64,
    raw_bytes: u64,
    begins: OptionalSpan,
    ends: OptionalSpan,
    min_key: Bytes,
    max_key: Bytes,
}

impl CountedTotals {
    fn of_meta(meta: &FileMeta) -> Self {
        Self {
            rows: meta.rows,
            puts: meta.puts,
            deletes: meta.deletes,
            closed: meta.closed,
            distinct_keys: meta.distinct_keys,
            raw_bytes: meta.raw_bytes,
            // Rows are read with the begin that the manifest gives them.
            begins: Some((meta.oldest_begin(), meta.newest_begin())),
            ends: (meta.closed > 0).then_some((meta.min_end, meta.max_end)),
            min_key: meta.min_key.clone(),
            max_key: meta.max_key.clone(),
        }
    }

    fn of_properties(properties: &Properties, meta: &FileMeta) -> Self {
        Self {
            rows: properties.rows,
            puts: properties.puts,
            deletes: properties.deletes,
            closed: properties.closed,
            distinct_keys: properties.distinct_keys,
            raw_bytes: properties.raw_bytes,
            // Of a bulk load the file was written before its commit had a timestamp.
            begins: meta.begin_override.is_none().then_some((properties.min_begin, properties.max_begin)),
            ends: (properties.closed > 0).then_some((properties.min_end, properties.max_end)),
            min_key: properties.min_key.clone(),
            max_key: properties.max_key.clone(),
        }
    }
}

fn compare_counts(
    name: &str,
    whose: &str,
    found: &CountedTotals,
    said: &CountedTotals,
    findings: &mut Findings,
) {
    let pairs = [
        ("versions", found.rows, said.rows),
        ("puts", found.puts, said.puts),
        ("deletes", found.deletes, said.deletes),
        ("closed versions", found.closed, said.closed),
        ("distinct keys", found.distinct_keys, said.distinct_keys),
        ("bytes before encoding", found.raw_bytes, said.raw_bytes),
    ];
    for (what, found, said) in pairs {
        if found != said {
            findings.add(name, format!("{whose}: {said} {what} where there are {found}"));
        }
    }
    if found.begins != said.begins && said.begins.is_some() {
        findings.add(name, format!("{whose}: begins {:?} where they are {:?}", said.begins, found.begins));
    }
    if found.ends != said.ends {
        findings.add(name, format!("{whose}: ends {:?} where they are {:?}", said.ends, found.ends));
    }
    if (&found.min_key, &found.max_key) != (&said.min_key, &said.max_key) {
        findings.add(name, format!("{whose}: the smallest or the largest key is another"));
    }
}

/// The least and the greatest of some times.
type OptionalSpan = Option<(Timestamp, Timestamp)>;

fn join(span: &mut OptionalSpan, at: Timestamp) {
    *span = Some(span.map_or((at, at), |(least, most)| (least.min(at), most.max(at))));
}

impl CheckedRows {
    fn add_page(&mut self, table: &Table, number: usize, page: &Page, findings: &mut Findings) {
        let name = &table.inner.name;
        let mut summary = CountedTotals::default();
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let (mut continues, mut distinct) = (false, 0);
        for row in 0..page.rows() {
            let version = page.version(row, &mut key, &mut value);
            let problem = self.judge(&version);
            if let Some(problem) = problem {
                let shown = version.key.escape_ascii();
                findings.add(name, format!("page {number} row {row} key \"{shown}\": {problem}"));
            }
            let is_new_key = self.last.as_ref().is_none_or(|(last, _)| last != version.key);
            if is_new_key {
                self.totals.distinct_keys += 1;
                if !table.may_contain(version.key) {
                    let shown = version.key.escape_ascii();
                    findings.add(name, format!("the filter denies key \"{shown}\" of page {number}"));
                }
            }
            if row == 0 || is_new_key {
                distinct += 1;
            }
            continues |= row == 0 && !is_new_key;
            summary.rows += 1;
            summary.puts += u64::from(version.kind == Kind::Put);
            join(&mut summary.begins, version.begin);
            if version.end != Timestamp::OPEN {
                summary.closed += 1;
                join(&mut summary.ends, version.end);
            }
            self.totals.deletes += u64::from(version.kind == Kind::Delete);
            self.totals.raw_bytes += (version.key.len() + version.value.len()) as u64;
            if self.totals.rows == 0 && row == 0 {
                self.totals.min_key = Bytes::copy_from_slice(version.key);
            }
            self.last = Some((version.key.to_vec(), version.begin));
        }
        if continues && let Some(before) = &mut self.last_page {
            before.goes_on = true;
        }
        self.close_last_page(table, findings);
        self.last_page = Some(LastPage {
            page: number,
            unique_inside: distinct == summary.rows,
            continues,
            goes_on: false,
        });
        Self::compare_page(table, number, page, &summary, findings);
        self.totals.rows += summary.rows;
        self.totals.puts += summary.puts;
        self.totals.closed += summary.closed;
        for (total, span) in
            [(&mut self.totals.begins, summary.begins), (&mut self.totals.ends, summary.ends)]
        {
            if let Some((least, most)) = span {
                join(total, least);
                join(total, most);
            }
        }
        self.totals.max_key =
            self.last.as_ref().map(|(key, _)| Bytes::copy_from_slice(key)).unwrap_or_default();
    }

    /// Fault of a version that follows `self.last`, if it has one.
    fn judge(&self, version: &VersionRef<'_>) -> Option<String> {
        let VersionRef { key, begin, end, kind, value } = *version;
        if begin == Timestamp::ZERO || end <= begin {
            return Some(format!("the lifetime [{begin}, {end}) is none"));
        }
        if kind != Kind::Put && !value.is_empty() {
            return Some("a deletion has a value".into());
        }
        let (last_key, last_begin) = self.last.as_ref()?;
        if key < last_key.as_slice() {
            return Some("it comes before the key in front of it".into());
        }
        if key > last_key.as_slice() {
            return None;
        }
        if begin >= *last_begin {
            return Some(format!("begin {begin} follows begin {last_begin} of the same key"));
        }
        // The writer of the file saw both (I3, I4).
        (end > *last_begin)
            .then(|| format!("end {end} lies behind {last_begin}, where the next version begins"))
    }

    fn compare_page(
        table: &Table,
        number: usize,
        page: &Page,
        found: &CountedTotals,
        findings: &mut Findings,
    ) {
        let (name, index) = (&table.inner.name, table.index());
        let said = index.summary(number);
        let (min_begin, max_begin) = found.begins.unwrap_or_default();
        let (min_end, max_end) = found.ends.unwrap_or((Timestamp::OPEN, Timestamp::ZERO));
        let summary = PageSummary {
            rows: found.rows as u32,
            puts: found.puts as u32,
            closed: found.closed as u32,
            min_begin,
            max_begin,
            min_end,
            max_end,
            flags: PageFlags {
                all_open: found.closed == 0,
                all_put: found.puts == found.rows,
                // Known when the next page was seen.
                unique_keys: said.flags.unique_keys,
            },
        };
        if summary != *said {
            findings.add(name, format!("page index: page {number} says {said:?} and has {summary:?}"));
        }
        let mut key = Vec::new();
        for (row, bound, which) in [
            (0, index.first_key(number), "first"),
            (page.rows().saturating_sub(1), index.last_key(number), "last"),
        ] {
            key.clear();
            page.append_key(row, &mut key);
            if key != bound {
                findings.add(name, format!("page index: the {which} key of page {number} is another"));
            }
        }
    }

    /// Compares the flag that depends on the pages on both sides.
    fn close_last_page(&mut self, table: &Table, findings: &mut Findings) {
        let Some(LastPage { page, unique_inside, continues, goes_on }) = self.last_page.take() else {
            return;
        };
        let unique = unique_inside && !continues && !goes_on;
        if self.is_whole && table.index().flags(page).unique_keys != unique {
            let name = &table.inner.name;
            findings.add(name, format!("page index: whether the keys of page {page} are unique is wrong"));
        }
    }
}
