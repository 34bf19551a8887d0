//! Options of `COPY`, in both directions.

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// The line of names at the start of a CSV file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// There is none.
    Absent,
    /// The first line names the columns.
    Present,
    /// The first line must name the columns that the statement lists, in its order.
    Match,
}

impl Header {
    /// True when the first line of the file is no row.
    pub fn is_present(self) -> bool {
        self != Self::Absent
    }
}

/// Options of `COPY`, checked and with their defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyOptions {
    /// `FORMAT`, or what the file's name says, or CSV.
    pub format: FileFormat,
    /// `HEADER`: the first line names the columns.
    pub header: Header,
    /// `DELIMITER`.
    pub delimiter: u8,
    /// `QUOTE`.
    pub quote: u8,
    /// `ESCAPE`: the byte before a quote inside quotes; the quote itself unless said otherwise.
    pub escape: u8,
    /// `NULL`: the unquoted text that stands for NULL; empty by default.
    pub null: String,
}

impl Default for CopyOptions {
    fn default() -> Self {
        Self {
            format: FileFormat::Csv,
            header: Header::Absent,
            delimiter: b',',
            quote: b'"',
            escape: b'"',
            null: String::new(),
        }
    }
}
