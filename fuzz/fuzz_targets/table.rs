//! Sections of table files: chunks, index, filter, zone maps, footer.
#![no_main]

use bygone_engine::testing::decoders;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    decoders::table_section(bytes);
});
