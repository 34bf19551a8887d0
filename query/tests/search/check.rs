//! A case against all that must agree with it.

use std::fmt;

use crate::{
    answer::Answer,
    database::{Database, PLAIN, PLANS},
    print::{self, Dialect},
    sqlite::Sqlite,
    tree::{Body, Case, Expr, From, Op, Query, Select, Ty, Value},
};

/// Oracle that says that an answer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Oracle {
    Sqlite,
    /// Nobody: the query failed, and SQLite does not know its types.
    Success,
    /// SQLite, after the changes.
    Changed,
    /// The same query before the data moved on: after `0`.
    Stage(&'static str),
    /// Another plan.
    Plan(usize),
    /// Parameters in the place of constants.
    Parameters,
    /// The rows for which a condition holds, does not, or is not known.
    Partition,
    /// The number of rows for which a condition holds, counted in two ways.
    Count,
}

impl fmt::Display for Oracle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("SQLite"),
            Self::Success => f.write_str("that it can be run"),
            Self::Changed => f.write_str("SQLite after the changes"),
            Self::Stage(stage) => write!(f, "the answer in memory, {stage}"),
            Self::Plan(plan) => write!(f, "the plan {}", PLANS[*plan].0),
            Self::Parameters => f.write_str("parameters in the place of constants"),
            Self::Partition => f.write_str("the query in three parts"),
            Self::Count => f.write_str("the count without a filter"),
        }
    }
}

/// Two answers that must be the same and are not.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) oracle: Oracle,
    pub(crate) expected: Answer,
    pub(crate) got: Answer,
    /// The condition that parts the rows.
    pub(crate) split: Option<String>,
}

/// Verdict on a query.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Right,
    /// We say that we cannot do it, in these words.
    Unsupported(String),
    /// SQLite cannot do it: nothing was compared.
    Incomparable(String),
    Wrong(Box<Finding>),
}

impl Verdict {
    /// Signature that two findings share which are one mistake.
    pub(crate) fn signature(&self) -> Option<(Oracle, String)> {
        let Self::Wrong(finding) = self else { return None };
        let kind = |answer: &Answer| match answer {
            Answer::Rows(_) => "rows".to_owned(),
            Answer::Error { state, message } => {
                format!("{state} {}", message.split(['\'', '(', '"']).next().unwrap_or_default())
            }
        };
        Some((finding.oracle, format!("{} / {}", kind(&finding.expected), kind(&finding.got))))
    }
}

/// Checks cases with one database. `only` leaves out what another oracle says.
pub(crate) async fn check(cases: &[Case], only: Option<Oracle>) -> Result<Vec<Verdict>, String> {
    let Some(first) = cases.first() else { return Ok(Vec::new()) };
    let sqlite = if first.comparable { Some(Sqlite::open(first)?) } else { None };
    let database = Database::open(first).await?;
    let mut run = Run { cases, only, sqlite, database, verdicts: Vec::new(), answers: Vec::new() };
    run.all().await?;
    Ok(run.verdicts)
}

struct Run<'c> {
    cases: &'c [Case],
    only: Option<Oracle>,
    sqlite: Option<Sqlite>,
    database: Database,
    verdicts: Vec<Verdict>,
    /// The answers in memory.
    answers: Vec<Answer>,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), String> {
        for (at, case) in self.cases.iter().enumerate() {
            let answer = self.database.query(&case.query).await.normalized(case.is_ordered());
            let verdict = self.against_sqlite(case, &answer);
            self.verdicts.push(verdict);
            self.answers.push(answer);
            self.plans(at, 0).await;
        }
        if matches!(self.only, Some(Oracle::Sqlite | Oracle::Success)) {
            return Ok(());
        }
        self.database.run("CALL flush()").await?;
        self.stage("flushed", 1).await;
        self.database.run("CALL compact()").await?;
        self.stage("compacted", 2).await;
        for at in 0..self.cases.len() {
            self.other_texts(at).await;
        }
        self.database.run("CREATE SNAPSHOT s").await?;
        self.change().await?;
        self.database.run("SET as_of = 'snapshot:s'").await?;
        self.stage("as of the snapshot", 3).await;
        self.database.run("RESET as_of").await?;
        self.database.run("RESTORE DATABASE TO SNAPSHOT s").await?;
        self.stage("restored", 1).await;
        Ok(())
    }

    fn wants(&self, oracle: Oracle) -> bool {
        self.only.is_none_or(|only| only == oracle)
    }

    /// Asked of a case that nothing wrong is known of yet.
    fn open(&self, at: usize, oracle: Oracle) -> bool {
        matches!(self.verdicts[at], Verdict::Right | Verdict::Incomparable(_)) && self.wants(oracle)
    }

    fn against_sqlite(&self, case: &Case, answer: &Answer) -> Verdict {
        if let (Answer::Error { message, .. }, true) = (answer, answer.is_unsupported()) {
            return Verdict::Unsupported(message.clone());
        }
        let Some(sqlite) = &self.sqlite else { return self.success(answer) };
        let expected = sqlite.query(&case.query).normalized(case.is_ordered());
        if let Answer::Error { message, .. } = &expected {
            let failed = matches!(answer, Answer::Error { .. });
            return if failed { self.success(answer) } else { Verdict::Incomparable(kind_of(message)) };
        }
        self.verdict(Oracle::Sqlite, expected, answer.clone(), None)
    }

    fn success(&self, answer: &Answer) -> Verdict {
        let failed = matches!(answer, Answer::Error { .. });
        let expected = if failed { Answer::Rows(Vec::new()) } else { answer.clone() };
        self.verdict(Oracle::Success, expected, answer.clone(), None)
    }

    fn verdict(&self, oracle: Oracle, expected: Answer, got: Answer, split: Option<String>) -> Verdict {
        if expected == got || !self.wants(oracle) || got.is_unsupported() || expected.is_unsupported() {
            Verdict::Right
        } else {
            Verdict::Wrong(Box::new(Finding { oracle, expected, got, split }))
        }
    }

    /// All queries again after the data moved, some of them by another plan.
    async fn stage(&mut self, stage: &'static str, turn: usize) {
        for at in 0..self.cases.len() {
            let oracle = Oracle::Stage(stage);
            if self.open(at, oracle) {
                let got = self.answer(at).await;
                self.note(at, oracle, got);
            }
            if stage != "as of the snapshot" {
                self.plans(at, turn).await;
            }
        }
    }

    async fn answer(&self, at: usize) -> Answer {
        let case = &self.cases[at];
        self.database.query(&case.query).await.normalized(case.is_ordered())
    }

    /// One of the other plans: each of them sees each query at one stage.
    async fn plans(&mut self, at: usize, turn: usize) {
        for plan in 0..PLANS.len() {
            let is_turn = self.only.is_some() || (plan + at) % 3 == turn;
            if !is_turn || !self.open(at, Oracle::Plan(plan)) {
                continue;
            }
            let case = &self.cases[at];
            let got = self.database.planned(plan, &case.query).await.normalized(case.is_ordered());
            self.note(at, Oracle::Plan(plan), got);
        }
    }

    fn note(&mut self, at: usize, oracle: Oracle, got: Answer) {
        // Of the plan that nobody gets, an error is nobody's concern.
        let is_plain_error = oracle == Oracle::Plan(PLAIN) && matches!(got, Answer::Error { .. });
        if got != self.answers[at] && !is_plain_error {
            self.verdicts[at] = self.verdict(oracle, self.answers[at].clone(), got, None);
        }
    }

    /// The same question in other words.
    async fn other_texts(&mut self, at: usize) {
        let case = &self.cases[at];
        if matches!(self.answers[at], Answer::Error { .. }) {
            return;
        }
        if self.open(at, Oracle::Parameters)
            && let Some(got) = self.database.with_parameters(&case.query).await
        {
            self.note(at, Oracle::Parameters, got.normalized(case.is_ordered()));
        }
        let (Some(split), Body::Select(select)) = (&case.split, &case.query.body) else { return };
        let shown = || Some(print::expr(split, Dialect::Ours));
        if self.open(at, Oracle::Partition) {
            let mut parts = Answer::Rows(Vec::new());
            for condition in [split.clone(), split.clone().not(), split.clone().unknown()] {
                parts = parts.with(self.database.query(&restricted(select, condition)).await);
            }
            let expected = self.database.query(&Query::of((**select).clone())).await.normalized(false);
            self.verdicts[at] = self.verdict(Oracle::Partition, expected, parts.normalized(false), shown());
        }
        if self.open(at, Oracle::Count) {
            let (filtered, counted) = counts(select, split);
            let expected = self.database.query(&counted).await;
            let got = self.database.query(&filtered).await;
            self.verdicts[at] = self.verdict(Oracle::Count, expected, got, shown());
        }
    }

    /// The changes, here and in SQLite, and the answers after them.
    async fn change(&mut self) -> Result<(), String> {
        for change in &self.cases[0].changes {
            let ours = self.database.run(&print::change(change, Dialect::Ours)).await;
            let Some(sqlite) = &self.sqlite else { continue };
            // A change that fails here must not be made there. A case of its own would show why it fails.
            if ours.is_ok() {
                sqlite.run(&print::change(change, Dialect::Sqlite))?;
            }
        }
        for at in 0..self.cases.len() {
            let is_open = matches!(self.verdicts[at], Verdict::Right) && self.wants(Oracle::Changed);
            let (Some(sqlite), true) = (&self.sqlite, is_open) else { continue };
            let case = &self.cases[at];
            let expected = sqlite.query(&case.query).normalized(case.is_ordered());
            if matches!(expected, Answer::Error { .. }) {
                continue;
            }
            let got = self.answer(at).await;
            self.verdicts[at] = self.verdict(Oracle::Changed, expected, got, None);
        }
        Ok(())
    }
}

impl Case {
    /// The order of its rows is given.
    fn is_ordered(&self) -> bool {
        !self.query.order.is_empty()
    }
}

/// Message of SQLite about a query, without its text.
fn kind_of(message: &str) -> String {
    message.split(" in ").next().unwrap_or_default().to_owned()
}

fn restricted(select: &Select, condition: Expr) -> Query {
    let mut select = select.clone();
    select.filter = Some(match select.filter.take() {
        Some(filter) => filter.and(condition),
        None => condition,
    });
    Query::of(select)
}

/// The rows for which a condition holds, counted by a filter and by a sum.
fn counts(select: &Select, condition: &Expr) -> (Query, Query) {
    let count = Expr::Aggregate { op: Op::new("count(*)"), args: Vec::new(), filter: None, ty: Ty::Int };
    let constant = |value| Expr::Literal(Value::Int(value), Ty::Int);
    let case = Op::new("CAST(coalesce(sum(CASE WHEN {0} THEN {1} ELSE {2} END), 0) AS BIGINT)");
    let sum = Expr::call(case, vec![condition.clone(), constant(1), constant(0)], Ty::Int);
    let over = |item: Expr, from: &Option<From>, filter| {
        Query::of(Select {
            distinct: false,
            items: vec![(item, "n".to_owned())],
            from: from.clone(),
            filter,
            group: Vec::new(),
            having: None,
        })
    };
    (over(count, &select.from, Some(condition.clone())), over(sum, &select.from, None))
}
