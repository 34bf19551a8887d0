//! Bodies of manifests whose checksums fit, and manifests as they lie in storage.
#![no_main]

use bygone_engine::testing::decoders;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    decoders::manifest_body(bytes);
    decoders::manifest_object(bytes);
});
