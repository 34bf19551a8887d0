//! Seeds, side by side, and what came of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::{
    check::{Finding, Verdict, check},
    generate, known,
    print::{self, Dialect},
    reduce,
    tree::Case,
};

/// Stack of a thread that plans: deep trees need much in a debug build.
const STACK_BYTES: usize = 64 << 20;

/// A setting of the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

pub(crate) struct Search {
    pub(crate) first: u64,
    pub(crate) seeds: u64,
    /// After so long no new seed is begun.
    pub(crate) minutes: Option<u64>,
}

/// Report of a search.
#[derive(Default)]
pub(crate) struct Report {
    seeds: u64,
    queries: u64,
    /// Queries that SQLite could not run.
    incomparable: BTreeMap<String, u64>,
    /// Queries that we refuse, by what we say.
    unsupported: BTreeMap<String, u64>,
    /// Differences that are known, by their reasons.
    known: BTreeMap<&'static str, u64>,
    /// Findings that are not: a script of each.
    pub(crate) news: Vec<String>,
    shapes: BTreeSet<String>,
    /// Findings of a shape that there is a script of.
    repeated: u64,
}

impl Search {
    pub(crate) fn run(&self) -> Report {
        let next = AtomicU64::new(self.first);
        let report = Mutex::new(Report::default());
        #[expect(clippy::disallowed_methods, reason = "a limit for whoever waits, which decides no answer")]
        let begin = Instant::now();
        let limit = self.minutes.map(|minutes| Duration::from_secs(60 * minutes));
        let worker = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= self.first + self.seeds || limit.is_some_and(|limit| begin.elapsed() > limit) {
                    return;
                }
                runtime.block_on(run_seed(seed, &report));
            }
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let builder = thread::Builder::new().stack_size(STACK_BYTES);
                builder.spawn_scoped(scope, worker).expect("a thread");
            }
        });
        report.into_inner()
    }
}

async fn run_seed(seed: u64, report: &Mutex<Report>) {
    let cases = generate::cases(seed);
    let verdicts = match check(&cases, None).await {
        Ok(verdicts) => verdicts,
        Err(error) => {
            report.lock().tell_of_statement(seed, &error);
            return;
        }
    };
    report.lock().seeds += 1;
    for (case, verdict) in cases.iter().zip(verdicts) {
        report.lock().count(&verdict);
        let Verdict::Wrong(finding) = &verdict else { continue };
        if let Some(reason) = known::reason(case, finding) {
            report.lock().count_known(reason);
            continue;
        }
        let (smaller, verdict) = reduce::reduce(case, &verdict).await;
        let Verdict::Wrong(finding) = &verdict else { continue };
        let mut report = report.lock();
        match known::reason(&smaller, finding) {
            Some(reason) => report.count_known(reason),
            None if report.shapes.insert(shape(&smaller, finding)) => {
                report.tell(script(seed, &smaller, finding));
            }
            None => report.repeated += 1,
        }
    }
}

/// The query without its numbers: two of one shape are taken for one mistake.
fn shape(case: &Case, finding: &Finding) -> String {
    let text = print::query(&case.query, Dialect::Ours);
    let text: String = text.chars().filter(|character| !character.is_ascii_digit()).collect();
    format!("{}: {text}", finding.oracle)
}

fn script(seed: u64, case: &Case, finding: &Finding) -> String {
    let split = finding.split.as_ref().map(|split| format!("-- in parts: {split}\n")).unwrap_or_default();
    format!(
        "-- seed {seed}, against {}\n{}{split}-- expected: {}\n-- got:      {}\n",
        finding.oracle,
        print::script(case),
        finding.expected,
        finding.got
    )
}

impl Report {
    fn count(&mut self, verdict: &Verdict) {
        self.queries += 1;
        match verdict {
            Verdict::Right | Verdict::Wrong(_) => {}
            Verdict::Unsupported(message) => *self.unsupported.entry(message.clone()).or_default() += 1,
            Verdict::Incomparable(message) => *self.incomparable.entry(message.clone()).or_default() += 1,
        }
    }

    /// A statement failed that makes or changes the database of a seed.
    fn tell_of_statement(&mut self, seed: u64, error: &str) {
        match error.split_once("\n0A000: ") {
            Some((_, message)) => *self.unsupported.entry(message.to_owned()).or_default() += 1,
            None => self.tell(format!("-- seed {seed}: a statement failed\n{error}\n")),
        }
    }

    fn count_known(&mut self, reason: &'static str) {
        *self.known.entry(reason).or_default() += 1;
    }

    fn tell(&mut self, news: String) {
        // At once, for whoever waits; a stream that is closed is no reason to stop.
        let _ = writeln!(io::stderr(), "{news}");
        self.news.push(news);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} seeds, {} queries, {} findings", self.seeds, self.queries, self.news.len())?;
        writeln!(f, "{} findings more like these", self.repeated)?;
        let unsupported =
            self.unsupported.iter().map(|(words, times)| ("unsupported", words.as_str(), times));
        let known = self.known.iter().map(|(reason, times)| ("known", *reason, times));
        let incomparable =
            self.incomparable.iter().map(|(words, times)| ("not by SQLite", words.as_str(), times));
        for (kind, words, times) in known.chain(unsupported).chain(incomparable) {
            writeln!(f, "{times} {kind}: {words}")?;
        }
        Ok(())
    }
}
