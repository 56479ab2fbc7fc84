//! Shell: plays every case on the mock and on a real broker, and gives the verdict.

use std::collections::BTreeMap;
use std::io;

use weft_client::wire::messages::ApiVersionsRequest;
use weft_client::wire::{ApiKey, schema_versions};
use weft_testcontainers::kafka::KafkaVersion;

use super::allowed::ALLOWED;
use super::case::{Case, Versions, ask};
use super::cases;
use super::play::{Came, Stage, Told};
use super::verdict::Verdict;

/// Compares a mock that nobody has used with a real broker that nobody has used.
///
/// # Errors
///
/// If one of them cannot be reached, or does not say what it speaks.
pub fn compare(mock: &str, real: &str, release: KafkaVersion) -> io::Result<Verdict> {
    let spoken_by_mock = spoken_by(mock)?;
    let spoken_by_real = spoken_by(real)?;
    let mut common = Versions::new();
    for (api, of_mock) in &spoken_by_mock {
        if let Some(of_real) = spoken_by_real.get(api) {
            let first = *of_mock.start().max(of_real.start());
            let last = *of_mock.end().min(of_real.end());
            // Brokers of today announce versions of Produce that they do not serve (KIP-896).
            let first =
                first.max(ApiKey::try_from(*api).map_or(0, |api| *schema_versions(api).start()));
            common.insert(*api, first..=last);
        }
    }
    let mut verdict = Verdict::new(ALLOWED, release);
    for (number, case) in cases::all().iter().enumerate() {
        let mut apis = case.apis.iter();
        if !case.apis.is_empty() && !apis.any(|api| common.contains_key(&(*api as i16))) {
            continue;
        }
        for round in 0..rounds(case, &common) {
            let run = format!("c{number}r{round}");
            let play = |address| {
                let stage = Stage {
                    address,
                    versions: &common,
                };
                stage.play(case, &run, round)
            };
            verdict.compare(case.name, &run, &play(mock)?, &play(real)?);
        }
    }
    verdict.demand(&common);
    Ok(verdict)
}

/// How often a case is played: once for each version of the API that has most of them.
fn rounds(case: &Case, versions: &Versions) -> usize {
    let counts = case
        .apis
        .iter()
        .filter_map(|api| versions.get(&(*api as i16)));
    counts.map(|range| range.clone().count()).max().unwrap_or(1)
}

fn spoken_by(address: &str) -> io::Result<Versions> {
    let question = Case {
        name: "what it speaks",
        apis: &[],
        steps: vec![ask("what it speaks", |_| ApiVersionsRequest::default())],
    };
    let oldest = BTreeMap::from([(ApiKey::ApiVersions as i16, 0..=0)]);
    let stage = Stage {
        address,
        versions: &oldest,
    };
    let told = stage.play(&question, "", 0)?;
    let [
        Told {
            came: Came::Answer(answer),
            ..
        },
    ] = &told[..]
    else {
        return Err(io::Error::other(format!("{address} tells {told:?}")));
    };
    let structs = answer.structs();
    let ranges = structs.iter().filter_map(|range| {
        let number = |field| range.leaf(field)?.parse().ok();
        let versions = number("min_version")?..=number("max_version")?;
        Some((number("api_key")?, versions))
    });
    Ok(ranges.collect())
}
