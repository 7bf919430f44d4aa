//! `comply graph`: in which order the resources of a host are put right, and why.

use crate::cli::{self, GraphFormat};
use crate::repository::{Repository, Wanted, unable};
use crate::terminal;
use engine::graph::{Node, Strength};
use reports::{Exit, escape};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::iter;

/// Draws the graph of one host.
pub fn run(args: &cli::Graph, color: cli::Color) -> Exit {
    match try_run(args, color) {
        Ok(()) => Exit::Compliant,
        Err(exit) => exit,
    }
}

fn try_run(args: &cli::Graph, color: cli::Color) -> Result<(), Exit> {
    let repository = Repository::open(&args.repository, color)?;
    let all = repository.resolve_all([repository.named(&args.host)?])?;
    let text: String = all
        .iter()
        .map(|wanted| match args.format {
            GraphFormat::Text => text(wanted),
            GraphFormat::Dot => dot(wanted),
            GraphFormat::Mermaid => mermaid(wanted),
        })
        .collect();
    terminal::print(&text).map_err(|error| unable(&format!("cannot write to standard output: {error}")))
}

/// The name of a node: the resource, and the step where its kind has several.
fn name(wanted: &Wanted, node: Node) -> String {
    let resource = &wanted.resolution.resources[node.resource];
    let id = escape::line(&resource.id.to_string(), false);
    match resource.module.steps() {
        [_] => id,
        steps => match steps.get(node.step).copied().unwrap_or_default() {
            "" => id,
            step => format!("{id} ({step})"),
        },
    }
}

fn text(wanted: &Wanted) -> String {
    let levels = wanted.graph.levels();
    let host = escape::line(&wanted.resolution.host, false);
    let mut text = format!(
        "{host}: {} in {}\n",
        plural(wanted.resolution.resources.len(), "resource"),
        plural(levels.len(), "level")
    );
    let packages: BTreeSet<Node> = levels.iter().flatten().copied().filter(|&node| is_package(wanted, node)).collect();
    for (number, level) in levels.iter().enumerate() {
        for (index, &node) in level.iter().enumerate() {
            let number = if index == 0 { (number + 1).to_string() } else { String::new() };
            let unsure = if is_unsure(wanted, node) { "  (what the host is decides)" } else { "" };
            let _ = writeln!(text, "{number:>3}  {}{unsure}", name(wanted, node));
            let needs = wanted.graph.needs(node).map(|node| name(wanted, node)).collect();
            for (word, names) in [("needs", needs), ("after", after(wanted, node, &packages))] {
                if !names.is_empty() {
                    let _ = writeln!(text, "       {word} {}", listed(&names));
                }
            }
        }
    }
    let without = wanted.resolution.resources.iter().filter(|resource| resource.spec.is_none());
    let (open, skipped): (Vec<_>, Vec<_>) = without.partition(|resource| resource.undetermined);
    if !open.is_empty() {
        let names: Vec<String> = open.iter().map(|resource| escape::line(&resource.id.to_string(), false)).collect();
        let _ = writeln!(text, "what it is to be, only the host can tell: {}", listed(&names));
    }
    if wanted.resolution.unnamed {
        text += "more may come in: a name or a list depends on what the host is\n";
    }
    if !skipped.is_empty() {
        let _ = writeln!(text, "{} skipped: the condition is not true", plural(skipped.len(), "resource"));
    }
    text
}

/// Whether only the host can tell if it takes part, or what it is to be.
fn is_unsure(wanted: &Wanted, node: Node) -> bool {
    wanted.resolution.resources[node.resource].undetermined
}

/// Whether a node is changed in the one transaction of all packages.
fn is_package(wanted: &Wanted, node: Node) -> bool {
    let resource = &wanted.resolution.resources[node.resource];
    resource.spec.as_ref().is_some_and(|spec| spec.links(&resource.id.name, node.step).packages)
}

/// What merely comes before a node. Most come after the packages, which are one thing when there are several.
fn after(wanted: &Wanted, node: Node, packages: &BTreeSet<Node>) -> Vec<String> {
    let before: BTreeSet<Node> = wanted.graph.after(node).collect();
    if packages.len() < 2 || !packages.is_subset(&before) {
        return before.iter().map(|&node| name(wanted, node)).collect();
    }
    let others = before.difference(packages).map(|&node| name(wanted, node));
    iter::once("all packages".to_owned()).chain(others).collect()
}

/// So many predecessors of one node are named.
const SHOWN: usize = 6;

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let named = names[..names.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn plural(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

fn dot(wanted: &Wanted) -> String {
    let quoted = |text: String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text =
        format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n", quoted(wanted.resolution.host.clone()));
    for &node in wanted.graph.levels().iter().flatten() {
        let style = if is_unsure(wanted, node) { " [style=dashed]" } else { "" };
        let _ = writeln!(text, "  {}{style};", quoted(name(wanted, node)));
    }
    for (from, to, strength) in wanted.graph.edges() {
        let style = if strength == Strength::After { " [style=dotted]" } else { "" };
        let _ = writeln!(text, "  {} -> {}{style};", quoted(name(wanted, from)), quoted(name(wanted, to)));
    }
    text + "}\n"
}

fn mermaid(wanted: &Wanted) -> String {
    let key = |node: Node| format!("n{}_{}", node.resource, node.step);
    // Mermaid reads HTML entities, by number or name, in quoted labels.
    let label = |node: Node| name(wanted, node).replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;");
    let mut text = "flowchart LR\n".to_owned();
    for &node in wanted.graph.levels().iter().flatten() {
        let class = if is_unsure(wanted, node) { ":::unsure" } else { "" };
        let _ = writeln!(text, "  {}[\"{}\"]{class}", key(node), label(node));
    }
    for (from, to, strength) in wanted.graph.edges() {
        let arrow = if strength == Strength::After { "-.->" } else { "-->" };
        let _ = writeln!(text, "  {} {arrow} {}", key(from), key(to));
    }
    if wanted.resolution.resources.iter().any(|resource| resource.undetermined) {
        text += "  classDef unsure stroke-dasharray: 5 5\n";
    }
    text
}
