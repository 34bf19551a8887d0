//! SQLite with its write-ahead log; it keeps no history.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bygone_benches::{Data, Key, KeyValue, contest::time_each};
use rusqlite::Connection;

/// Number that the next durable commits write.
static ROUND: AtomicU64 = AtomicU64::new(1_000);

struct Contestant {
    path: PathBuf,
    connection: Connection,
}

fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("SQLite opens");
    let settings = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         PRAGMA cache_size = -262144;
         CREATE TABLE IF NOT EXISTS rows (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID;";
    connection.execute_batch(settings).expect("SQLite takes the settings");
    connection
}

pub fn open(dir: &Path) -> Box<dyn KeyValue> {
    let path = dir.join("sqlite");
    Box::new(Contestant { connection: connect(&path), path })
}

fn write_rows(connection: &Connection, data: Data, rows: &[u32], round: u64) {
    let sql = "INSERT OR REPLACE INTO rows VALUES (?1, ?2)";
    connection.execute_batch("BEGIN IMMEDIATE").expect("SQLite begins");
    let mut insert = connection.prepare_cached(sql).expect("the statement is right");
    for &row in rows {
        let (key, value) = (data.key(row as usize), data.value(row as usize, round));
        insert.execute((key.as_slice(), value.as_slice())).expect("SQLite writes");
    }
    drop(insert);
    connection.execute_batch("COMMIT").expect("SQLite commits");
}

impl KeyValue for Contestant {
    fn name(&self) -> String {
        format!("SQLite {}", rusqlite::version())
    }

    fn write(&mut self, data: Data, order: &[u32], round: u64) {
        for rows in order.chunks(1_000) {
            write_rows(&self.connection, data, rows, round);
        }
    }

    fn settle(&mut self) {}

    fn gets(&self, keys: &[Key], _: bool) -> Vec<u32> {
        let sql = "SELECT v FROM rows WHERE k = ?1";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        time_each(keys, |key| select.query_row([key.as_slice()], |row| row.get::<_, Vec<u8>>(0)).ok())
    }

    fn scan(&self, _: bool) -> usize {
        let mut select =
            self.connection.prepare("SELECT k, v FROM rows ORDER BY k").expect("the statement is right");
        let mut rows = select.query([]).expect("SQLite reads");
        let mut count = 0;
        while let Some(row) = rows.next().expect("SQLite reads") {
            std::hint::black_box(row.get_ref(1).expect("there is a value"));
            count += 1;
        }
        count
    }

    fn ranges(&self, starts: &[Key]) {
        let sql = "SELECT k, v FROM rows WHERE k >= ?1 ORDER BY k LIMIT 100";
        let mut select = self.connection.prepare_cached(sql).expect("the statement is right");
        for start in starts {
            let mut rows = select.query([start.as_slice()]).expect("SQLite reads");
            while let Some(row) = rows.next().expect("SQLite reads") {
                std::hint::black_box(row.get_ref(1).expect("there is a value"));
            }
        }
    }

    fn commits(&self, data: Data, writers: usize, each: usize) -> Duration {
        // SQLite writes nothing, and does not sync, where a row gets the value that it has.
        let round = ROUND.fetch_add(1, Ordering::Relaxed);
        let (start, path) = (Instant::now(), &self.path);
        std::thread::scope(|scope| {
            for writer in 0..writers {
                scope.spawn(move || {
                    let connection = connect(path);
                    for row in 0..each {
                        write_rows(&connection, data, &[(row * writers + writer) as u32], round);
                    }
                });
            }
        });
        start.elapsed()
    }

    fn snapshot(&mut self) -> bool {
        false
    }
}
