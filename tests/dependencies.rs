//! What is in the dependency tree is what deny.toml allows: licences, banned crates, single versions, sources.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use spdx::{Expression, Licensee, ParseMode};

/// The parts of deny.toml that are checked here.
#[derive(Deserialize)]
struct Rules {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bans {
    multiple_versions: String,
    skip: Vec<Skip>,
    deny: Vec<Ban>,
}

/// A version that may be there beside another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skip {
    /// Name and version, as `name:0.1`.
    #[serde(rename = "crate")]
    spec: String,
    /// Who needs it.
    reason: String,
}

impl Skip {
    /// Name, and what its versions begin with.
    fn split(&self) -> (&str, String) {
        let (name, version) = self.spec.split_once(':').unwrap();
        // Only such a requirement means the same here and to cargo-deny.
        assert!(version.split('.').all(|part| part.parse::<u64>().is_ok()), "{}", self.spec);
        (name, format!("{version}."))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    /// One version of it may be there.
    #[serde(default)]
    deny_multiple_versions: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// A package that is built for some platform, or for the tests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    license: String,
    /// None for the workspace's own.
    source: Option<String>,
}

impl Rules {
    fn read() -> Self {
        toml::from_str(include_str!("../deny.toml")).unwrap()
    }

    /// What is wrong with these packages.
    fn broken_by(&self, packages: &BTreeSet<Package>) -> Vec<String> {
        let allowed: Vec<Licensee> =
            self.licenses.allow.iter().map(|name| Licensee::parse(name).unwrap()).collect();
        let registries: Vec<String> =
            self.sources.allow_registry.iter().map(|url| format!("registry+{url}")).collect();
        let mut broken = Vec::new();
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in packages {
            let Package { name, version, license, source } = package;
            versions.entry(name).or_default().push(version);
            let fits = Expression::parse_mode(license, ParseMode::LAX).is_ok_and(|expression| {
                expression.evaluate(|asked| allowed.iter().any(|licensee| licensee.satisfies(asked)))
            });
            if !fits {
                broken.push(format!("{name} {version}: the licence {license:?} is not allowed"));
            }
            if source.as_ref().is_some_and(|source| !registries.contains(source)) {
                broken.push(format!("{name} {version}: the source {source:?} is not allowed"));
            }
        }
        for ban in &self.bans.deny {
            match versions.get(ban.name.as_str()) {
                Some(found) if !ban.deny_multiple_versions => {
                    broken.push(format!("{} {found:?}: it is banned", ban.name));
                }
                Some(found) if found.len() > 1 => {
                    broken.push(format!("{} {found:?}: more than one version", ban.name));
                }
                // A name that meets nothing would look like a rule and be none.
                None if ban.deny_multiple_versions => {
                    broken.push(format!("{}: deny.toml names it, but nothing uses it", ban.name));
                }
                _ => {}
            }
        }
        assert_eq!(self.bans.multiple_versions, "deny");
        for skip in &self.bans.skip {
            let (name, beginning) = skip.split();
            let found = versions.get_mut(name).filter(|found| found.len() > 1);
            let before = found.as_ref().map(|found| found.len());
            let after = found.map(|found| {
                found.retain(|version| !version.starts_with(&beginning));
                found.len()
            });
            if before == after || skip.reason.is_empty() {
                broken.push(format!("{}: deny.toml explains it, but there is nothing to explain", skip.spec));
            }
        }
        for (name, found) in versions.into_iter().filter(|(_, found)| found.len() > 1) {
            let single = |ban: &Ban| ban.deny_multiple_versions && ban.name == name;
            if !self.bans.deny.iter().any(single) {
                broken.push(format!("{name} {found:?}: deny.toml says of none of them why"));
            }
        }
        broken
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--locked")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `cargo metadata` knows licences and sources, but lists crates that only switched-off features name; `cargo tree`
/// knows what is built.
fn packages() -> BTreeSet<Package> {
    let tree = cargo(&["tree", "--workspace", "--target", "all", "--edges", "all", "--prefix", "none"]);
    let built: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some((words.next()?, words.next()?.strip_prefix('v')?))
        })
        .collect();
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--format-version", "1"])).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| {
            built.contains(&(package["name"].as_str().unwrap(), package["version"].as_str().unwrap()))
        })
        .map(|package| Package {
            name: text(&package["name"]).unwrap(),
            version: text(&package["version"]).unwrap(),
            license: text(&package["license"]).unwrap_or_default(),
            source: text(&package["source"]),
        })
        .collect()
}

#[test]
fn the_tree_is_what_deny_toml_allows() {
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == "vulndesk"), "the tree was not read");
    assert!(packages.len() > 200, "the tree was not read: {}", packages.len());
    let broken = Rules::read().broken_by(&packages);
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn what_deny_toml_forbids_is_found() {
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let package = |name: &str, version: &str, license: &str, source: &str| Package {
        name: name.to_owned(),
        version: version.to_owned(),
        license: license.to_owned(),
        source: Some(source.to_owned()),
    };
    let (rules, tree) = (Rules::read(), packages());
    for (added, expected) in [
        (package("new", "1.0.0", "GPL-3.0-only", registry), "the licence \"GPL-3.0-only\""),
        (package("new", "1.0.0", "MIT AND AGPL-3.0-only", registry), "the licence"),
        (package("new", "1.0.0", "", registry), "the licence \"\""),
        (package("new", "1.0.0", "MIT", "git+https://git.example/new"), "the source"),
        (package("new", "1.0.0", "MIT", "registry+https://registry.example/index"), "the source"),
        (package("ring", "0.17.14", "MIT", registry), "it is banned"),
        (package("tokio", "0.2.0", "MIT", registry), "more than one version"),
        (package("serde", "0.9.0", "MIT", registry), "says of none of them why"),
    ] {
        let mut packages = tree.clone();
        packages.insert(added);
        let broken = rules.broken_by(&packages);
        assert!(broken.len() == 1 && broken[0].contains(expected), "{expected}: {broken:?}");
    }
    let mut packages = tree;
    packages.retain(|package| package.name != "axum");
    assert!(rules.broken_by(&packages)[0].contains("nothing uses it"));
    packages.retain(|package| package.name != "nom");
    assert!(
        rules.broken_by(&packages).iter().any(|broken| broken.starts_with("nom:7: deny.toml explains it"))
    );
}
