//! Any bytes, as any number of files: they are loaded, resolved for every host with and without facts, ordered, and every
//! message is printed. Nothing of that may panic, hang, or take much memory.
#![no_main]

#[expect(dead_code, reason = "only the seeds are written")]
mod repository;

use jiff::civil::date;
use libfuzzer_sys::fuzz_target;
use policies::Identity;

fuzz_target!(|bytes: &[u8]| {
    let files = repository::read(bytes);
    let (repo, mut diagnostics) = policies::load_in_memory(files, modules::MODULES, &[], date(2026, 11, 20));
    let facts = Identity {
        os_id: Some("debian".into()),
        os_version: Some("13".into()),
        os_codename: Some("trixie".into()),
        arch: Some("x86_64".into()),
        hostname: Some("one".into()),
        virtualization: Some("none".into()),
    };
    // More hosts show nothing that a few do not, and take as long each.
    let names: Vec<String> = repo.inventory().hosts().iter().take(3).map(|host| host.name.clone()).collect();
    let mut all = Vec::new();
    for name in &names {
        all.push(repo.resolve(name, None));
    }
    if let Some(first) = names.first() {
        all.push(repo.resolve(first, Some(&facts)));
    }
    for resolution in &all {
        let _ = engine::graph::Graph::build(&resolution.resources);
    }
    diagnostics.extend(repo.unused_waivers(&all));
    diagnostics.extend(all.into_iter().flat_map(|resolution| resolution.diagnostics));
    source::render(&source::sorted(diagnostics), false);
});
