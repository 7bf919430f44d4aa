//! For tests: facts made of answers as hosts gave them.

use engine::paths::FILE;
use engine::{
    Answer, Change, Danger, Difference, Drifted, Fact, Facts, Id, Module, Pending, Planned, Probe, Problem, Repository,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The facts of one host.
#[derive(Default)]
pub struct Host(pub Facts);

impl Host {
    /// Which has also answered this, with status 0.
    pub fn says<T>(self, fact: &'static Fact<T>, args: &[&str], out: impl AsRef<[u8]>) -> Self {
        self.answers(fact, args, Answer { out: out.as_ref().to_vec(), ..Answer::default() })
    }

    /// Where this stands at a path: what `stat` prints of it, or nothing.
    pub fn stands(self, path: &str, stat: &str) -> Self {
        self.says(&FILE, &[path], if stat.is_empty() { String::new() } else { format!("{stat}\n!") })
    }

    /// Which has also answered this.
    pub fn answers<T>(mut self, fact: &'static Fact<T>, args: &[&str], answer: Answer) -> Self {
        let probe = Probe { query: &fact.query, args: args.iter().map(|&arg| arg.to_owned()).collect() };
        self.0.learn([(probe, Ok(answer))]);
        self
    }

    /// What still has to be asked.
    pub fn missing(&self) -> Vec<String> {
        self.0.take_missing().into_iter().map(|probe| format!("{probe:?}")).collect()
    }
}

/// A repository with these files.
pub struct Files(pub BTreeMap<&'static str, &'static [u8]>);

impl Repository for Files {
    fn read(&self, path: &str) -> Result<Arc<[u8]>, String> {
        self.0.get(path).map(|bytes| Arc::from(*bytes)).ok_or_else(|| format!("there is no file {path}"))
    }
    fn tree(&self, directory: &str) -> Result<Vec<engine::Entry>, String> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(directory)?.strip_prefix('/'));
        let entries: Vec<_> = below.map(|path| engine::Entry { path: path.to_owned(), executable: false }).collect();
        if entries.is_empty() { Err(format!("there is no directory {directory}")) } else { Ok(entries) }
    }
    fn lacks_secret(&self, name: &str) -> bool {
        name.contains("lacking")
    }
    fn render(&self, _: &str, _: &str, path: &str) -> Result<String, String> {
        self.read(path).map(|bytes| String::from_utf8_lossy(&bytes).replace("{{ name }}", "pica01"))
    }
    fn holds_secret(&self, _: &str) -> bool {
        false
    }
}

/// What a policy says of several resources of one kind, in JSON; mistakes as one text each.
pub fn specs<M: Module>(
    module: &'static M,
    fields: serde_json::Value,
    files: &Files,
) -> Result<BTreeMap<String, M::Spec>, Vec<String>> {
    let fields: BTreeMap<String, serde_json::Value> = serde_json::from_value(fields).unwrap();
    let (mut specs, mut problems) = (BTreeMap::new(), Vec::new());
    let tell = |name: &str, problem: Problem| {
        let hint = problem.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{name} {}: {}{hint}", problem.field.unwrap_or("name"), problem.message)
    };
    for (name, fields) in fields {
        match serde_json::from_value::<M::Spec>(fields) {
            Ok(spec) => {
                let found = module.problems(&name, &spec);
                if found.is_empty() {
                    specs.insert(name, spec);
                } else {
                    problems.extend(found.into_iter().map(|problem| tell(&name, problem)));
                }
            }
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    problems.extend(module.complete(&mut specs, files).into_iter().map(|(name, problem)| tell(&name, problem)));
    if problems.is_empty() { Ok(specs) } else { Err(problems) }
}

/// One resource without files.
pub fn spec<M: Module>(module: &'static M, name: &str, fields: serde_json::Value) -> M::Spec {
    let all = serde_json::json!({ name: fields });
    specs(module, all, &Files(BTreeMap::new())).unwrap().remove(name).unwrap()
}

/// The mistakes in one resource without files.
pub fn mistakes<M: Module>(module: &'static M, name: &str, fields: serde_json::Value) -> Vec<String> {
    match specs(module, serde_json::json!({ name: fields }), &Files(BTreeMap::new())) {
        Ok(_) => vec![],
        Err(problems) => problems,
    }
}

/// What a reader sees of one resource: each change and each operation as one line.
pub fn story<M: Module>(module: &'static M, name: &str, spec: &M::Spec, host: &Host) -> Result<Vec<String>, Pending> {
    let seen = module.observe(name, spec, &host.0)?;
    let changes = module.diff(name, spec, &seen);
    let mut story: Vec<_> = changes.iter().map(tell).collect();
    if changes.is_empty() {
        return Ok(story);
    }
    let id = Id::new(M::KIND, name);
    let drifted = [Drifted { id: &id, spec, seen: &seen, changes: changes.iter().collect() }];
    for planned in module.plan(0, &[], &drifted, &host.0)? {
        match planned {
            Planned::Refuse { why, .. } => story.push(format!("refused: {why}")),
            Planned::Do(op) => {
                story.push(format!(
                    "{}: {} {:?} <{}>",
                    op.says,
                    op.command.name,
                    op.args,
                    String::from_utf8_lossy(&op.stdin)
                ));
                story.extend(op.hurts.iter().map(|hurt| format!("hurts: {hurt}")));
                story.extend(op.destroys.iter().map(|what| format!("destroys: {what}")));
                story.extend(op.endangers.iter().map(|danger| match danger {
                    Danger::Keys { account, removed, left } => format!("endangers {account}: -{removed:?} +{left:?}"),
                    other => format!("endangers {other:?}"),
                }));
            }
        }
    }
    Ok(story)
}

fn tell(change: &Change) -> String {
    match &change.difference {
        Difference::Value { is, should } => format!("{}: {is} -> {should}", change.field),
        Difference::Missing(element) => format!("{}: + {element}", change.field),
        Difference::Extra(element) => format!("{}: - {element}", change.field),
        Difference::Text { diff: Some(diff), .. } => format!("{}:\n{diff}", change.field),
        Difference::Unknown(why) => format!("{}: unknown, {why}", change.field),
        Difference::Text { hidden, .. } => format!("{}: differs ({})", change.field, hidden.as_deref().unwrap_or("")),
    }
}
