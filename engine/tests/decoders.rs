//! Decoders over any bytes; the fuzzers in `fuzz/` call the same functions for longer.

use bygone_engine::testing::decoders;
use proptest::{collection::vec, prelude::*};

/// Bytes among which small numbers, and so fitting lengths, are frequent.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![0..4_u8, 0..32_u8, any::<u8>()], 0..400)
}

proptest! {
    #[test]
    fn any_bytes_are_a_section_of_a_table_or_an_error(bytes in bytes()) {
        decoders::table_section(&bytes);
    }

    #[test]
    fn any_bytes_are_a_manifest_or_an_error(bytes in bytes()) {
        decoders::manifest_body(&bytes);
        decoders::manifest_object(&bytes);
    }

    #[test]
    fn any_bytes_are_a_record_of_the_log_or_an_error(bytes in bytes()) {
        decoders::log_record(&bytes);
    }
}
