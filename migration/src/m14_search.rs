//! The words by which things are searched.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

/// The words by which things are searched.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// What keeps the words on SQLite: an index of nothing but which words stand where, and a view through which an entry is
/// written with its words, whether it is new or known. Its tokens are ours, so it takes them as they are.
const SQLITE: [&str; 5] = [
    "CREATE VIRTUAL TABLE search_words USING fts5(words, content = '', contentless_delete = 1, detail = none, \
     tokenize = \"ascii tokenchars '_.:'\")",
    // Fewer, larger merges: half of what an import's writes cost.
    "INSERT INTO search_words (search_words, rank) VALUES ('automerge', 16)",
    "CREATE VIEW search_said AS SELECT kind, subject_id, side, '' AS words FROM search_entry",
    "CREATE TRIGGER search_said_write INSTEAD OF INSERT ON search_said BEGIN \
     INSERT INTO search_entry (kind, subject_id, side) VALUES (NEW.kind, NEW.subject_id, NEW.side) \
     ON CONFLICT (subject_id, side) DO NOTHING; \
     INSERT OR REPLACE INTO search_words (rowid, words) SELECT place, NEW.words FROM search_entry \
     WHERE subject_id = NEW.subject_id AND side = NEW.side; END",
    "CREATE TRIGGER search_entry_delete AFTER DELETE ON search_entry BEGIN \
     DELETE FROM search_words WHERE rowid = OLD.place; END",
];

/// The same on PostgreSQL, where the words stand in the entry.
const POSTGRES: [&str; 2] = [
    "ALTER TABLE search_entry ADD COLUMN words tsvector NOT NULL",
    "CREATE INDEX search_entry_words ON search_entry USING gin (words)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let place = match backend {
            // The key is the row itself, and its number the one of the words.
            DatabaseBackend::Sqlite => ColumnDef::new("place").integer().not_null().primary_key().take(),
            _ => ColumnDef::new("place").big_integer().not_null().auto_increment().primary_key().take(),
        };
        manager
            .create_table(
                Table::create()
                    .table("search_entry")
                    .col(place)
                    .col(text("kind"))
                    .col(uuid("subject_id"))
                    .col(text("side"))
                    .take(),
            )
            .await?;
        manager.create_index(crate::index("search_entry", &["subject_id", "side"]).unique().take()).await?;
        let statements: &[&str] = if backend == DatabaseBackend::Sqlite { &SQLITE } else { &POSTGRES };
        for statement in statements {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
