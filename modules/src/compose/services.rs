//! What differs between the containers of a project and its services.

use super::{Observed, Spec, State};
use crate::facts::compose::{Config, Container, Project, Wanted};
use engine::Change;
use std::collections::BTreeMap;

/// Why a service is not as it should be, and what that takes.
pub(super) struct Trouble<'a> {
    pub service: &'a str,
    pub is: String,
    pub should: &'static str,
    /// Compose sees nothing wrong in its containers, so it has to be told to make them anew.
    pub force: bool,
    /// What its containers suffer: "recreates".
    pub hurts: Option<&'static str>,
}

const RECREATES: Option<&str> = Some("recreates");

/// The containers of the project itself, without those made by `docker compose run`.
pub(super) fn own<'a>(name: &'a str, seen: &'a Observed) -> impl Iterator<Item = &'a Container> {
    seen.project.containers.iter().filter(move |container| container.project == name && !container.oneoff)
}

/// The containers of this directory that belong to another project.
pub(super) fn foreign<'a>(name: &'a str, seen: &'a Observed) -> impl Iterator<Item = &'a Container> {
    seen.project.containers.iter().filter(move |container| container.project != name)
}

/// The containers of services that the files do not name.
pub(super) fn orphans<'a>(name: &'a str, spec: &Spec, seen: &'a Observed) -> Vec<&'a Container> {
    match seen.config() {
        Some(Ok(config)) if spec.remove_orphans != Some(false) => {
            // Of those whose profiles are off, somebody may have started one.
            let named = |service: &String| config.contains_key(service) || seen.project.named.contains(service);
            own(name, seen).filter(|container| !named(&container.service)).collect()
        }
        _ => Vec::new(),
    }
}

/// What is left of a project that must be gone.
pub(super) fn left(name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
    let containers = seen.project.containers.iter().filter(|container| container.project == name).count();
    let mut changes = Vec::new();
    if containers > 0 {
        changes.push(Change::value("state", format!("present ({})", counted(containers)), "absent"));
    }
    changes.extend(seen.project.networks.iter().map(|network| Change::extra("networks", network)));
    if spec.remove_volumes == Some(true) {
        changes.extend(seen.project.volumes.iter().map(|volume| Change::extra("volumes", volume)));
    }
    changes
}

/// What differs in the containers.
pub(super) fn changes(name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
    if spec.state() == State::Stopped {
        let running = own(name, seen).filter(|container| is_up(container));
        return by_service(running)
            .into_keys()
            .map(|service| Change::value("services", "running", "stopped").element(service))
            .collect();
    }
    let others: Vec<&str> = foreign(name, seen).map(|container| container.project.as_str()).collect();
    if let Some(other) = others.first() {
        let is = format!("{other} ({} of this directory)", counted(others.len()));
        return vec![Change::value("project", is, name)];
    }
    let mut changes = match seen.config() {
        None if own(name, seen).next().is_none() => vec![Change::value("state", "absent", "running")],
        None => vec![Change::value("state", "running without its files", "running")],
        Some(Err(why)) => vec![Change::value("compose_files", format!("refused: {why}"), "understood")],
        Some(Ok(config)) => spec
            .unknown(config)
            .map(|service| {
                Change::value("services", "not in the files, or its profile is off", "running").element(service)
            })
            .collect(),
    };
    let troubles = troubles(name, spec, seen).into_iter();
    changes
        .extend(troubles.map(|trouble| Change::value("services", trouble.is, trouble.should).element(trouble.service)));
    let orphans = orphans(name, spec, seen);
    changes.extend(orphans.into_iter().map(|container| Change::extra("orphans", &container.name)));
    changes
}

/// What is wrong with each service, the worst of it.
pub(super) fn troubles<'a>(name: &'a str, spec: &Spec, seen: &'a Observed) -> Vec<Trouble<'a>> {
    let Some(Ok(config)) = seen.config() else { return Vec::new() };
    let containers = by_service(own(name, seen));
    let judged = spec.judged(config);
    config
        .iter()
        .filter(|(service, _)| judged.contains(service.as_str()))
        .filter_map(|(service, wanted)| {
            let containers = containers.get(service.as_str()).map_or(&[][..], Vec::as_slice);
            trouble(service, wanted, containers, spec, seen)
        })
        .collect()
}

fn by_service<'a>(containers: impl Iterator<Item = &'a Container>) -> BTreeMap<&'a str, Vec<&'a Container>> {
    let mut found: BTreeMap<&str, Vec<&Container>> = BTreeMap::new();
    for container in containers {
        found.entry(&container.service).or_default().push(container);
    }
    found
}

fn trouble<'a>(
    service: &'a str,
    wanted: &Wanted,
    containers: &[&Container],
    spec: &Spec,
    seen: &Observed,
) -> Option<Trouble<'a>> {
    let project = &seen.project;
    let trouble = |is: String, should, force, hurts| Some(Trouble { service, is, should, force, hurts });
    let some = |wrong: &dyn Fn(&Container) -> bool| containers.iter().find(|container| wrong(container)).copied();
    if containers.is_empty() {
        return if wanted.replicas == 0 { None } else { trouble("missing".to_owned(), "running", false, None) };
    }
    if let Some(container) = some(&|container| !is_right(container, wanted)) {
        let stuck = !["exited", "created"].contains(&container.status.as_str());
        return trouble(condition(container), "running", stuck, None);
    }
    if let Some(network) = containers.iter().find_map(|container| missing_network(container, wanted)) {
        return trouble(format!("not in the network {network}"), "in its networks", true, RECREATES);
    }
    if let Some(container) = some(&|container| !restarts_right(container, wanted)) {
        return trouble(format!("restart is {}", container.restart), "as the files say", true, RECREATES);
    }
    if let Some(container) =
        some(&|container| !is_comparable(&container.version, &project.version) && container.hash != wanted.hash)
    {
        let is = format!("made by Compose {}, which cannot be compared with {}", container.version, project.version);
        return trouble(is, "made by this Compose", false, RECREATES);
    }
    if let Some(container) = some(&|container| !is_current(container, project)) {
        return trouble(format!("runs an older image of {}", container.tag), "the current image", false, RECREATES);
    }
    if !wanted.incomparable && some(&|container| container.hash != wanted.hash).is_some() {
        return trouble("made from another configuration".to_owned(), "made from the policy's", false, RECREATES);
    }
    if let Some((_, path)) = containers.iter().find_map(|container| Some((container, newer(container, spec, seen)?))) {
        return trouble(format!("older than {path}"), "started after it changed", true, RECREATES);
    }
    if some(&|container| container.health.as_deref() == Some("unhealthy")).is_some() {
        return trouble("unhealthy".to_owned(), "healthy", true, RECREATES);
    }
    if containers.len() != wanted.replicas {
        let hurts = (containers.len() > wanted.replicas).then_some("removes containers of");
        let should = if wanted.replicas == 1 { "1 container" } else { "as many as the policy's" };
        return trouble(counted(containers.len()), should, false, hurts);
    }
    None
}

/// It runs, or has done what it was for.
fn is_right(container: &Container, wanted: &Wanted) -> bool {
    container.status == "running" || (wanted.ends && container.status == "exited" && container.exit == 0)
}

/// A network of the service that the container is not in: somebody took it out, or removed the network.
fn missing_network(container: &Container, wanted: &Wanted) -> Option<String> {
    let names = wanted.networks.iter().map(|network| match network.strip_prefix('_') {
        Some(_) => format!("{}{network}", container.project),
        None => network.clone(),
    });
    names.filter(|_| container.status == "running").find(|network| !container.networks.contains(network))
}

fn restarts_right(container: &Container, wanted: &Wanted) -> bool {
    let is = if container.restart.is_empty() { "no" } else { &container.restart };
    wanted.restart.as_deref().is_none_or(|restart| restart == is)
}

fn is_up(container: &Container) -> bool {
    ["running", "restarting", "paused"].contains(&container.status.as_str())
}

fn condition(container: &Container) -> String {
    match container.status.as_str() {
        "exited" | "restarting" | "dead" => format!("{} ({})", container.status, container.exit),
        status => status.to_owned(),
    }
}

/// Hashes of two versions are made alike. `made` is a container's label, `ours` what Compose says of itself, which on
/// Debian ends in the package's revision. All of version 1 agree.
fn is_comparable(made: &str, ours: &str) -> bool {
    let (made, ours) = (made.trim_start_matches('v'), ours.trim_start_matches('v'));
    if ours == "1" || ours.starts_with("1.") {
        return made.starts_with("1.");
    }
    ours.strip_prefix(made).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '+', '~']))
}

/// Its image is the one that its tag stands for now; where the tag is gone, or a digest, no other is.
fn is_current(container: &Container, project: &Project) -> bool {
    project.images.get(&familiar(&container.tag)).is_none_or(|id| *id == container.image)
}

/// An image's name as `docker image ls` has it.
fn familiar(tag: &str) -> String {
    let short = tag.strip_prefix("docker.io/").map_or(tag, |rest| rest.strip_prefix("library/").unwrap_or(rest));
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains(':') { short.to_owned() } else { format!("{short}:latest") }
}

/// A file of the project that the container sees and that has changed since it was started. What has ended has seen enough.
fn newer<'a>(container: &Container, spec: &Spec, seen: &'a Observed) -> Option<&'a str> {
    let changed = seen.times.iter().filter(|(_, time)| **time > container.started);
    changed.map(|(path, _)| path.as_str()).find(|path| sees(container, &spec.at(path)))
}

/// The container runs, and sees this path of the host.
pub(super) fn sees(container: &Container, path: &str) -> bool {
    let below = |bind: &String| path.strip_prefix(bind.trim_end_matches('/'));
    let seen = container.binds.iter().filter_map(below).any(|rest| rest.is_empty() || rest.starts_with('/'));
    seen && container.status == "running"
}

/// What is not healthy yet.
pub(super) fn on_its_way(spec: &Spec, name: &str, seen: &Observed) -> Option<String> {
    let judged = seen.config().and_then(Result::ok).map(|config| spec.judged(config));
    let starting = own(name, seen).find(|container| {
        container.status == "running"
            && container.health.as_deref() == Some("starting")
            && judged.as_ref().is_some_and(|judged| judged.contains(container.service.as_str()))
    })?;
    (spec.state() == State::Running).then(|| format!("{} is starting", starting.service))
}

/// The services that may have ended.
pub(super) fn ending(config: Option<&Config>) -> Vec<&str> {
    config.into_iter().flatten().filter(|(_, wanted)| wanted.ends).map(|(service, _)| service.as_str()).collect()
}

fn counted(containers: usize) -> String {
    if containers == 1 { "1 container".to_owned() } else { format!("{containers} containers") }
}
