//! SQLite in the same process.

use rusqlite::Connection;

use crate::{
    answer::{Answer, cell_of},
    print::{self, Dialect},
    tree::{Case, Query},
};

pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    /// The tables and views of a case.
    pub(crate) fn open(case: &Case) -> Result<Self, String> {
        let connection = Connection::open_in_memory().map_err(|error| error.to_string())?;
        let sqlite = Self { connection };
        sqlite.run("PRAGMA case_sensitive_like = ON")?;
        for table in &case.tables {
            for statement in print::table(table, Dialect::Sqlite) {
                sqlite.run(&statement)?;
            }
        }
        for view in &case.views {
            sqlite.run(&print::view(view, Dialect::Sqlite))?;
        }
        Ok(sqlite)
    }

    pub(crate) fn run(&self, statement: &str) -> Result<(), String> {
        self.connection.execute_batch(statement).map_err(|error| format!("{statement}\n{error}"))
    }

    pub(crate) fn query(&self, query: &Query) -> Answer {
        self.text(&print::query(query, Dialect::Sqlite))
    }

    pub(crate) fn text(&self, text: &str) -> Answer {
        match self.rows(text) {
            Ok(answer) => answer,
            Err(error) => Answer::Error { state: "SQLite".to_owned(), message: error.to_string() },
        }
    }

    fn rows(&self, text: &str) -> rusqlite::Result<Answer> {
        let mut statement = self.connection.prepare(text)?;
        let width = statement.column_count();
        let mut rows = statement.query([])?;
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            let cells = (0..width).map(|at| Ok(cell_of(row.get_ref(at)?)));
            answer.push(cells.collect::<rusqlite::Result<Vec<_>>>()?);
        }
        Ok(Answer::Rows(answer))
    }
}
