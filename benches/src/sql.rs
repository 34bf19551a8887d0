//! The workloads of the SQL level, on flights.

use std::{fmt::Write as _, path::Path, time::Instant};

use bygone::{Database, Session};

use crate::{
    Plan, Report, machine,
    report::{Samples, Target},
};

/// Names of the workloads, in the order in which they run.
pub const WORKLOADS: [&str; 4] = ["copy", "queries", "changes", "restore-sql"];
/// The small extract in the repository: two days of flights.
const EXTRACT: &str = include_str!("../../examples/data/flights.csv");
const SCHEMA: &str = "CREATE TABLE flights (year SMALLINT, month SMALLINT, day SMALLINT, dep_time SMALLINT, \
     sched_dep_time SMALLINT, dep_delay SMALLINT, arr_time SMALLINT, sched_arr_time SMALLINT, arr_delay SMALLINT, \
     carrier TEXT NOT NULL, flight INT NOT NULL, tailnum TEXT, origin TEXT NOT NULL, dest TEXT, air_time SMALLINT, \
     distance INT, hour SMALLINT, minute SMALLINT, time_hour TIMESTAMPTZ NOT NULL, \
     PRIMARY KEY (time_hour, carrier, flight, origin))";
/// As many rows as a year of flights has.
const FLIGHTS: usize = 336_776;
/// Single statements of one run.
const STATEMENTS: usize = 500;

/// Runs the workloads with these names.
pub async fn run(plan: &Plan, names: &[String]) {
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name);
    if !WORKLOADS.into_iter().any(wanted) {
        return;
    }
    let report = Report::start("Bygone, SQL");
    let dir = plan.fresh_dir();
    let csv = dir.path().join("flights.csv");
    write_flights(&csv);
    if wanted("copy") {
        copy(plan, &report, &csv).await;
    }
    let db = Flights::open(&dir.path().join("db")).await;
    db.copy(&csv).await;
    if wanted("queries") {
        queries(plan, &report, &db).await;
    }
    if wanted("changes") {
        changes(plan, &report, &db).await;
    }
    if wanted("restore-sql") {
        restore(plan, &report, &db).await;
    }
    db.close().await;
}

/// The extract again and again, two days later each time, until there are as many rows as in a year.
fn write_flights(path: &Path) {
    let mut lines = EXTRACT.lines();
    let mut text = format!("{}\n", lines.next().expect("the extract has a header"));
    let rows: Vec<(&str, &str, &str)> = lines
        .map(|line| {
            let (rest, time) = line.rsplit_once(',').expect("time_hour is the last column");
            let (day, hour) = time.split_at("2013-01-01".len());
            (rest, day, hour)
        })
        .collect();
    let mut written = 0;
    'all: for copy in 0.. {
        for (rest, day, hour) in &rows {
            if written == FLIGHTS {
                break 'all;
            }
            let day: u32 = day.rsplit('-').next().expect("a date").parse().expect("a day");
            // Years of twelve months of 28 days: every date exists.
            let days = copy * 2 + day - 1;
            let (year, month, day) = (2013 + days / 336, days % 336 / 28 + 1, days % 28 + 1);
            writeln!(text, "{rest},{year:04}-{month:02}-{day:02}{hour}").expect("text grows");
            written += 1;
        }
    }
    std::fs::write(path, text).expect("the disk takes the file");
}

struct Flights {
    database: Database,
    session: Session,
}

impl Flights {
    async fn open(dir: &Path) -> Self {
        let database =
            Database::open(dir.to_str().expect("a path of text")).await.expect("the database opens");
        let session = database.session();
        let db = Self { database, session };
        db.run(SCHEMA).await;
        db
    }

    /// Runs a change; returns the rows affected.
    async fn run(&self, sql: &str) -> usize {
        let outcome = self.session.execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        outcome.affected.unwrap_or(0) as usize
    }

    /// Reads all rows of a query; returns how many there are.
    async fn read(&self, sql: &str) -> usize {
        let batches = self.session.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        batches.iter().map(|batch| batch.num_rows()).sum()
    }

    async fn copy(&self, csv: &Path) {
        let sql = format!("COPY flights FROM '{}' WITH (FORMAT csv, HEADER, NULL 'NA')", csv.display());
        assert_eq!(self.run(&sql).await, FLIGHTS);
    }

    /// Milliseconds of each run, the first one left out.
    async fn times(&self, plan: &Plan, sql: &str) -> Samples {
        let mut times = Samples::default();
        for run in 0..=plan.runs {
            let start = Instant::now();
            assert!(self.read(sql).await > 0, "{sql}: there are rows");
            if run > 0 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        times
    }

    async fn close(self) {
        drop(self.session);
        self.database.close().await.expect("the database closes");
    }
}

async fn copy(plan: &Plan, report: &Report, csv: &Path) {
    let mut rates = Samples::default();
    let mut size = 0;
    for _ in 0..plan.runs {
        let dir = plan.fresh_dir();
        let db = Flights::open(dir.path()).await;
        let start = Instant::now();
        db.copy(csv).await;
        rates.push_rate(FLIGHTS, start.elapsed());
        db.close().await;
        size = machine::size_of_dir(dir.path());
    }
    report.row("COPY flights from CSV", &rates, "rows/s", Target::AtLeast(150e3));
    let csv = std::fs::metadata(csv).expect("the file is there").len();
    report.value("size of the database, of the CSV", size as f64 / csv as f64, "×", Target::None);
}

async fn queries(plan: &Plan, report: &Report, db: &Flights) {
    db.run("CREATE SNAPSHOT before").await;
    let sum = "SELECT carrier, count(*), sum(distance), avg(arr_delay) FROM flights{at} GROUP BY carrier";
    let cases = [
        ("count(*)", "SELECT count(*) FROM flights{at}"),
        ("group by carrier", sum),
        ("all rows, all columns", "SELECT * FROM flights{at}"),
        ("ten latest by key", "SELECT * FROM flights{at} ORDER BY time_hour DESC LIMIT 10"),
        (
            "one row by key",
            "SELECT * FROM flights{at} WHERE time_hour = '2013-01-01T10:00:00Z' AND carrier = 'UA' AND flight = 1545",
        ),
    ];
    for (what, sql) in cases {
        for (when, at) in [("now", ""), ("as of a snapshot", " AS OF SNAPSHOT before")] {
            let times = db.times(plan, &sql.replace("{at}", at)).await;
            report.row(&format!("{what}, {when}"), &times, "ms", Target::None);
        }
    }
    db.run("DROP SNAPSHOT before").await;
}

async fn changes(plan: &Plan, report: &Report, db: &Flights) {
    db.run("CREATE TABLE events (id BIGINT PRIMARY KEY, what TEXT)").await;
    let (mut commits, mut buffered) = (Samples::default(), Samples::default());
    let (mut updates, mut deletes) = (Samples::default(), Samples::default());
    for run in 0..plan.runs {
        for (how, rates) in [("on", &mut commits), ("off", &mut buffered)] {
            db.run(&format!("SET synchronous_commit = {how}")).await;
            let start = Instant::now();
            for index in 0..STATEMENTS {
                let id = (run * 2 + usize::from(how == "on")) * STATEMENTS + index;
                db.run(&format!("INSERT INTO events VALUES ({id}, 'something happened')")).await;
            }
            rates.push_rate(STATEMENTS, start.elapsed());
        }
        db.run("RESET synchronous_commit").await;
        db.run("CREATE SNAPSHOT whole").await;
        let start = Instant::now();
        let rows = db.run("UPDATE flights SET arr_delay = arr_delay + 1 WHERE carrier <> 'UA'").await;
        updates.push_rate(rows, start.elapsed());
        let start = Instant::now();
        let rows = db.run("DELETE FROM flights WHERE origin = 'LGA'").await;
        deletes.push_rate(rows, start.elapsed());
        db.read("RESTORE TABLE flights TO SNAPSHOT whole").await;
        db.run("DROP SNAPSHOT whole").await;
    }
    report.row("INSERT of one row, durable", &commits, "/s", Target::None);
    report.row("INSERT of one row, synchronous_commit = off", &buffered, "/s", Target::None);
    report.row("UPDATE of most rows", &updates, "rows/s", Target::None);
    report.row("DELETE of a third", &deletes, "rows/s", Target::None);
}

async fn restore(plan: &Plan, report: &Report, db: &Flights) {
    let (mut diffs, mut dry_runs, mut restores) =
        (Samples::default(), Samples::default(), Samples::default());
    for run in 0..plan.runs {
        db.run("CREATE SNAPSHOT sound").await;
        let rows =
            db.run(&format!("UPDATE flights SET arr_delay = 999 WHERE flight % 100 = {}", run + 1)).await;
        assert!(rows > 0, "rows were changed");
        let start = Instant::now();
        db.read("SELECT count(*) FROM table_diff('flights', 'snapshot:sound', 'latest')").await;
        diffs.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        db.read("RESTORE TABLE flights TO SNAPSHOT sound DRY RUN").await;
        dry_runs.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        db.read("RESTORE TABLE flights TO SNAPSHOT sound").await;
        restores.push(start.elapsed().as_secs_f64() * 1e3);
        db.run("DROP SNAPSHOT sound").await;
    }
    report.row("table_diff after about 1 % changed", &diffs, "ms", Target::None);
    report.row("RESTORE … DRY RUN", &dry_runs, "ms", Target::None);
    report.row("RESTORE TABLE after about 1 % changed", &restores, "ms", Target::AtMost(3e3));
}
