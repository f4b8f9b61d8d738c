//! The words of an entry beside it on SQLite too, so that those who see little are answered from what they see.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// The words of an entry beside it on SQLite too, so that those who see little are answered from what they see.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Each word stands between two spaces. What was written without is written anew by the sweep that follows a start.
const SQLITE: [&str; 7] = [
    "DROP TRIGGER search_entry_delete",
    "DELETE FROM search_entry",
    "INSERT INTO search_words (search_words) VALUES ('delete-all')",
    "CREATE TRIGGER search_entry_delete AFTER DELETE ON search_entry BEGIN \
     DELETE FROM search_words WHERE rowid = OLD.place; END",
    "ALTER TABLE search_entry ADD COLUMN words text NOT NULL DEFAULT ''",
    "DROP TRIGGER search_said_write",
    "CREATE TRIGGER search_said_write INSTEAD OF INSERT ON search_said BEGIN \
     INSERT INTO search_entry (kind, subject_id, side, words) \
     VALUES (NEW.kind, NEW.subject_id, NEW.side, ' ' || NEW.words || ' ') \
     ON CONFLICT (subject_id, side) DO UPDATE SET words = excluded.words; \
     INSERT OR REPLACE INTO search_words (rowid, words) SELECT place, NEW.words FROM search_entry \
     WHERE subject_id = NEW.subject_id AND side = NEW.side; END",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DatabaseBackend::Sqlite {
            for statement in SQLITE {
                manager.get_connection().execute_unprepared(statement).await?;
            }
        }
        Ok(())
    }
}
