//! Payloads, slots and segments of the log.
#![no_main]

use bygone_engine::testing::decoders;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    decoders::log_record(bytes);
});
