//! Places in the log.

/// A segment of the log. As a bound: everything from this segment on is not in the tables yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The writer's epoch.
    pub epoch: u64,
    /// Number of the segment in its epoch, from [`LogPosition::FIRST_SEQUENCE`].
    pub sequence: u64,
}

impl LogPosition {
    /// The first segment of an epoch.
    pub const FIRST_SEQUENCE: u64 = 1;

    /// The first segment of `epoch`.
    pub const fn first(epoch: u64) -> Self {
        Self { epoch, sequence: Self::FIRST_SEQUENCE }
    }

    /// Name of the segment inside the root.
    pub fn object_name(self) -> String {
        format!("wal/{:020}/{:020}", self.epoch, self.sequence)
    }

    /// The segment with this name, if it is one.
    pub fn parse(name: &str) -> Option<Self> {
        let (epoch, sequence) = name.strip_prefix("wal/")?.split_once('/')?;
        let position = Self { epoch: epoch.parse().ok()?, sequence: sequence.parse().ok()? };
        (position.object_name() == name).then_some(position)
    }
}

/// Bounds of the log that a manifest states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogBounds {
    /// Everything from this segment on is not in the tables.
    pub from: LogPosition,
    /// The newest epoch whose first segment was there when the manifest was written: that one and the segment
    /// at `from` are there. 0 where it is not known, as in manifests of version 1.0; then a first segment may
    /// not have been made yet.
    pub begun: u64,
    /// Epoch of the manifest: no segment is of a later one.
    pub epoch: u64,
    /// Id of the manifest.
    pub manifest: u64,
}

impl LogBounds {
    /// A log of which nothing is known but where it begins.
    pub const fn from(from: LogPosition) -> Self {
        Self { from, begun: 0, epoch: u64::MAX, manifest: u64::MAX }
    }
}
