//! How well and how fast earlier reports are found that are the same, among 100,000 generated ones of the same kind.
//!
//! `VULNDESK_BENCH_PAIRS=pairs.jsonl VULNDESK_BENCH_RECORDS=one.xml:two.xml cargo bench --bench duplicates`. A line of the
//! pairs is `{"a": {"title", "description", "products"}, "b": {...}}`; the records are exports of CNVD, out of whose parts the
//! others are made. Among the others are ten about the product of each record of a pair, each about a hole of its own, since
//! a product that nothing else names is found by its name alone. The pairs are told in two halves, by their lines, so that
//! what was chosen by looking at one is seen on the other; beside them stands a plain TF-IDF over the same reports, of two
//! neighbouring Chinese characters and of Latin words. What is shown of reports that no other is the same as is a false
//! alarm: of products that nothing names, of products that others name, and real ones beside real others of their product.
//! Runs on a temporary SQLite file, and with `VULNDESK_BENCH_POSTGRES` (the URL of an empty database) on
//! PostgreSQL too. `VULNDESK_BENCH_REPORTS` sets how many are generated. No report names a number that another one has.
//! With `VULNDESK_BENCH_FILE` the SQLite file stays where it says, and that file or database is taken as it is, where the
//! same version of the product filled it in a run before: what finds and compares is then measured without importing.

#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

#[path = "duplicates/baseline.rs"]
mod baseline;
#[path = "duplicates/corpus.rs"]
mod corpus;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corpus::{Dice, Parts, Record, edited, named, pasted, reshaped};
use entity::report;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};
use vulndesk::app::App;
use vulndesk::auth::{Actor, Role};
use vulndesk::clock::{Clock, Ids, SystemClock};
use vulndesk::database::Database;
use vulndesk::duplicate::{Lookups, candidates};
use vulndesk::intake::import::{CnvdReader, ImportedReport, Item};
use vulndesk::intake::importer::{ChannelSpec, ImportOptions, import};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reports of which copies come, and unrelated ones.
const PROBES: usize = 300;
/// Reports about the product of each record of a pair.
const OF_A_PRODUCT: usize = 10;
/// The two halves of the pairs.
const HALVES: [&str; 2] = ["pairs, even", "pairs, odd"];

/// A report that comes, and the number of the one that is the same.
struct Probe {
    class: &'static str,
    record: Record,
    same_as: Option<String>,
}

#[tokio::main]
async fn main() {
    let (Ok(pairs), Ok(records)) =
        (std::env::var("VULNDESK_BENCH_PAIRS"), std::env::var("VULNDESK_BENCH_RECORDS"))
    else {
        println!("skipped: VULNDESK_BENCH_PAIRS and VULNDESK_BENCH_RECORDS name no files");
        return;
    };
    let reports =
        std::env::var("VULNDESK_BENCH_REPORTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let real: Vec<Record> = records.split(':').flat_map(read_records).collect();
    let pairs: Vec<(Record, Record)> =
        std::fs::read_to_string(pairs).unwrap().lines().map(read_pair).collect();
    let (earlier, probes) = corpus(&real, pairs, reports);
    println!("{} earlier reports; {} MB resident with them", earlier.len(), resident_megabytes());
    let kept = std::env::var("VULNDESK_BENCH_FILE");
    let file = std::env::temp_dir().join(format!("vulndesk-bench-{}.sqlite", std::process::id()));
    let file = kept.clone().unwrap_or_else(|_| file.display().to_string());
    measure("sqlite", &format!("sqlite://{file}"), &earlier, &probes).await;
    if kept.is_err() {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{file}{suffix}"));
        }
    }
    if let Ok(url) = std::env::var("VULNDESK_BENCH_POSTGRES") {
        measure("postgresql", &url, &earlier, &probes).await;
    }
    for half in HALVES {
        let of_half: Vec<(&Record, usize)> = probes
            .iter()
            .filter(|probe| probe.class == half)
            .filter_map(|probe| Some((&probe.record, probe.same_as.as_ref().and_then(|same| index(same))?)))
            .collect();
        let places = baseline::places(&earlier, &of_half);
        let within =
            |most: usize| places.iter().filter(|place| **place < most).count() * 100 / places.len().max(1);
        println!(
            "plain TF-IDF: {half:<19} {:>4}: first {:>3} %, within five {:>3} %",
            places.len(),
            within(1),
            within(5)
        );
    }
}

fn read_records(file: &str) -> Vec<Record> {
    let items = CnvdReader::new(std::io::BufReader::new(std::fs::File::open(file).unwrap()));
    let reports = items.filter_map(|item| match item {
        Ok(Item::Report(report)) => Some(*report),
        _ => None,
    });
    let text = |report: &ImportedReport| {
        let found = report.source.iter().find(|(name, _)| name == "description");
        without_numbers(found.map_or(&report.text, |(_, text)| text))
    };
    reports
        .map(|report| Record {
            title: without_numbers(&report.title),
            text: text(&report),
            products: report.products.clone(),
        })
        .collect()
}

/// A text without the numbers that would answer what is asked.
fn without_numbers(text: &str) -> String {
    text.split_inclusive(char::is_whitespace)
        .map(|word| match word.find("CVE-") {
            Some(place) => word[..place].trim_end_matches(['(', '（']).to_owned() + " ",
            None => word.to_owned(),
        })
        .collect()
}

fn read_pair(line: &str) -> (Record, Record) {
    let value: serde_json::Value = serde_json::from_str(line).unwrap();
    let record = |value: &serde_json::Value| Record {
        title: value["title"].as_str().unwrap().to_owned(),
        text: value["description"].as_str().unwrap().to_owned(),
        products: value["products"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|product| product.as_str().unwrap().to_owned())
            .collect(),
    };
    (record(&value["a"]), record(&value["b"]))
}

/// The earlier reports, in the order of their numbers, and what comes then.
fn corpus(real: &[Record], pairs: Vec<(Record, Record)>, generated: usize) -> (Vec<Record>, Vec<Probe>) {
    let (parts, mut dice) = (Parts::of(real), Dice(20_310_501));
    let (mut earlier, mut probes) = (Vec::new(), Vec::new());
    let step = |count: usize| (generated / count.max(1)).max(1);
    let (beside, held_out) = hold_out(real);
    let others: Vec<Record> = pairs
        .iter()
        .flat_map(|(first, second)| [first, second])
        .flat_map(|record| std::iter::repeat_n(record, OF_A_PRODUCT))
        .filter_map(|record| parts.of_same_product(record, &mut dice))
        .collect();
    let beside_step = step(beside.len() + others.len());
    let (pair_step, copy_step) = (step(pairs.len()), step(PROBES * 3));
    // All through each other, so that no class is the newest one.
    let mut beside: Vec<Record> = beside.into_iter().chain(others).collect();
    for place in (1..beside.len()).rev() {
        beside.swap(place, dice.below(place + 1));
    }
    let mut beside = beside.into_iter();
    let mut pairs = pairs.into_iter().enumerate();
    for index in 0..generated {
        let made = parts.make(&mut dice, false);
        if index % copy_step == 7 {
            let (class, record) = match index / copy_step % 3 {
                0 => ("pasted", pasted(&made)),
                1 => ("edited", edited(&made, &mut dice)),
                _ => ("another form", reshaped(&made)),
            };
            probes.push(Probe { class, record, same_as: Some(number(earlier.len())) });
        }
        earlier.push(made);
        if index % beside_step == 0 {
            earlier.extend(beside.next());
        }
        if let Some((line, (first, second))) = (index % pair_step == 0).then(|| pairs.next()).flatten() {
            probes.push(Probe {
                class: HALVES[line % 2],
                record: second,
                same_as: Some(number(earlier.len())),
            });
            earlier.push(first);
        }
    }
    earlier.extend(beside);
    let mut unrelated = |class, record| probes.push(Probe { class, record, same_as: None });
    for _ in 0..PROBES {
        unrelated("unknown product", parts.make(&mut dice, true));
        let like = &real[dice.below(real.len())];
        if let Some(record) = parts.of_same_product(like, &mut dice) {
            unrelated("known product", record);
        }
    }
    for record in held_out {
        unrelated("known product, real", record);
    }
    (earlier, probes)
}

/// Real records, and some of them that come later: each about a product that another one is about, in other words.
fn hold_out(real: &[Record]) -> (Vec<Record>, Vec<Record>) {
    let mut of_product: HashMap<&str, Vec<&Record>> = HashMap::new();
    let (mut beside, mut held_out) = (Vec::new(), Vec::new());
    for record in real {
        let others = of_product.entry(named(&record.title).map_or("", |(product, _)| product)).or_default();
        let own = named(&record.title).is_some() && others.iter().all(|other| other.text != record.text);
        // The second one of a product, and every fourth after it.
        if own && others.len() % 4 == 1 && held_out.len() < PROBES {
            held_out.push(record.clone());
        } else {
            beside.push(record.clone());
        }
        others.push(record);
    }
    (beside, held_out)
}

fn number(index: usize) -> String {
    format!("REPORT-{index:07}")
}

/// What [`number`] was made of.
fn index(number: &str) -> Option<usize> {
    number.strip_prefix("REPORT-")?.parse().ok()
}

fn items(
    records: Vec<(String, Record)>,
) -> impl Iterator<Item = Result<Item, vulndesk::intake::import::FileError>> {
    records.into_iter().map(|(number, record)| {
        Ok(Item::Report(Box::new(ImportedReport {
            number,
            title: record.title.trim().to_owned(),
            text: record.text,
            products: record.products,
            ..ImportedReport::default()
        })))
    })
}

/// Lets the earlier reports come, and then the others.
async fn fill(name: &str, app: &App, earlier: &[Record], probes: &[Probe]) {
    let actor = Actor::operator("analyst-1", [Role::Analyst]);
    let (spec, options) = (ChannelSpec::cnvd(), ImportOptions::default());
    let begun = Instant::now();
    let records = earlier.iter().enumerate().map(|(index, record)| (number(index), record.clone()));
    import(app, &actor, &spec, items(records.collect()), &options, |_| {}).await.unwrap();
    let took = begun.elapsed();
    println!("{name}: {} imported a second", earlier.len() as u128 * 1_000 / took.as_millis().max(1));
    let records =
        probes.iter().enumerate().map(|(index, probe)| (format!("PROBE-{index:07}"), probe.record.clone()));
    import(app, &actor, &spec, items(records.collect()), &options, |_| {}).await.unwrap();
    // As its own housekeeping would; an SQLite file has no such knowledge of its rows.
    if app.database.postgres().is_some() {
        app.database.writer().execute_unprepared("VACUUM ANALYZE").await.unwrap();
    }
}

async fn measure(name: &str, url: &str, earlier: &[Record], probes: &[Probe]) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let database = Database::connect(url, 16).await.unwrap();
    let ids = Ids::new(Arc::clone(&clock));
    vulndesk::migrate::run(&database, clock.as_ref(), &ids).await.unwrap();
    let app = App::new(database, clock, ids).await.unwrap();
    let actor = Actor::operator("analyst-1", [Role::Analyst]);
    match usize::try_from(report::Entity::find().count(app.database.reader()).await.unwrap()).unwrap() {
        0 => fill(name, &app, earlier, probes).await,
        known => assert_eq!(known, earlier.len() + probes.len(), "{name} was filled with other reports"),
    }
    let (mut durations, mut processor) = (Vec::new(), Duration::ZERO);
    let mut classes: Vec<(&str, [usize; 4])> = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        let select =
            report::Entity::find().filter(report::Column::ChannelNumber.eq(format!("PROBE-{index:07}")));
        let own = select.one(app.database.reader()).await.unwrap().unwrap();
        let (begun, processor_before) = (Instant::now(), processor_time());
        let found = candidates(&app, &actor, &Lookups::default(), &own, 50).await.unwrap();
        durations.push(begun.elapsed());
        processor += processor_time() - processor_before;
        // Other probes come at the same time, and are no earlier reports.
        let found: Vec<_> = found
            .iter()
            .filter_map(|candidate| candidate.report.channel_number.as_deref())
            .filter(|number| number.starts_with("REPORT-"))
            .collect();
        let place = probe.same_as.as_ref().and_then(|same| found.iter().position(|number| number == same));
        let at = classes.iter().position(|(class, _)| *class == probe.class).unwrap_or_else(|| {
            classes.push((probe.class, [0; 4]));
            classes.len() - 1
        });
        let counts = &mut classes[at].1;
        counts[0] += 1;
        counts[1] += usize::from(place == Some(0));
        counts[2] += usize::from(place.is_some_and(|place| place < 5));
        counts[3] += usize::from(!found.is_empty());
    }
    let share = |part: &usize, of: &usize| format!("{}.{} %", part * 100 / of, part * 1_000 / of % 10);
    for (class, [of, first, five, any]) in &classes {
        println!(
            "{name}: {class:<19} {of:>4}: first {:>7}, within five {:>7}, any shown {:>7}",
            share(first, of),
            share(five, of),
            share(any, of)
        );
    }
    let processor = processor.as_micros() / durations.len() as u128;
    durations.sort();
    let at = |share: usize| durations[(durations.len() - 1) * share / 100].as_micros();
    println!(
        "{name}: candidates of a report take p50 {} us, p99 {} us, {processor} us of this process's processor time; {} MB \
         resident",
        at(50),
        at(99),
        resident_megabytes()
    );
}

/// Processor time of this process so far, in steps of a hundredth of a second.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

fn resident_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
