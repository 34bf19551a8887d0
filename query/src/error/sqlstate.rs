//! SQLSTATE: the code of an error, and what a caller can do about every error of that code.

use super::ErrorKind;

/// Defines the states from one table: condition, code, kind.
macro_rules! sql_states {
    ($($condition:ident = $code:literal $kind:ident,)*) => {
        /// The condition of an error, by PostgreSQL's names for the SQLSTATEs (its appendix "Error Codes").
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum SqlState {
            $(#[doc = concat!("SQLSTATE ", $code, ".")] $condition,)*
        }

        impl SqlState {
            /// The five characters of the SQLSTATE.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$condition => $code,)*
                }
            }

            /// The kind of nearly every error of this state; [`super::Error::of_kind`] says otherwise.
            pub const fn kind(self) -> ErrorKind {
                match self {
                    $(Self::$condition => ErrorKind::$kind,)*
                }
            }
        }
    };
}

sql_states! {
    NoData = "02000" NotFound,
    TransactionResolutionUnknown = "08007" Closed,
    ProtocolViolation = "08P01" Invalid,
    FeatureNotSupported = "0A000" Unsupported,
    CardinalityViolation = "21000" Invalid,
    DataException = "22000" Invalid,
    StringDataRightTruncation = "22001" Invalid,
    NullValueNoIndicatorParameter = "22002" Invalid,
    NumericValueOutOfRange = "22003" Invalid,
    NullValueNotAllowed = "22004" Invalid,
    InvalidDatetimeFormat = "22007" Invalid,
    DatetimeFieldOverflow = "22008" Invalid,
    InvalidUseOfEscapeCharacter = "2200C" Invalid,
    DivisionByZero = "22012" Invalid,
    InvalidPrecedingOrFollowingSize = "22013" Invalid,
    InvalidArgumentForNtile = "22014" Invalid,
    IntervalFieldOverflow = "22015" Invalid,
    InvalidArgumentForNthValue = "22016" Invalid,
    InvalidRegularExpression = "2201B" Invalid,
    InvalidArgumentForLogarithm = "2201E" Invalid,
    InvalidArgumentForPowerFunction = "2201F" Invalid,
    InvalidRowCountInLimitClause = "2201W" Invalid,
    InvalidRowCountInOffsetClause = "2201X" Invalid,
    CharacterNotInRepertoire = "22021" Invalid,
    InvalidParameterValue = "22023" Invalid,
    InvalidEscapeSequence = "22025" Invalid,
    InvalidTextRepresentation = "22P02" Invalid,
    BadCopyFileFormat = "22P04" Invalid,
    NotNullViolation = "23502" Invalid,
    UniqueViolation = "23505" AlreadyExists,
    ActiveTransaction = "25001" Invalid,
    ReadOnlyTransaction = "25006" ReadOnly,
    NoActiveTransaction = "25P01" Invalid,
    FailedTransaction = "25P02" Invalid,
    InvalidStatementName = "26000" NotFound,
    DependentObjectsStillExist = "2BP01" Invalid,
    InvalidSavepoint = "3B001" NotFound,
    InvalidCatalogName = "3D000" NotFound,
    InvalidSchemaName = "3F000" NotFound,
    SerializationFailure = "40001" Conflict,
    SyntaxErrorOrAccessRuleViolation = "42000" Invalid,
    InsufficientPrivilege = "42501" Invalid,
    SyntaxError = "42601" Invalid,
    InvalidName = "42602" Invalid,
    DuplicateColumn = "42701" Invalid,
    AmbiguousColumn = "42702" Invalid,
    UndefinedColumn = "42703" NotFound,
    UndefinedObject = "42704" NotFound,
    DuplicateObject = "42710" AlreadyExists,
    DuplicateAlias = "42712" Invalid,
    GroupingError = "42803" Invalid,
    DatatypeMismatch = "42804" Invalid,
    WrongObjectType = "42809" Invalid,
    CannotCoerce = "42846" Invalid,
    UndefinedFunction = "42883" NotFound,
    ReservedName = "42939" Invalid,
    UndefinedTable = "42P01" NotFound,
    UndefinedParameter = "42P02" Invalid,
    DuplicateDatabase = "42P04" AlreadyExists,
    DuplicatePreparedStatement = "42P05" AlreadyExists,
    DuplicateSchema = "42P06" AlreadyExists,
    DuplicateTable = "42P07" AlreadyExists,
    InvalidColumnReference = "42P10" Invalid,
    InvalidTableDefinition = "42P16" Invalid,
    InvalidRecursion = "42P19" Invalid,
    WindowingError = "42P20" Invalid,
    DiskFull = "53100" Unavailable,
    OutOfMemory = "53200" Unavailable,
    ConfigurationLimitExceeded = "53400" Invalid,
    ProgramLimitExceeded = "54000" Invalid,
    ObjectNotInPrerequisiteState = "55000" Invalid,
    ObjectInUse = "55006" Locked,
    LockNotAvailable = "55P03" Locked,
    QueryCanceled = "57014" Cancelled,
    AdminShutdown = "57P01" Closed,
    IoError = "58030" Unavailable,
    UndefinedFile = "58P01" NotFound,
    SnapshotTooOld = "72000" TooOld,
    InternalError = "XX000" Internal,
    DataCorrupted = "XX001" Corrupt,
}
