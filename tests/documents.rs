//! The documents say what is there: settings with their defaults, tests that exist, files that exist.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The settings of config.default.toml, commented ones too: name, and the default where there is one.
fn settings() -> Vec<(String, Option<String>)> {
    let text = read("config.default.toml");
    let (mut section, mut found) = (String::new(), Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
            continue;
        }
        let (name, default) = match line.strip_prefix("# ") {
            Some(comment) => (comment, false),
            None => (line, true),
        };
        let Some((name, value)) = name.split_once(" = ") else { continue };
        if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            found.push((format!("{section}{name}"), default.then(|| value.replace('"', ""))));
        }
    }
    found
}

#[test]
fn operations_lists_every_setting_with_its_default() {
    let text = read("docs/OPERATIONS.md");
    let settings = settings();
    assert!(settings.len() > 30, "{settings:?}");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.split('|').map(str::trim).collect())
        .collect();
    let missing: Vec<&str> = settings
        .iter()
        .filter(|(name, default)| {
            let default = default.as_deref().map_or("none".to_owned(), |value| match value {
                "[]" => "none".to_owned(),
                value => format!("`{value}`"),
            });
            !rows.iter().any(|row| row[1] == format!("`{name}`") && row[2] == default)
        })
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(missing.is_empty(), "docs/OPERATIONS.md lacks a row, or has another default, for {missing:?}");
    let known: BTreeSet<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    for row in rows.iter().filter(|row| row.len() == 5 && row[1].contains('.')) {
        let name = row[1].trim_matches('`');
        let sections = [
            "http.",
            "live.",
            "auth.",
            "graphql.",
            "principals.",
            "outbound.",
            "payouts.",
            "secrets.",
            "replies.",
            "advisories.",
            "webhooks.",
            "hooks.",
            "intake.",
            "notices.",
            "files.",
            "uploads.",
            "audit.",
            "retention.",
        ];
        if sections.iter().any(|section| name.starts_with(section)) && name != "auth.role_names" {
            assert!(known.contains(name), "docs/OPERATIONS.md documents {name}, which is no setting");
        }
    }
}

#[test]
fn the_tests_that_security_names_exist() {
    let text = read("docs/SECURITY.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| files(&root.join(folder)))
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"))
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    // Names of tests are sentences: no setting or column has so many words.
    let named: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.matches('_').count() >= 3 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        })
        .collect();
    assert!(named.len() > 30, "{named:?}");
    let gone: Vec<&&str> = named.iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(gone.is_empty(), "docs/SECURITY.md names tests that are not there: {gone:?}");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut links = 0;
    for file in ["README.md", "README.zh-CN.md"].into_iter().map(PathBuf::from).chain(
        files(&root.join("docs"))
            .into_iter()
            .filter(|file| file.extension().is_some_and(|kind| kind == "md")),
    ) {
        let file = root.join(file);
        let text = std::fs::read_to_string(&file).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            links += 1;
            assert!(file.parent().unwrap().join(path).exists(), "{}: {link}", file.display());
        }
    }
    assert!(links > 10, "the links were not found");
}

/// The words in code of each row's first cell, as the row's name: the rest of the row is in one language.
fn rows_of(file: &str) -> BTreeSet<String> {
    let text = read(file);
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let named = |line: &str| {
        let cell = line.trim_start_matches("| ").split(" | ").next().unwrap_or_default();
        cell.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
    };
    rows.map(named).collect()
}

#[test]
fn both_readmes_tell_of_the_same_commands_and_settings() {
    let (english, chinese) = (rows_of("README.md"), rows_of("README.zh-CN.md"));
    assert!(english.len() > 30, "{english:?}");
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| -> Vec<String> {
        these.difference(those).cloned().collect()
    };
    assert_eq!((only(&english, &chinese), only(&chinese, &english)), (Vec::new(), Vec::new()));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
