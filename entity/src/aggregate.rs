//! What every separately changed thing carries: version, revision and the head of its audit chain.

use sea_orm::{EntityTrait, ModelTrait};
use uuid::Uuid;

/// A row that is changed under a guard and has an audit chain of its own.
pub trait Aggregate: ModelTrait + Clone {
    /// Name in the audit trail.
    const KIND: &'static str;
    /// Which one.
    fn id(&self) -> Uuid;
    /// Counts the changes that a caller has to have seen.
    fn version(&self) -> i32;
    /// Counts all changes; every write is guarded by it.
    fn revision(&self) -> i64;
    /// Digest of the newest audit entry; empty before the first.
    fn audit_head(&self) -> &[u8];
    /// When callers last had something new to see.
    fn changed_at(&self) -> chrono::DateTime<chrono::Utc>;
    /// Sets what a change moves by itself.
    fn stamp(
        &mut self,
        version: i32,
        revision: i64,
        audit_head: Vec<u8>,
        changed_at: chrono::DateTime<chrono::Utc>,
    );
    /// The column of the id.
    fn id_column() -> <<Self as ModelTrait>::Entity as EntityTrait>::Column;
    /// The column of the revision.
    fn revision_column() -> <<Self as ModelTrait>::Entity as EntityTrait>::Column;
}

/// Implements [`Aggregate`] for the model of the module it stands in.
#[macro_export]
macro_rules! aggregate {
    ($kind:literal) => {
        impl $crate::Aggregate for Model {
            const KIND: &'static str = $kind;

            fn id(&self) -> Uuid {
                self.id
            }

            fn version(&self) -> i32 {
                self.version
            }

            fn revision(&self) -> i64 {
                self.revision
            }

            fn audit_head(&self) -> &[u8] {
                &self.audit_head
            }

            fn changed_at(&self) -> DateTimeUtc {
                self.changed_at
            }

            fn stamp(&mut self, version: i32, revision: i64, audit_head: Vec<u8>, changed_at: DateTimeUtc) {
                self.version = version;
                self.revision = revision;
                self.audit_head = audit_head;
                self.changed_at = changed_at;
            }

            fn id_column() -> Column {
                Column::Id
            }

            fn revision_column() -> Column {
                Column::Revision
            }
        }
    };
}
