//! What enforce is going to do to one host, for the person who is asked.

use crate::host::Host;
use crate::line::{Line, wrap};
use crate::style::{Style, Tone};
use crate::text;
use engine::Id;
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr;

/// Ids wider than this have what is said of them on the next line.
const ID: usize = 40;

/// The plan of one host, below what the audit found: first whom it hurts, then the differences, then what is done.
///
/// `destroys` decides whether an operation that destroys something will be run.
pub fn render(
    host: &Host,
    plan: &engine::plan::Plan,
    destroys: &dyn Fn(&Id) -> bool,
    name_width: usize,
    style: &Style,
) -> String {
    let mut text = text::head(host, name_width, style);
    let mut told = BTreeSet::new();
    let mut warn = |warning: String| {
        if told.insert(warning.clone()) {
            text += &Line::indented(2).push(style, Tone::Bad, &format!("! {}", style.safe(&warning))).end();
        }
    };
    for op in &plan.ops {
        op.hurts.iter().for_each(|hurt| warn(hurt.clone()));
        if let Some(what) = &op.destroys {
            let held: Vec<String> = op.serves.iter().filter(|id| !destroys(id)).map(Id::to_string).collect();
            match held.as_slice() {
                [] => warn(format!("destroys {what}, for good")),
                ids => warn(format!(
                    "would destroy {what}, for good: left alone without --allow-destroy {}",
                    ids.join(", ")
                )),
            }
        }
    }
    plan.follows.iter().for_each(|(_, hurt)| warn(hurt.clone()));
    for guard in plan.ops.iter().filter_map(|op| op.guard.as_ref()) {
        warn(format!(
            "guarded, since it changes {}: comply logs in anew after it, and the host undoes it by itself if that fails",
            guard.ground
        ));
    }
    text += &text::resources(host, style);
    let rows: Vec<(String, &str, String)> = plan
        .ops
        .iter()
        .map(|op| (served(&op.serves), ">", op.says.clone() + if op.guard.is_some() { " (guarded)" } else { "" }))
        .chain(plan.refused.iter().map(|(id, why)| (id.to_string(), "x", refused(why))))
        .chain(
            plan.later.iter().map(|(id, by)| (id.to_string(), "?", format!("can be planned once {by} is put right"))),
        )
        .collect();
    let width = rows.iter().map(|(id, ..)| style.safe(id).width()).filter(|&width| width <= ID).max().unwrap_or(0);
    if !rows.is_empty() {
        text += &Line::indented(2).push(style, Tone::Strong, "what is done").end();
    }
    for (id, mark, says) in &rows {
        let tone = if *mark == "x" { Tone::Bad } else { Tone::Plain };
        text += &row(&style.safe(id), mark, tone, &style.safe(says), 6 + width + 2, style);
    }
    text
}

fn row(id: &str, mark: &str, tone: Tone, says: &str, column: usize, style: &Style) -> String {
    let mut text = String::new();
    let mut line = Line::indented(4).push(style, tone, mark).push(style, Tone::Plain, &format!(" {id}"));
    if line.width() + 2 > column {
        text += &line.end();
        line = Line::default();
    }
    for words in wrap(says, style.width.saturating_sub(column).max(24)) {
        text += &std::mem::take(&mut line).pad(column).push(style, tone, &words).end();
    }
    text
}

/// Whom an operation serves: the first, and how many more.
fn served(ids: &[Id]) -> String {
    match ids {
        [] => String::new(),
        [id] => id.to_string(),
        [id, more @ ..] => format!("{id} +{}", more.len()),
    }
}

/// What the engine refuses begins with that word, what a kind refuses does not.
fn refused(why: &str) -> String {
    if why.starts_with("refused: ") { why.to_owned() } else { format!("refused: {why}") }
}
