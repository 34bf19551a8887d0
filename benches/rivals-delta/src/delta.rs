//! Delta Lake: a snapshot is a remembered version. It never syncs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bygone_benches::machine;
use datafusion::prelude::SessionContext;
use deltalake::{
    DeltaTable, TableProperty,
    delta_datafusion::DeltaCdfTableProvider,
    operations::{load_cdf::CdfLoadBuilder, optimize::OptimizeType},
    protocol::SaveMode,
};
use tokio::runtime::Runtime;

use bygone_rivals_sql::orders::{
    Answer, Moment, Store,
    parquet::{answer, count, lookups, register},
    queries,
};

const CHANGED: [&str; 2] = ["status", "amount"];
const ALL: [&str; 6] = ["id", "customer", "status", "amount", "ts", "note"];

struct Contestant {
    dir: PathBuf,
    runtime: &'static Runtime,
    context: SessionContext,
    table: DeltaTable,
    /// Versions that are kept.
    snapshots: Vec<u64>,
}

pub fn open(dir: &Path, runtime: &'static Runtime) -> Box<dyn Store> {
    let dir = dir.join("delta");
    std::fs::create_dir_all(&dir).expect("a directory can be made");
    let table = runtime.block_on(connect(&dir));
    Box::new(Contestant { dir, runtime, context: SessionContext::new(), table, snapshots: Vec::new() })
}

async fn connect(dir: &Path) -> DeltaTable {
    let url =
        deltalake::ensure_table_uri(dir.to_str().expect("a path of text")).expect("a path of a directory");
    DeltaTable::try_from_url(url).await.expect("Delta opens")
}

async fn provide(context: &SessionContext, table: &DeltaTable, name: &str) {
    context.deregister_table(name).expect("tables can go");
    table.update_datafusion_session(&context.state()).expect("the session takes the store");
    let provider = table.table_provider().await.expect("Delta reads");
    context.register_table(name, provider).expect("tables can come");
}

impl Contestant {
    fn now(&mut self, table: DeltaTable) {
        self.runtime.block_on(provide(&self.context, &table, "orders"));
        self.table = table;
    }

    fn version(&self) -> u64 {
        self.table.version().expect("the table is loaded")
    }
}

impl Store for Contestant {
    fn name(&self) -> String {
        "Delta Lake 1.1".into()
    }

    fn load(&mut self, file: &Path) {
        let table = self.runtime.block_on(async {
            register(&self.context, "source", file).await;
            let source = self.context.sql("SELECT * FROM source").await.expect("the file is readable");
            let write = self.table.clone().write(Vec::new()).with_save_mode(SaveMode::Overwrite);
            let changes = (TableProperty::EnableChangeDataFeed.as_ref(), Some("true"));
            write
                .with_configuration([changes])
                .with_session_state(Arc::new(self.context.state()))
                .with_input_plan(source.into_unoptimized_plan())
                .await
                .expect("Delta writes")
        });
        self.now(table);
    }

    fn settle(&mut self) {
        let optimize = self.table.clone().optimize().with_type(OptimizeType::Compact);
        let (table, _) = self.runtime.block_on(async { optimize.await }).expect("Delta compacts");
        self.now(table);
    }

    fn snapshot(&mut self) {
        let version = self.version();
        let name = format!("orders_s{}", self.snapshots.len());
        self.runtime.block_on(async {
            let mut table = self.table.clone();
            table.load_version(version).await.expect("the version is there");
            provide(&self.context, &table, &name).await;
        });
        self.snapshots.push(version);
    }

    fn apply(&mut self, changes: &Path) {
        let table = self.runtime.block_on(async {
            register(&self.context, "changes", changes).await;
            let source = self.context.table("changes").await.expect("the file is readable");
            let merge = self.table.clone().merge(source, "t.id = c.id");
            let merge = merge.with_source_alias("c").with_target_alias("t");
            let merge = merge
                .when_matched_delete(|delete| delete.predicate("c.op = 'd'"))
                .and_then(|merge| {
                    merge.when_matched_update(|update| {
                        let update = update.predicate("c.op = 'u'");
                        CHANGED
                            .iter()
                            .fold(update, |update, &column| update.update(column, format!("c.{column}")))
                    })
                })
                .and_then(|merge| {
                    merge.when_not_matched_insert(|insert| {
                        let insert = insert.predicate("c.op = 'i'");
                        ALL.iter().fold(insert, |insert, &column| insert.set(column, format!("c.{column}")))
                    })
                });
            merge.expect("the merge is right").await.expect("Delta merges").0
        });
        self.now(table);
    }

    fn drop_snapshots(&mut self) {
        self.snapshots.clear();
        let vacuum = self.table.clone().vacuum().with_enforce_retention_duration(false);
        let vacuum = vacuum.with_retention_period(chrono::Duration::zero());
        let (table, _) = self.runtime.block_on(async { vacuum.await }).expect("Delta frees");
        self.now(table);
    }

    fn table(&self, at: Moment) -> String {
        match at {
            Moment::Now => "orders".into(),
            Moment::Snapshot(number) => format!("orders_s{number}"),
        }
    }

    fn read(&self, sql: &str) -> usize {
        self.runtime.block_on(count(&self.context, sql))
    }

    fn answer(&self, sql: &str) -> Answer {
        self.runtime.block_on(answer(&self.context, sql))
    }

    fn lookups(&self, column: &str, values: &[i64]) -> Vec<u32> {
        lookups(self.runtime, &self.context, column, values)
    }

    fn diff(&self, from: usize) -> usize {
        let feed: CdfLoadBuilder = self.table.clone().scan_cdf();
        let feed = feed.with_starting_version(self.snapshots[from] + 1);
        let provider = DeltaCdfTableProvider::try_new(feed).expect("the feed is on");
        self.runtime.block_on(async {
            self.context.deregister_table("feed").expect("tables can go");
            self.context.register_table("feed", Arc::new(provider)).expect("tables can come");
            count(&self.context, "SELECT * FROM feed").await
        })
    }

    fn restore(&mut self, to: usize) -> bool {
        let restore = self.table.clone().restore().with_version_to_restore(self.snapshots[to]);
        let (table, _) = self.runtime.block_on(async { restore.await }).expect("Delta restores");
        self.now(table);
        true
    }

    fn reopen(&mut self) -> Duration {
        let start = Instant::now();
        let table = self.runtime.block_on(connect(&self.dir));
        self.context = SessionContext::new();
        self.now(table);
        self.read(queries::FIRST);
        start.elapsed()
    }

    fn size(&self) -> u64 {
        machine::size_of_dir(&self.dir)
    }
}
