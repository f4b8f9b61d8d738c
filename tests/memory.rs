//! What is secret leaves no copy in the memory of the process once it is let go, in the allocator of the binary.

#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_graphql::{InputType, Value};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use uuid::Uuid;
use vulndesk::audit::signing;
use vulndesk::auth::DevelopmentSecret;
use vulndesk::clock::{Ids, SystemClock};
use vulndesk::secret::{Column, Confidential, SecretSettings, read_text};
use vulndesk::webhook::sign;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PAGE: u64 = 4096;

/// Ranges of pages that are there, of all that the process can write but the stack that `local` stands on.
fn written(local: &u8) -> Vec<Range<u64>> {
    let local = std::ptr::from_ref(local).addr() as u64;
    let pages = File::open("/proc/self/pagemap").unwrap();
    let mut found: Vec<Range<u64>> = Vec::new();
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        if !rest.starts_with("rw") || (from..to).contains(&local) {
            continue;
        }
        let mut entries = vec![0; ((to - from) / PAGE * 8) as usize];
        pages.read_exact_at(&mut entries, from / PAGE * 8).unwrap();
        for (page, entry) in (from..to).step_by(PAGE as usize).zip(entries.chunks_exact(8)) {
            // In memory, or in swap: the two highest bits.
            if entry[7] & 0xc0 == 0 {
                continue;
            }
            match found.last_mut() {
                Some(last) if last.end == page => last.end += PAGE,
                _ => found.push(page..page + PAGE),
            }
        }
    }
    found
}

/// How often `needle`, which stands on the stack, stands elsewhere in memory.
fn copies(needle: &[u8]) -> usize {
    // On the stack too, where it finds nothing of itself.
    let mut buffer = [0; 64 * 1024];
    let memory = File::open("/proc/self/mem").unwrap();
    let ranges = written(&needle[0]);
    let mut found = 0;
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            let length = buffer.len().min((range.end - at) as usize);
            // Meanwhile the allocator may have given it back.
            let Ok(()) = memory.read_exact_at(&mut buffer[..length], at) else { break };
            found += buffer[..length].windows(needle.len()).filter(|window| *window == needle).count();
            if at + length as u64 == range.end {
                break;
            }
            at += (length - needle.len() + 1) as u64;
        }
    }
    found
}

/// Bytes that stand nowhere else.
fn bytes(seed: u8) -> [u8; 32] {
    std::array::from_fn(|at| (at as u8).wrapping_mul(167).wrapping_add(seed) ^ 0x5a)
}

fn digits(bytes: [u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    hex::encode_to_slice(bytes, &mut digits).unwrap();
    digits
}

/// Of a block that was given back the allocator uses the beginning: the middle tells.
fn middle(secret: &[u8]) -> &[u8] {
    &secret[secret.len() / 4..secret.len() * 3 / 4]
}

/// Whatever `hold` answers holds one of the secrets, and nothing has any of them when it is gone.
fn leaves_nothing<T>(what: &str, secrets: &[&[u8]], hold: impl FnOnce() -> T) {
    let held = hold();
    assert!(
        secrets.iter().any(|secret| copies(middle(secret)) > 0),
        "{what}: it was not found while it was held"
    );
    drop(held);
    for (place, secret) in secrets.iter().enumerate() {
        assert_eq!(copies(middle(secret)), 0, "{what}: the memory has {place} of its secrets still");
    }
}

/// A file of this name with these bytes.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn what_is_secret_leaves_no_copy_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let ids = Ids::new(Arc::new(SystemClock));
    let place = || Column::WebhookSecret.of(Uuid::from_u128(1));

    let (key, text) = (bytes(1), digits(bytes(1)));
    let settings = SecretSettings { keys: vec![file(folder, "seal.key", &text)] };
    leaves_nothing("a key that seals", &[&key, &text], || settings.read().unwrap());
    let ring = settings.read().unwrap();

    let text = digits(bytes(2));
    let text = std::str::from_utf8(&text).unwrap();
    let sealed = ring.seal(&ids, place(), text.as_bytes()).unwrap();
    leaves_nothing("what was sealed", &[text.as_bytes()], || ring.open(place(), &sealed).unwrap());
    // Short ones end up in smaller blocks than they were opened in.
    let short = &text[..20];
    let sealed = ring.seal(&ids, place(), short.as_bytes()).unwrap();
    leaves_nothing("a short one", &[short.as_bytes()], || ring.open(place(), &sealed).unwrap());
    let many = [("Authorization", text); 9];
    let sealed = ring.seal_named(&ids, place(), &many).unwrap();
    leaves_nothing("secrets with names", &[text.as_bytes()], || ring.open_named(place(), &sealed).unwrap());

    let text = digits(bytes(3));
    let mut lines = [b'\n'; 66];
    lines[..64].copy_from_slice(&text);
    let lines = file(folder, "password", &lines);
    leaves_nothing("a password's file", &[&text], || read_text(&lines).unwrap());
    leaves_nothing("development's secret", &[&text], || DevelopmentSecret::read(&lines).unwrap());

    let secret = bytes(4);
    let mut text = [0; 50];
    text[..6].copy_from_slice(b"whsec_");
    STANDARD.encode_slice(secret, &mut text[6..]).unwrap();
    leaves_nothing("a secret that signs", &[&secret, &text], || {
        let held = read_text(&file(folder, "whsec", &text)).unwrap();
        (sign::Key::parse(held.expose_secret()).unwrap(), held)
    });
    let (mut text, mut secret) = ([0; 50], [0; 33]);
    let made = sign::new_secret(&ids);
    text.copy_from_slice(made.expose_secret().as_bytes());
    STANDARD.decode_slice(&text[6..], &mut secret).unwrap();
    leaves_nothing("a new secret", &[&secret[..32], &text], || made);

    let text = digits(bytes(5));
    leaves_nothing("a secret that a client sends", &[&text], || {
        let value = Value::String(std::str::from_utf8(&text).unwrap().to_owned());
        <Confidential as InputType>::parse(Some(value)).unwrap()
    });

    let path = folder.join("audit.key");
    signing::make(&path, &ids).unwrap();
    let mut text = [0; 64];
    File::open(&path).unwrap().read_exact_at(&mut text, 0).unwrap();
    let mut seed = [0; 32];
    hex::decode_to_slice(text, &mut seed).unwrap();
    leaves_nothing("the key of exports", &[&seed, &text], || signing::SigningKey::read(&path).unwrap());
}
