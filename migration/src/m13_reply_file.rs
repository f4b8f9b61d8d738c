//! An envelope that holds files names its own as a foreign key: a sweep cannot take what a reply is about to name.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// The file of an envelope is one that is kept.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let to_file = ForeignKey::create()
                .name("reply_file_file_id_fkey")
                .from("reply_file", "file_id")
                .to("stored_file", "id")
                .take();
            return manager.create_foreign_key(to_file).await;
        }
        // SQLite gives a key to a new column alone.
        let db = manager.get_connection();
        for statement in [
            "DROP INDEX reply_file_file_id",
            "ALTER TABLE reply_file ADD COLUMN kept_id uuid_text NULL REFERENCES stored_file (id)",
            "UPDATE reply_file SET kept_id = file_id",
            "ALTER TABLE reply_file DROP COLUMN file_id",
            "ALTER TABLE reply_file RENAME COLUMN kept_id TO file_id",
            "CREATE INDEX reply_file_file_id ON reply_file (file_id)",
        ] {
            db.execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
