//! The few functions of DuckDB's C interface that the contest needs, from a library that is loaded when it is
//! there.

use std::{
    ffi::{CStr, CString, c_char, c_void},
    path::Path,
    ptr,
    sync::OnceLock,
};

use libloading::Library;

use crate::orders::Answer;

type Handle = *mut c_void;
/// Result of a call that went well.
const SUCCESS: u32 = 0;

#[repr(C)]
#[derive(Clone, Copy)]
struct RawResult {
    numbers: [u64; 3],
    pointers: [Handle; 3],
}

impl RawResult {
    fn empty() -> Self {
        Self { numbers: [0; 3], pointers: [ptr::null_mut(); 3] }
    }
}

/// An array of the Arrow C data interface.
#[repr(C)]
struct RawArray {
    numbers: [i64; 5],
    pointers: [Handle; 3],
    release: Option<unsafe extern "C" fn(*mut RawArray)>,
    private_data: Handle,
}

macro_rules! interface {
    ($($name:ident: fn($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions, without their prefix.
        struct Interface {
            $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Interface {
            /// # Safety
            /// The library is DuckDB's, of a version that has these functions.
            unsafe fn load(library: &'static Library) -> Result<Self, libloading::Error> {
                // SAFETY: the caller says so.
                Ok(unsafe { Self { $($name: *library.get(concat!("duckdb_", stringify!($name), "\0").as_bytes())?,)* } })
            }
        }
    };
}

interface! {
    open: fn(*const c_char, *mut Handle) -> u32;
    connect: fn(Handle, *mut Handle) -> u32;
    disconnect: fn(*mut Handle);
    close: fn(*mut Handle);
    query: fn(Handle, *const c_char, *mut RawResult) -> u32;
    result_error: fn(*mut RawResult) -> *const c_char;
    destroy_result: fn(*mut RawResult);
    column_count: fn(*mut RawResult) -> u64;
    row_count: fn(*mut RawResult) -> u64;
    value_varchar: fn(*mut RawResult, u64, u64) -> *mut c_char;
    free: fn(Handle);
    prepare: fn(Handle, *const c_char, *mut Handle) -> u32;
    prepare_error: fn(Handle) -> *const c_char;
    destroy_prepare: fn(*mut Handle);
    bind_int64: fn(Handle, u64, i64) -> u32;
    execute_prepared: fn(Handle, *mut RawResult) -> u32;
    execute_prepared_streaming: fn(Handle, *mut RawResult) -> u32;
    fetch_chunk: fn(RawResult) -> Handle;
    data_chunk_get_size: fn(Handle) -> u64;
    destroy_data_chunk: fn(*mut Handle);
    result_get_arrow_options: fn(*mut RawResult) -> Handle;
    destroy_arrow_options: fn(*mut Handle);
    data_chunk_to_arrow: fn(Handle, Handle, *mut RawArray) -> Handle;
    library_version: fn() -> *const c_char;
}

/// The library that `DUCKDB_LIBRARY` names.
fn interface() -> &'static Interface {
    static LOADED: OnceLock<Interface> = OnceLock::new();
    LOADED.get_or_init(|| {
        let path = std::env::var_os("DUCKDB_LIBRARY").expect("DUCKDB_LIBRARY names the library");
        // SAFETY: whoever named the library answers for it; it stays loaded.
        unsafe {
            let library = Box::leak(Box::new(Library::new(path).expect("the library can be loaded")));
            Interface::load(library).expect("the library has the functions of DuckDB 1.4 or later")
        }
    })
}

/// Whether there is a library to load.
pub fn is_there() -> bool {
    std::env::var_os("DUCKDB_LIBRARY").is_some()
}

/// The version of the library.
pub fn version() -> String {
    // SAFETY: the library gives a text that lives as long as it.
    unsafe { text((interface().library_version)()) }
}

/// # Safety
/// A text that ends with a zero, or null.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller says so.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// An open database with one connection.
pub struct Connection {
    database: Handle,
    connection: Handle,
}

impl Connection {
    /// Opens a file.
    pub fn open(path: &Path) -> Self {
        let api = interface();
        let path = CString::new(path.to_str().expect("a path of text")).expect("a path without zeros");
        let (mut database, mut connection) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the pointers are to variables of the right types.
        unsafe {
            assert_eq!((api.open)(path.as_ptr(), &mut database), SUCCESS, "DuckDB opens");
            assert_eq!((api.connect)(database, &mut connection), SUCCESS, "DuckDB connects");
        }
        Self { database, connection }
    }

    /// Runs statements.
    pub fn run(&self, sql: &str) {
        self.answer(sql);
    }

    /// All rows of a query as text.
    pub fn answer(&self, sql: &str) -> Answer {
        let api = interface();
        let text_of_sql = CString::new(sql).expect("SQL without zeros");
        let mut result = RawResult::empty();
        // SAFETY: the connection is open; the result is destroyed after its last use, every value after its
        // own.
        unsafe {
            if (api.query)(self.connection, text_of_sql.as_ptr(), &mut result) != SUCCESS {
                panic!("{sql}: {}", text((api.result_error)(&mut result)));
            }
            let (rows, columns) = ((api.row_count)(&mut result), (api.column_count)(&mut result));
            let mut value = |row, column| {
                let value = (api.value_varchar)(&mut result, column, row);
                let copy = text(value);
                (api.free)(value.cast());
                copy
            };
            let answer =
                (0..rows).map(|row| (0..columns).map(|column| value(row, column)).collect()).collect();
            (api.destroy_result)(&mut result);
            answer
        }
    }

    /// Prepares a query.
    pub fn prepare(&self, sql: &str) -> Prepared {
        let api = interface();
        let text_of_sql = CString::new(sql).expect("SQL without zeros");
        let mut statement = ptr::null_mut();
        // SAFETY: the connection is open.
        unsafe {
            if (api.prepare)(self.connection, text_of_sql.as_ptr(), &mut statement) != SUCCESS {
                panic!("{sql}: {}", text((api.prepare_error)(statement)));
            }
        }
        Prepared { statement }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: both are open.
        unsafe {
            (interface().disconnect)(&mut self.connection);
            (interface().close)(&mut self.database);
        }
    }
}

/// A prepared query.
pub struct Prepared {
    statement: Handle,
}

impl Prepared {
    /// Sets the first parameter.
    pub fn bind(&self, value: i64) {
        // SAFETY: the statement is prepared.
        assert_eq!(
            unsafe { (interface().bind_int64)(self.statement, 1, value) },
            SUCCESS,
            "there is a parameter"
        );
    }

    /// Reads all rows, each chunk turned into Arrow, and lets go of them; returns how many there are.
    /// `streaming`: while the query runs, not after it.
    pub fn count(&self, streaming: bool) -> usize {
        let api = interface();
        let mut result = RawResult::empty();
        // SAFETY: the statement is prepared; what is taken from the result is given back before the result.
        unsafe {
            let execute = if streaming { api.execute_prepared_streaming } else { api.execute_prepared };
            if execute(self.statement, &mut result) != SUCCESS {
                panic!("{}", text((api.result_error)(&mut result)));
            }
            let mut options = (api.result_get_arrow_options)(&mut result);
            let mut rows = 0;
            loop {
                let mut chunk = (api.fetch_chunk)(result);
                if chunk.is_null() {
                    break;
                }
                rows += (api.data_chunk_get_size)(chunk) as usize;
                let mut array = RawArray {
                    numbers: [0; 5],
                    pointers: [ptr::null_mut(); 3],
                    release: None,
                    private_data: ptr::null_mut(),
                };
                let error = (api.data_chunk_to_arrow)(options, chunk, &mut array);
                assert!(error.is_null(), "every type has an Arrow type");
                if let Some(release) = array.release {
                    release(&mut array);
                }
                (api.destroy_data_chunk)(&mut chunk);
            }
            (api.destroy_arrow_options)(&mut options);
            (api.destroy_result)(&mut result);
            rows
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: the statement is prepared.
        unsafe { (interface().destroy_prepare)(&mut self.statement) }
    }
}
