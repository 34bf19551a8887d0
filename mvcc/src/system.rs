//! The keyspaces that belong to the system.

use bygone_engine::types::KeyspaceId;

/// One record per described commit: timestamp (8 bytes, big endian) → JSON ([`crate::CommitRecord`]).
pub const COMMITS: KeyspaceId = KeyspaceId::new(1);
/// One record per named snapshot.
pub const SNAPSHOTS: KeyspaceId = KeyspaceId::new(2);
/// Names: of key-value keyspaces (prefixes `k/`, `kd/`) and of whatever SQL keeps under its own prefixes.
pub const CATALOG: KeyspaceId = KeyspaceId::new(3);
/// The newest value of every annotation, versioned like any key.
pub const ANNOTATIONS: KeyspaceId = KeyspaceId::new(4);

/// All system keyspaces.
pub const ALL: [KeyspaceId; 4] = [COMMITS, SNAPSHOTS, CATALOG, ANNOTATIONS];
