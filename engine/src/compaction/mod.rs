//! Compaction: decide → do → apply.
//!
//! * [`picker`] decides: a pure function from the trees to a [`Job`], which carries its frozen inputs.
//! * [`run`](Core::run_compaction) does: it merges the inputs, closes versions (writes `end`), drops what no
//!   readable moment needs, moves values that have ended to history, and writes new files that nothing
//!   references.
//! * [`Edit`](crate::state::Edit) applies: one manifest edit replaces the inputs by the outputs.
//!
//! Deletes go only in jobs that see the oldest versions of their keys. No decision depends on the time of
//! day: the horizon is an input.
//!
//! # Two tiers
//!
//! ```text
//!   current   level 0 ─▶ levels ─▶ oldest run of the keys ─┐ values that have ended (I7)
//!   history   group of pin 15   group of pin 25   group of the retention   ◀─┘
//!             (newest pin that sees them)         (no pin sees them)
//! ```
//!
//! * I7 A value moves to history only in a job whose output is the oldest run of the current tier for all
//!   keys of its inputs. Otherwise: v1 is open in the last level, v2 and v3 are merged above it, v2 moves,
//!   and a reader between v2 and v3 finds v1 (nothing in the current tier hides it) and v2.
//! * H1 Hence every *value* of the current tier is newer than all versions of its key in history: a job that
//!   moves one moves all that have ended, and what is in the runs above is newer. Where the current tier
//!   shows a value at some moment, nothing in history is alive then.
//! * H2 A delete never moves; it goes with the value that it ended, whose end says it. Others may stay in the
//!   current tier while older *and newer* values are in history. They hide nothing outside their lifetime:
//!   readers ask history as well when they meet one.
//! * H3 The lifetimes of one key's versions in history never overlap, so at most one is alive at a moment.
//!
//! ```text
//!   key a   PUT 10 ──▶ DEL 20 ──▶ PUT 30 ──▶ PUT 40 ──▶            history: PUT [10,20), PUT [30,40)
//!                                                                 current: PUT [40,OPEN)
//! ```
//!
//! When a delete may go is said in [`crate::retention`]: with a value that moves, or after the horizon. Newer
//! ones that ended nothing stay, because every moment from the horizon on is listed as it was.
//!
//! History is judged version by version (I5). A group says only what is likely to become garbage together:
//! its files go by a manifest edit, unread, once they have ended before the horizon and no pin falls into
//! their time. A group whose pin is gone, and the part of the retention's group that the horizon has passed,
//! are rewritten: versions that an older pin sees go to its group.
//!
//! # Memory
//!
//! Memory of a job does not grow with what it compacts: pages pass by the cache, and files are written as
//! their rows come. Each of its parts, of which there are two at most, holds with the default page sizes
//!
//! * for each input run about 1 MiB at most: one page, as it is stored and unpacked;
//! * for each file that it writes at the same time about 6 MiB at most: two write buffers of 1.25 MiB (one is
//!   filled while the other is written), the page that is filled and what it is encoded in. In an object
//!   store also the part of 8 MiB that is uploaded next. The files are one of the level, one of the
//!   retention's group and one of the group of each pin, [`GROUPS_MAX`](history::GROUPS_MAX) groups of pins
//!   at most.
//! * for each key of such a file 24 bytes at most until it is full, and 20 more while the filter is made of
//!   them.
//!
//! Rows larger than a page add their size to each of these. So a merge of five runs of a table without
//! snapshots takes about 34 MiB and what its keys take, and with many snapshots, each of which sees something
//! that has ended, 420 MiB at most. Index and filter of every file, read or written, are in memory for as
//! long as it is part of the database, and count as that.

mod history;
mod picker;
mod run;
mod subcompaction;
mod throttle;

pub(crate) use picker::{pick, pick_all, pick_history};
