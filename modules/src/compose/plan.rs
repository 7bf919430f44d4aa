//! How a project is put right: files first, then what Compose and Docker have to do.

use super::services::{Trouble, ending, foreign, orphans, own, sees, troubles};
use super::{Compose, Pull, Spec, State, WAIT, stack};
use crate::facts::compose::Wanted;
use crate::file::{self, File};
use engine::writes::{self, Access};
use engine::{Change, Command, Drifted, Id, Module, Op, Planned};
use std::collections::{BTreeMap, BTreeSet};

static UP: Command = Command {
    name: "compose up",
    shell: concat!(
        "wait=$1 build=$2 pull=$3 images=$4 forced=$5 services=$6 ending=$7\nshift 7\n",
        include_str!("../facts/compose/engine.sh"),
        include_str!("up.sh")
    ),
};
static STOP: Command = Command {
    name: "compose stop",
    shell: concat!(include_str!("../facts/compose/engine.sh"), "compose \"$@\" stop >/dev/null"),
};
static DOWN: Command = Command {
    name: "compose down",
    shell: concat!("volumes=$1\nshift\n", include_str!("../facts/compose/engine.sh"), include_str!("down.sh")),
};
static REMOVE: Command =
    Command { name: "remove containers", shell: "docker stop -- \"$@\" >/dev/null && docker rm -- \"$@\" >/dev/null" };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&UP, &STOP, &DOWN, &REMOVE];

pub(super) fn plan(drift: &Drifted<'_, Compose>) -> Vec<Planned> {
    let (id, spec, seen) = (drift.id, drift.spec, drift.seen);
    if spec.state() == State::Absent {
        return vec![down(drift).into()];
    }
    if let Some(why) = refusal(drift) {
        return vec![Planned::Refuse { serves: vec![id.clone()], why }];
    }
    let mut planned = files(drift);
    planned.extend(seen.overrides.iter().map(|path| {
        Op::new(id.clone(), &writes::REMOVE, vec![spec.at(path)], format!("remove {path}, which nothing reads")).into()
    }));
    if spec.state() == State::Stopped {
        if drift.changes.iter().any(|change| change.field == "services") {
            let op = Op::new(id.clone(), &STOP, spec.arguments(&id.name), format!("stop {}", id.name));
            planned.push(op.hurts(format!("stops {}", id.name)).into());
        }
        return planned;
    }
    let orphans = orphans(&id.name, spec, seen);
    if !orphans.is_empty() {
        let names: Vec<&str> = orphans.iter().map(|container| container.name.as_str()).collect();
        let ids = orphans.iter().map(|container| container.id.clone()).collect();
        let op = Op::new(id.clone(), &REMOVE, ids, format!("remove {}", names.join(", ")));
        planned.push(op.hurts(format!("removes the container {}", names.join(", "))).into());
    }
    planned.extend(up(drift).map(Planned::from));
    planned.extend(spec.built().filter(|_| seen.unbuilt).map(|file| {
        let access = Access { mode: 0o600, owner: String::new(), group: String::new() };
        let content = file.bytes().map(<[u8]>::to_vec).unwrap_or_default();
        writes::write(
            id.clone(),
            &spec.at(stack::BUILT),
            content,
            &access,
            None,
            "note what the images were built from",
        )
        .into()
    }));
    planned
}

/// What no command should be let loose on.
fn refusal(drift: &Drifted<'_, Compose>) -> Option<String> {
    let (name, seen) = (&drift.id.name, drift.seen);
    if drift.spec.state() == State::Running
        && let Some(other) = foreign(name, seen).next()
    {
        let names: Vec<&str> = foreign(name, seen).map(|container| container.name.as_str()).collect();
        return Some(format!(
            "the containers {} of this directory belong to the project {}; name this resource so, or take them down first",
            names.join(", "),
            other.project
        ));
    }
    match seen.config() {
        Some(Err(why)) => Some(format!("Compose refuses these files: {why}")),
        Some(Ok(config)) if drift.spec.state() == State::Running => drift.spec.unknown(config).next().map(|service| {
            format!("the files have no service `{service}`, or only for a profile that is not among `profiles`")
        }),
        _ => None,
    }
}

/// Directories and files that have to be put in place.
fn files(drift: &Drifted<'_, Compose>) -> Vec<Planned> {
    let (id, spec, seen) = (drift.id, drift.spec, drift.seen);
    let new = Access { mode: 0o755, owner: String::new(), group: String::new() };
    let made = seen.missing.iter().map(|path| writes::mkdir(id.clone(), path, &new, format!("make {path}")).into());
    let mut planned: Vec<Planned> = made.collect();
    planned.extend(seen.dropped.note(id, spec).map(Planned::from));
    for (path, file, there) in changed(spec, drift) {
        let of_file = Id::new(File::KIND, spec.at(path));
        let changes = File.diff("", file, there);
        let changes: Vec<&Change> = changes.iter().collect();
        let drifted = Drifted { id: &of_file, spec: file, seen: there, changes };
        planned.push(match file::plan(&drifted) {
            Planned::Do(op) => Op { serves: vec![id.clone()], says: format!("{path}: {}", op.says), ..op }.into(),
            Planned::Refuse { why, .. } => Planned::Refuse { serves: vec![id.clone()], why },
        });
    }
    planned
}

/// The files that are not as they should be.
fn changed<'a>(
    spec: &'a Spec,
    drift: &'a Drifted<'_, Compose>,
) -> impl Iterator<Item = (&'a str, &'a file::Spec, &'a file::Observed)> {
    let both =
        spec.stack.files.iter().filter_map(|(path, file)| Some((path.as_str(), file, drift.seen.files.get(path)?)));
    both.filter(|(_, file, there)| !File.diff("", file, there).is_empty())
}

/// What Compose has to do; nothing if only files differ that no container sees.
fn up(drift: &Drifted<'_, Compose>) -> Option<Op> {
    let (id, spec, seen) = (drift.id, drift.spec, drift.seen);
    let config = seen.config().and_then(Result::ok);
    let troubles = troubles(&id.name, spec, seen);
    let changed: Vec<String> = changed(spec, drift).map(|(path, _, _)| spec.at(path)).collect();
    let mut forced: BTreeSet<&str> =
        troubles.iter().filter(|trouble| trouble.force).map(|trouble| trouble.service).collect();
    let touched = |container: &&crate::facts::compose::Container| changed.iter().any(|path| sees(container, path));
    let judged = config.map(|config| spec.judged(config));
    let in_files = |service: &str| judged.as_ref().is_none_or(|judged| judged.contains(service));
    forced.extend(
        own(&id.name, seen)
            .filter(touched)
            .map(|container| container.service.as_str())
            .filter(|service| in_files(service)),
    );
    // What Compose makes of files that are not in place yet may not be known.
    let unknown = config.is_none() || (!changed.is_empty() && seen.preview.is_none());
    let all = unknown || seen.unbuilt;
    let mut services: BTreeSet<&str> =
        forced.iter().copied().chain(troubles.iter().map(|trouble| trouble.service)).collect();
    if services.is_empty() && !all {
        return None;
    }
    if all {
        services = spec.services.iter().flatten().map(String::as_str).collect();
    }
    // Who has the network of a container that is made anew is made anew as well.
    let borrowers = config.into_iter().flatten().filter(|_| !services.is_empty());
    let borrowers: Vec<(&String, &Wanted)> = borrowers.filter(|(_, wanted)| !wanted.borrows.is_empty()).collect();
    for _ in &borrowers {
        for (service, wanted) in borrowers.iter().filter(|(service, _)| in_files(service)) {
            let lent = |by: &BTreeSet<&str>| wanted.borrows.iter().any(|lender| by.contains(lender.as_str()));
            if lent(&forced) {
                forced.insert(service);
            }
            if lent(&services) {
                services.insert(service);
            }
        }
    }
    let build = match spec.build {
        Some(true) if seen.unbuilt => "--build",
        Some(false) => "--no-build",
        _ => "",
    };
    let pull = match spec.pull.unwrap_or_default() {
        Pull::Missing => "missing",
        Pull::Always => "always",
        Pull::Never => "never",
    };
    let images =
        config.into_iter().flatten().filter_map(|(service, wanted)| wanted.image.clone().filter(|_| in_files(service)));
    let images: Vec<String> = images.collect();
    let join = |words: &BTreeSet<&str>| words.iter().copied().collect::<Vec<_>>().join(" ");
    let wait = spec.wait.unwrap_or(WAIT).seconds().to_string();
    let mut args = vec![
        wait,
        build.into(),
        pull.into(),
        images.join(" "),
        join(&forced),
        join(&services),
        if unknown { "*".to_owned() } else { ending(config).join(" ") },
    ];
    args.extend(spec.arguments(&id.name));
    let says =
        if services.is_empty() { format!("bring up {}", id.name) } else { format!("bring up {}", list(&services)) };
    let mut op = Op::new(id.clone(), &UP, args, says);
    op.hurts = hurts(&id.name, &troubles, &forced, all && own(&id.name, seen).next().is_some());
    Some(op)
}

fn hurts(name: &str, troubles: &[Trouble<'_>], forced: &BTreeSet<&str>, unknown: bool) -> Vec<String> {
    let hurt = troubles.iter().filter_map(|trouble| Some((trouble.service, trouble.hurts?)));
    let hurt: BTreeMap<&str, &str> = forced.iter().map(|service| (*service, "recreates")).chain(hurt).collect();
    let mut hurts: Vec<String> = hurt.into_iter().map(|(service, hurts)| format!("{hurts} {name}/{service}")).collect();
    if unknown {
        hurts.push(format!("may recreate containers of {name}"));
    }
    hurts
}

fn down(drift: &Drifted<'_, Compose>) -> Op {
    let (id, spec, seen) = (drift.id, drift.spec, drift.seen);
    let volumes = spec.remove_volumes == Some(true);
    let mut args = vec![if volumes { "yes" } else { "" }.to_owned()];
    args.extend(spec.arguments(&id.name));
    let op = Op::new(id.clone(), &DOWN, args, format!("take {} down", id.name));
    let op = op.hurts(format!("removes the containers of {}", id.name));
    if volumes && !seen.project.volumes.is_empty() {
        return op.destroys(format!("the volumes {}", seen.project.volumes.join(", ")));
    }
    op
}

fn list(words: &BTreeSet<&str>) -> String {
    words.iter().copied().collect::<Vec<_>>().join(", ")
}
