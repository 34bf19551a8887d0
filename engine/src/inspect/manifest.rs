//! A manifest: its header, and the state that it describes.

use super::{Inspection, quoted, span};
use crate::manifest::{FileMeta, Manifest, Run, decode, decode_damaged, header_of, object_name};

/// `named`: the id that the file's name says.
pub(super) fn describe(named: Option<u64>, bytes: &[u8], out: &mut Inspection) {
    out.line(format_args!("manifest, {} bytes", bytes.len()));
    let Some(header) = header_of(bytes) else {
        out.damaged(format_args!("the manifest is shorter than its header"));
        return;
    };
    out.line(format_args!(
        "header: id {}, format {}.{}, body {} bytes of {}",
        header.id, header.version.0, header.version.1, header.stored_len, header.raw_len
    ));
    let id = named.unwrap_or(header.id);
    match decode(&object_name(id), id, bytes) {
        Ok(manifest) => describe_state(&manifest, out),
        Err(error) => {
            out.damaged(format_args!("{error}"));
            if let Some(manifest) = decode_damaged(id, bytes) {
                out.line(format_args!("what can be read all the same:"));
                describe_state(&manifest, out);
            }
        }
    }
}

fn describe_state(manifest: &Manifest, out: &mut Inspection) {
    let Manifest { id, epoch, nonce, last_timestamp, log, next_file, horizon, retention_us, .. } = manifest;
    out.line(format_args!("state {id}: epoch {epoch}, nonce {nonce:032x}"));
    match manifest.parent {
        Some((parent, hash)) => out.line(format_args!("  parent {parent} with hash {hash:032x}")),
        None => out.line(format_args!("  no parent")),
    }
    out.line(format_args!(
        "  newest commit {last_timestamp}, horizon {horizon}, retention {retention_us} us"
    ));
    out.line(format_args!("  log from {}, next file {next_file}", log.object_name()));
    if manifest.log_begun > 0 {
        out.line(format_args!("  the log of epoch {} had begun", manifest.log_begun));
    }
    for (name, value) in &manifest.settings {
        out.line(format_args!("  setting {}: {} bytes", quoted(name.as_bytes()), value.len()));
    }
    for (id, keyspace) in &manifest.keyspaces {
        let retention = keyspace.retention_us.map(|us| format!(", retention {us} us")).unwrap_or_default();
        let dropped = keyspace.dropped_at.map(|at| format!(", dropped at {at}")).unwrap_or_default();
        out.line(format_args!(
            "keyspace {id}: layout {}, horizon {}{retention}{dropped}",
            keyspace.layout, keyspace.horizon
        ));
        for (number, run) in keyspace.level0.iter().enumerate() {
            describe_run(&format!("level 0 run {number}"), run, out);
        }
        for (number, run) in keyspace.levels.iter().enumerate().filter(|(_, run)| !run.files.is_empty()) {
            describe_run(&format!("level {}", number + 1), run, out);
        }
        for group in &keyspace.history {
            for (number, run) in group.runs.iter().enumerate() {
                describe_run(&format!("history of {} run {number}", group.newest_pin), run, out);
            }
        }
    }
}

fn describe_run(title: &str, run: &Run, out: &mut Inspection) {
    out.line(format_args!("  {title}: {} files", run.files.len()));
    for file in &run.files {
        describe_file(file, out);
    }
}

fn describe_file(file: &FileMeta, out: &mut Inspection) {
    let owner =
        file.owner.as_deref().map(|owner| format!(" of {}", quoted(owner.as_bytes()))).unwrap_or_default();
    out.line(format_args!(
        "    {}{owner}: {} bytes, hash {:032x}, page index at {}",
        file.object_name(),
        file.len,
        file.hash,
        file.tail_offset
    ));
    out.line(format_args!(
        "      versions {}, puts {}, deletes {}, closed {}, distinct keys {}, {} bytes before encoding, layout {}, schema \
         version {}",
        file.rows,
        file.puts,
        file.deletes,
        file.closed,
        file.distinct_keys,
        file.raw_bytes,
        file.layout,
        file.schema_version
    ));
    let stamped = file.begin_override.map(|at| format!(", all begin at {at}")).unwrap_or_default();
    let bound = file.begin_bound.map(|at| format!(", none after {at}")).unwrap_or_default();
    out.line(format_args!(
        "      begins {}, ends {}{stamped}{bound}, keys {}..{}",
        span(file.min_begin, file.max_begin),
        span(file.min_end, file.max_end),
        quoted(&file.min_key),
        quoted(&file.max_key)
    ));
}
