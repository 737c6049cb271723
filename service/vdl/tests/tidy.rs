//! Conventions that hold for the whole house. A failing test here is a decision to be made and
//! written down in docs/decisions, not a line to be edited until it passes.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Who depends on whom, in what is shipped: these and no others, and none that nobody uses.
const EDGES: &[(&str, &[&str])] = &[
    ("vdl-command", &[]),
    ("vdl-authorize", &["vdl-command"]),
    ("vdl-seal", &[]),
    ("vdl-share", &[]),
    ("vdl-transport", &[]),
    ("vdl-protocol", &["vdl-transport", "vdl-share"]),
    ("vdl-trio", &["vdl-protocol", "vdl-transport", "vdl-share"]),
    ("vdl-plan", &["vdl-command"]),
    ("vdl-table", &["vdl-plan", "vdl-protocol", "vdl-share"]),
    ("vdl-plain", &["vdl-plan"]),
    ("vdl-store", &["vdl-share", "vdl-command"]),
    ("vdl-pin", &[]),
    ("vdl-listen", &[]),
    ("vdl-client", &["vdl-share", "vdl-authorize", "vdl-command", "vdl-pin", "vdl-seal"]),
    (
        "vdl-node",
        &[
            "vdl-store",
            "vdl-table",
            "vdl-plan",
            "vdl-protocol",
            "vdl-share",
            "vdl-authorize",
            "vdl-command",
            "vdl-transport",
            "vdl-pin",
            "vdl-seal",
            "vdl-listen",
        ],
    ),
    ("vdl-portal", &["vdl-client", "vdl-authorize", "vdl-command", "vdl-listen"]),
    ("vdl", &["vdl-node", "vdl-portal", "vdl-client", "vdl-authorize", "vdl-command"]),
    ("crandas-bindings", &["vdl-client", "vdl-node"]),
];

/// Test worlds: nothing that is shipped may depend on them.
const TEST_ONLY: &[&str] = &["vdl-trio", "vdl-plain"];

/// The rooms with no disk, socket, clock or thread pool in them may not bring these in.
const ROOMS_WITHOUT_IO: &[&str] = &["contract/", "engine/", "mpc/"];
const IO_CRATES: &[&str] = &["tokio", "axum", "rustls", "reqwest", "redb", "async-trait", "futures"];

const MAX_COLUMNS: usize = 110;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Metadata {
    MetadataCommand::new().current_dir(root()).no_deps().exec().unwrap()
}

fn sources(extension: &str) -> Vec<PathBuf> {
    const SKIPPED: &[&str] = &["target", ".git", ".venv", "node_modules", "demo-data", "__pycache__"];
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !SKIPPED.contains(&name.as_str()) {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_crate_depends_on_the_rooms_below_it_that_are_written_down_and_on_no_other() {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(ours, allowed.keys().copied().collect(), "a crate came or went: say so in EDGES");
    for package in &metadata.packages {
        let name = package.name.as_str();
        let used: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|dependency| ours.contains(dependency))
            .collect();
        let allowed: BTreeSet<&str> = allowed[name].iter().copied().collect();
        let unknown: Vec<_> = used.difference(&allowed).collect();
        assert!(unknown.is_empty(), "{name} must not depend on {unknown:?}");
        let unused: Vec<_> = allowed.difference(&used).collect();
        assert!(unused.is_empty(), "{name} does not depend on {unused:?} any more: say so in EDGES");
    }
}

#[test]
fn the_test_worlds_are_never_shipped() {
    for package in &metadata().packages {
        for dependency in &package.dependencies {
            let shipped = dependency.kind != DependencyKind::Development;
            let is_test_world = TEST_ONLY.contains(&dependency.name.as_str());
            assert!(!(shipped && is_test_world), "{} ships {}", package.name, dependency.name);
        }
    }
}

#[test]
fn contract_engine_and_mpc_do_no_input_or_output() {
    let root = root();
    for package in &metadata().packages {
        let folder = package.manifest_path.strip_prefix(&root).unwrap().as_str();
        if !ROOMS_WITHOUT_IO.iter().any(|room| folder.starts_with(room)) {
            continue;
        }
        for dependency in &package.dependencies {
            assert!(
                dependency.kind == DependencyKind::Development
                    || !IO_CRATES.contains(&dependency.name.as_str()),
                "{} does no I/O, so it needs no {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn every_crate_takes_the_lints_and_the_licence_of_the_workspace() {
    for package in &metadata().packages {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}: [lints] workspace = true", package.name);
        assert_eq!(package.license.as_deref(), Some("Apache-2.0"), "{}", package.name);
        assert!(
            package.publish.as_ref().is_some_and(Vec::is_empty),
            "{} must not be published",
            package.name
        );
    }
}

#[test]
fn no_foreign_sources_are_in_the_lock_file() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for line in lock.lines() {
        if let Some(source) = line.strip_prefix("source = ") {
            assert_eq!(source, "\"registry+https://github.com/rust-lang/crates.io-index\"");
        }
    }
}

/// Banned crates, each with those that may bring it along all the same.
fn banned(deny: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut bans = BTreeMap::new();
    for line in deny.lines() {
        let Some((name, rest)) =
            line.trim().strip_prefix("{ crate = \"").and_then(|rest| rest.split_once('"'))
        else {
            continue;
        };
        let wrappers = rest.split_once("wrappers = [").and_then(|(_, rest)| rest.split(']').next());
        bans.insert(name, wrappers.map_or(vec![], |list| list.split('"').skip(1).step_by(2).collect()));
    }
    bans
}

/// What some build takes, on any machine: the lock file also lists what none does.
#[test]
fn a_banned_crate_comes_only_with_those_that_may_bring_it() {
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let bans = banned(&deny);
    assert!(bans.len() > 10, "deny.toml was not understood");
    let metadata =
        MetadataCommand::new().current_dir(root()).other_options(vec!["--locked".to_owned()]).exec().unwrap();
    let names: BTreeMap<_, _> = metadata.packages.iter().map(|p| (&p.id, p.name.as_str())).collect();
    for node in &metadata.resolve.as_ref().unwrap().nodes {
        let who = names[&node.id];
        for brought in node.dependencies.iter().map(|id| names[id]) {
            let allowed = bans.get(brought).is_none_or(|wrappers| wrappers.contains(&who));
            assert!(allowed, "{who} brings {brought}, which is banned in deny.toml");
        }
    }
}

#[test]
fn every_dependency_has_a_licence_we_allow() {
    let deny = fs::read_to_string(root().join("deny.toml")).unwrap();
    let list = deny.split("[licenses]").nth(1).unwrap().split(']').next().unwrap();
    let allowed: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    let metadata = MetadataCommand::new()
        .current_dir(root())
        .other_options(["--locked", "--filter-platform", "x86_64-unknown-linux-gnu"].map(str::to_owned))
        .exec()
        .unwrap();
    for package in &metadata.packages {
        let licence = package.license.as_deref().unwrap_or("(none)");
        assert!(is_allowed(&licence.replace('/', " OR "), &allowed), "{}: {licence}", package.name);
    }
}

/// Evaluates an SPDX expression; AND binds tighter than OR.
fn is_allowed(expression: &str, allowed: &BTreeSet<&str>) -> bool {
    let expression = expression.trim();
    let alternatives = split_outside_parentheses(expression, " OR ");
    if alternatives.len() > 1 {
        return alternatives.iter().any(|part| is_allowed(part, allowed));
    }
    let demands = split_outside_parentheses(expression, " AND ");
    if demands.len() > 1 {
        return demands.iter().all(|part| is_allowed(part, allowed));
    }
    match expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(expression),
    }
}

fn split_outside_parentheses<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0);
    for (position, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ if depth == 0 && position >= start && text[position..].starts_with(separator) => {
                parts.push(&text[start..position]);
                start = position + separator.len();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[test]
fn lines_fit_the_page() {
    let page = root().join("service/portal/web/src");
    let generated = page.join("api/schema.ts");
    let words = page.join("words");
    let drawn = page.join("parts/Icon.svelte");
    let outside_tests = |path: &PathBuf| !path.components().any(|part| part.as_os_str() == "tests");
    let of_the_page = |path: &PathBuf| {
        path.starts_with(&page) && !path.starts_with(&words) && *path != generated && *path != drawn
    };
    let servers = sources("rs").into_iter().chain(sources("py")).filter(outside_tests);
    let shown = sources("ts").into_iter().chain(sources("svelte")).filter(of_the_page);
    let mut too_long = Vec::new();
    for path in servers.chain(shown) {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let columns = line.chars().count();
            if columns > MAX_COLUMNS {
                too_long.push(format!("{}:{} has {columns} columns", path.display(), number + 1));
            }
        }
    }
    assert!(too_long.is_empty(), "{}", too_long.join("\n"));
}

#[test]
fn every_error_code_is_explained() {
    let documented = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let documented: BTreeSet<&str> =
        documented.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut used = BTreeSet::new();
    for path in sources("rs") {
        if path.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        used.extend(error_codes_in(&fs::read_to_string(&path).unwrap()));
    }
    // What Python alone can find out, such as a ragged CSV file.
    let python = fs::read_to_string(root().join("crandas/python/crandas/errors.py")).unwrap();
    used.extend(python.lines().filter_map(|line| quoted_after(line, "default_code = ")));
    assert!(used.len() > 20, "the sources were not understood");
    let missing: Vec<_> = used.iter().filter(|code| !documented.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "docs/errors.md does not explain {missing:?}");
    let stale: Vec<_> = documented.iter().filter(|code| !used.contains(**code)).collect();
    assert!(stale.is_empty(), "docs/errors.md explains {stale:?}, which nobody reports");
}

fn quoted_after(line: &str, start: &str) -> Option<String> {
    Some(line.trim().strip_prefix(start)?.strip_prefix('"')?.split('"').next()?.to_owned())
}

/// The codes of a source file: all that its `fn code(&self)` functions can return, and those written out
/// where an error is made on the spot, as `code: "x"` or `refuse("x", ...)`.
fn error_codes_in(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_code_function = false;
    let mut before = "";
    for line in text.lines().map(str::trim_end) {
        if line.contains("fn code(&self)") {
            in_code_function = true;
        } else if line == "    }" {
            in_code_function = false;
        }
        let comment = line.trim_start().starts_with("//");
        let mut made_here =
            line.split("code: \"").skip(1).chain(line.split("refuse(\"").skip(1)).collect::<Vec<_>>();
        if before.ends_with("refuse(") {
            made_here.extend(line.trim_start().strip_prefix('"'));
        }
        if in_code_function && !comment {
            made_here.extend(line.split('"').skip(1).step_by(2));
        }
        for rest in made_here {
            let code = rest.split('"').next().unwrap_or_default();
            if !code.is_empty() && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                found.insert(code.to_owned());
            }
        }
        before = line;
    }
    found
}

#[test]
fn links_between_documents_lead_somewhere() {
    for path in sources("md") {
        let text = fs::read_to_string(&path).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            assert!(path.parent().unwrap().join(file).exists(), "{}: {target}", path.display());
        }
    }
}
