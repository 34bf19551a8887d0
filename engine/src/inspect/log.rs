//! A segment of the log: its header, its records and the commits in them.

use bytes::Bytes;

use super::Inspection;
use crate::{
    types::LogPosition,
    wal::{SegmentPart, read_segment},
};

/// `named`: the position that the file's name says.
pub(super) fn describe(named: Option<LogPosition>, bytes: &Bytes, out: &mut Inspection) {
    out.line(format_args!("log segment, {} bytes", bytes.len()));
    read_segment(named, bytes, &mut |part| match part {
        SegmentPart::Header { position, previous, manifest } => {
            out.line(format_args!("header: {}", position.object_name()));
            if manifest > 0 {
                out.line(format_args!("  made under {}", crate::manifest::object_name(manifest)));
            }
            if let Some((previous, end)) = previous {
                out.line(format_args!("  follows {}, which ends at {end}", previous.object_name()));
            }
        }
        SegmentPart::Record { offset, len, synced, manifest } => {
            let newest = if manifest > 0 { format!(", manifest {manifest}") } else { String::new() };
            out.line(format_args!(
                "record at {offset}: {len} bytes, the log was synced up to {synced}{newest}"
            ));
        }
        SegmentPart::Commit { at, writes } => {
            let deletes = writes.iter().filter(|write| write.value.is_none()).count();
            let bytes: usize =
                writes.iter().map(|write| write.key.len() + write.value.as_ref().map_or(0, Bytes::len)).sum();
            let mut keyspaces: Vec<String> = writes.iter().map(|write| write.keyspace.to_string()).collect();
            keyspaces.dedup();
            out.line(format_args!(
                "  commit {at}: {} writes, {deletes} of them deletes, {bytes} bytes, keyspaces {}",
                writes.len(),
                if keyspaces.is_empty() { "none".to_owned() } else { keyspaces.join(" ") }
            ));
        }
        SegmentPart::Seal { offset } => {
            out.line(format_args!("seal at {offset}: the log goes on in the next segment"));
        }
        SegmentPart::Torn { offset } => {
            out.line(format_args!("torn record at {offset}: it was never acknowledged"));
        }
        SegmentPart::End { offset, next_record: None } => {
            out.line(format_args!("end of the log at {offset}"));
        }
        SegmentPart::End { offset, next_record: Some(next) } => {
            out.damaged(format_args!("nothing at {offset}, and a record behind it at {next}"));
        }
        SegmentPart::Damaged { offset, detail } => out.damaged(format_args!("at {offset}: {detail}")),
    });
}
