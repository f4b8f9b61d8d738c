//! The four files of a slice stay apart: what each may not use, read from its lines.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::{Path, PathBuf};

/// What a file's code may not name: by file name, with the reason.
const FORBIDDEN: [(&str, &[&str], &str); 3] = [
    ("rules.rs", &["async ", "sea_orm::", "async_graphql::", "crate::app", "Utc::now"], "decisions are pure"),
    ("graphql.rs", &["sea_orm::", "ConnectionTrait", ".reader()", ".writer()"], "SQL stands in store.rs"),
    ("store.rs", &["async_graphql::", "graphql::"], "the store knows no API"),
];

#[test]
fn the_files_of_a_slice_stay_apart() {
    let mut seen = 0;
    let mut broken = Vec::new();
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let Some((_, words, reason)) = FORBIDDEN.iter().find(|(name, _, _)| file.ends_with(name)) else {
            continue;
        };
        // The GraphQL endpoint of HTTP is no slice.
        if file.ends_with("http/graphql.rs") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests stand at the end of a file and may use what they need.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let code = line.trim_start();
            if code.starts_with("//") {
                continue;
            }
            // Pages and what is read ahead are mechanisms of reading that happen to begin or end in the API.
            let code = code.replace("graphql::page", "").replace("graphql::ahead", "");
            for word in words.iter().filter(|word| code.contains(**word)) {
                broken.push(format!("{}:{}: {word:?}, but {reason}", file.display(), number + 1));
            }
        }
    }
    assert!(seen >= 4, "the slices were not found");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn migrations_never_import_the_entities() {
    for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migration/src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("entity::"), "{}", file.display());
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
