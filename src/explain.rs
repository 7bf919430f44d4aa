//! `comply explain`: where everything that holds on a host comes from.

use crate::cli::{self, ExplainFormat};
use crate::repository::{Repository, Wanted, unable};
use crate::terminal;
use engine::graph::{Node, why};
use policies::{Declared, SetBy, field};
use reports::explain::{
    Declaration, Edge, Explanation, Field, Host, Line, Part, Policy, Resource, SCHEMA, Said, Setting, Summary,
    Variable, Waiver, text,
};
use reports::{Exit, escape, json};
use source::{Place, suggest};
use std::collections::BTreeMap;

/// Explains a host, or one of its resources.
pub fn run(args: &cli::Explain, color: cli::Color) -> Exit {
    match try_run(args, color) {
        Ok(()) => Exit::Compliant,
        Err(exit) => exit,
    }
}

fn try_run(args: &cli::Explain, color: cli::Color) -> Result<(), Exit> {
    let repository = Repository::open(&args.repository, color)?;
    let host = repository.named(&args.host)?;
    let all = repository.resolve_all([host])?;
    let (Some(wanted), Some((_, declared))) = (all.first(), repository.repo.explain(&host.name)) else {
        return Err(unable("that host cannot be resolved"));
    };
    let explanation = match &args.resource {
        None => Explanation::Host(of_host(&repository, host, wanted)),
        Some(id) => {
            let id = repository.repo.spelled(id);
            Explanation::Resource(Box::new(of_resource(&repository, wanted, &declared, &id)?))
        }
    };
    let written = match args.format {
        ExplainFormat::Text => text::render(&explanation, &terminal::stdout_style(color, false)),
        ExplainFormat::Json => {
            json::render(&explanation).map_err(|error| unable(&format!("cannot write the explanation: {error}")))?
        }
    };
    terminal::print(&written).map_err(|error| unable(&format!("cannot write to standard output: {error}")))
}

fn line(place: &Place) -> Line {
    Line { file: place.path().to_owned(), line: place.line() }
}

fn of_host(repository: &Repository, host: &inventory::Host, wanted: &Wanted) -> Host {
    let repo = &repository.repo;
    let variables = repo.variables_of(&host.name).into_iter().filter_map(|variable| {
        let mut layers = variable.layers.into_iter().map(|layer| Setting {
            value: layer.value,
            by: match layer.by {
                SetBy::CommandLine => "--var".to_owned(),
                SetBy::Host => "host".to_owned(),
                SetBy::Group(group) => format!("group {group}"),
                SetBy::Project => "project".to_owned(),
            },
            at: line(&layer.place),
        });
        Some(Variable { name: variable.name, holds: layers.next()?, overrides: layers.collect() })
    });
    let resources = &wanted.resolution.resources;
    let of_policy = |name: &str| {
        resources.iter().filter(|resource| resource.sources.iter().any(|source| source.policy == name)).count()
    };
    let policies = repo.policies_of(&host.name).into_iter().map(|policy| Policy {
        resources: of_policy(&policy.name),
        name: policy.name.clone(),
        file: policy.file.clone(),
    });
    Host {
        schema: SCHEMA,
        host: host.name.clone(),
        declared: line(&host.place),
        groups: host.groups.clone(),
        mode: if host.audit_only.is_some() { engine::Mode::Audit } else { engine::Mode::Enforce },
        facts: facts(&host.facts),
        variables: variables.collect(),
        policies: policies.collect(),
        resources: resources.iter().map(|resource| summary(resource, wanted)).collect(),
    }
}

/// By the names that conditions have for them.
fn facts(known: &policies::Identity) -> BTreeMap<String, Option<String>> {
    let facts = [
        ("os.id", &known.os_id),
        ("os.version", &known.os_version),
        ("os.codename", &known.os_codename),
        ("arch", &known.arch),
        ("hostname", &known.hostname),
        ("virtualization", &known.virtualization),
    ];
    facts.into_iter().map(|(name, fact)| (name.to_owned(), fact.clone())).collect()
}

fn part(resource: &engine::Resource, wanted: &Wanted) -> Part {
    match (&resource.spec, wanted.resolution.is_undetermined(&resource.id)) {
        (_, true) => Part::Undetermined,
        (None, _) => Part::Skipped,
        _ => Part::Yes,
    }
}

fn summary(resource: &engine::Resource, wanted: &Wanted) -> Summary {
    Summary {
        id: resource.id.to_string(),
        part: part(resource, wanted),
        mode: resource.mode,
        held_by: resource.held_by.clone(),
        severity: resource.severity,
        waiver: resource.waiver.clone(),
        declared: resource.sources.iter().map(|source| Line { file: source.file.clone(), line: source.line }).collect(),
    }
}

fn of_resource(repository: &Repository, wanted: &Wanted, declared: &[Declared], id: &str) -> Result<Resource, Exit> {
    let resources = &wanted.resolution.resources;
    let host = &wanted.resolution.host;
    let Some(index) = resources.iter().position(|resource| resource.id.to_string() == id) else {
        let ids: Vec<String> = resources.iter().map(|resource| resource.id.to_string()).collect();
        let near = suggest::nearest(id, ids.iter().map(String::as_str)).map(|near| format!("; did you mean {near}?"));
        let near = near.unwrap_or_else(|| format!("; `comply explain {host}` lists all"));
        return Err(unable(&escape::line(&format!("no policy declares {id} on {host}{near}"), false)));
    };
    let resource = &resources[index];
    let own: Vec<&Declared> = declared.iter().filter(|one| one.id == resource.id).collect();
    let edges = |found: Vec<(Node, Node)>, other: fn(&(Node, Node)) -> Node| merged(resources, &found, other);
    let steps = (0..resource.module.steps().len()).map(|step| Node { resource: index, step });
    let into = |list: &dyn Fn(Node) -> Vec<Node>| -> Vec<(Node, Node)> {
        let pairs = steps.clone().flat_map(|node| list(node).into_iter().map(move |before| (before, node)));
        pairs.filter(|(before, node)| before.resource != node.resource).collect()
    };
    let needs = edges(into(&|node| wanted.graph.needs(node).collect()), |(before, _)| *before);
    let mut after = edges(into(&|node| wanted.graph.after(node).collect()), |(before, _)| *before);
    after.retain(|edge| !needs.iter().any(|needed| needed.id == edge.id));
    let needed_by = wanted.graph.edges().filter(|(from, to, strength)| {
        from.resource == index && to.resource != index && *strength == engine::graph::Strength::Needs
    });
    Ok(Resource {
        schema: SCHEMA,
        host: host.clone(),
        id: id.to_owned(),
        part: part(resource, wanted),
        declarations: declarations(&own),
        fields: fields(resource, &own),
        mode: resource.mode,
        held_by: resource.held_by.clone(),
        severity: resource.severity,
        tags: resource.tags.clone(),
        refs: resource.refs.clone(),
        why: resource.why.clone(),
        needs,
        after,
        needed_by: edges(needed_by.map(|(from, to, _)| (from, to)).collect(), |(_, after)| *after),
        waivers: repository
            .repo
            .waivers_of(host, id)
            .into_iter()
            .map(|waiver| Waiver { text: waiver.text(), at: line(&waiver.place), expired: waiver.expired })
            .collect(),
    })
}

/// Edges to the same resource, whichever of its steps they come from, are one.
fn merged(resources: &[engine::Resource], pairs: &[(Node, Node)], other: fn(&(Node, Node)) -> Node) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for pair in pairs {
        let id = resources[other(pair).resource].id.to_string();
        let reasons = why(resources, pair.0, pair.1);
        match edges.iter_mut().find(|edge| edge.id == id) {
            Some(edge) => {
                let new: Vec<String> = reasons.into_iter().filter(|reason| !edge.why.contains(reason)).collect();
                edge.why.extend(new);
            }
            None => edges.push(Edge { id, why: reasons }),
        }
    }
    edges
}

fn declarations(own: &[&Declared]) -> Vec<Declaration> {
    let declaration = |one: &&Declared| Declaration {
        policy: one.policy.clone(),
        at: line(&one.origin.place),
        used_at: one.origin.used_at().map(line),
        part: match one.takes_part {
            Some(true) => Part::Yes,
            Some(false) => Part::Skipped,
            None => Part::Undetermined,
        },
    };
    own.iter().map(declaration).collect()
}

/// What is written, and what holds by default where the resource is there at all.
fn fields(resource: &engine::Resource, own: &[&Declared]) -> Vec<Field> {
    let known = field::fields(resource.module).into_iter().map(|field| {
        let said: Vec<Said> = own
            .iter()
            .flat_map(|one| &one.fields)
            .filter(|said| said.name == field.name)
            .map(|said| Said { value: said.value.clone(), at: line(&said.place), from: said.from.as_ref().map(line) })
            .collect();
        let default = field.default().filter(|_| said.is_empty()).map(str::to_owned);
        Field { name: field.name.clone(), is_set: field.is_set, default, said }
    });
    known.filter(|field| field.default.is_some() || !field.said.is_empty()).collect()
}
