//! Docker Compose projects.

mod dropped;
pub(crate) mod plan;
mod services;
mod stack;

use crate::duration::Duration;
use crate::facts::compose::{Config, PREVIEW, PROJECT, Project};
use crate::file::{self, File};
use crate::mode::Mode;
use crate::owner::is_name;
use dropped::Dropped;
use engine::paths::{FileKind, path_problem, stat};
use engine::{
    Anchor, Change, Difference, Drifted, Facts, Item, Links, Module, Others, Pending, Planned, Problem, Repository,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stack::Stack;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kind `compose`.
pub struct Compose;

/// How long enforce waits for containers to become healthy, unless the policy says otherwise.
const WAIT: Duration = Duration::from_seconds(120);

/// The longest it can be told to wait; an operation may take half an hour in all.
const MAX_WAIT: u64 = 20 * 60;

/// What Compose would read by itself beside its main file. With our own list of files it does not; whoever put
/// one there believes that it counts.
const OVERRIDES: [&str; 4] =
    ["compose.override.yaml", "compose.override.yml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// A Docker Compose project, made of a directory of the repository; its name is the project's.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// The directory of the repository that goes to the host. Files ending in `.tera` are templates.
    pub source: Option<String>,
    /// The directory on the host.
    pub path: Option<String>,
    /// Mode and owner of single files in it. Otherwise a new file is 0644, or 0755 if it is a program in the repository.
    pub files: Option<BTreeMap<String, Access>>,
    /// The files of Compose, in their order. Otherwise the one that is called `compose.yaml`, `compose.yml`,
    /// `docker-compose.yaml` or `docker-compose.yml`.
    pub compose_files: Option<Vec<String>>,
    /// Profiles to switch on.
    pub profiles: Option<BTreeSet<String>>,
    /// Variables, written to `.env` with mode 0600; their values are never shown.
    pub env: Option<BTreeMap<String, String>>,
    /// `running` (the default), `stopped`, or `absent`: no containers and no networks. Files stay in any case.
    pub state: Option<State>,
    /// When images are pulled as containers are made: `missing` (the default), `always` or `never`.
    pub pull: Option<Pull>,
    /// Images are built anew when a file of the project changes; `false`: they are never built.
    pub build: Option<bool>,
    /// Containers of services that the files no longer name are removed (default: true).
    pub remove_orphans: Option<bool>,
    /// With `absent`: the volumes go too, with all that is in them.
    pub remove_volumes: Option<bool>,
    /// How long to wait for containers to become healthy (default: 2m).
    pub wait: Option<Duration>,
    /// Only these services, and what they depend on.
    pub services: Option<BTreeSet<String>>,
    /// What goes to the host.
    #[serde(skip)]
    stack: Stack,
}

/// Mode and owner of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// Permission bits, in octal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// The owner, by name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub owner: Option<String>,
    /// The group, by name or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = ["string", "integer", "null"]))]
    pub group: Option<String>,
}

/// What has to be of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All containers run and are healthy.
    #[default]
    Running,
    /// None runs.
    Stopped,
    /// There are none, and no networks.
    Absent,
}

/// When images are pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pull {
    /// If there is none of that name.
    #[default]
    Missing,
    /// Before any container is made.
    Always,
    /// A missing one is a failure.
    Never,
}

impl Spec {
    fn state(&self) -> State {
        self.state.unwrap_or_default()
    }

    fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_default()
    }

    fn at(&self, relative: &str) -> String {
        format!("{}/{relative}", self.path())
    }

    /// The files that comply writes in its directory.
    fn keeps(&self) -> Vec<&str> {
        let notes = std::iter::once(dropped::LIST).chain((self.build == Some(true)).then_some(stack::BUILT));
        self.stack.files.keys().map(String::as_str).chain(notes).collect()
    }

    /// The services that the policy speaks of, out of those of the files: all of them, or those that it names and what they
    /// depend on.
    fn judged<'a>(&self, config: &'a Config) -> BTreeSet<&'a str> {
        let mut judged = BTreeSet::new();
        let mut open: Vec<&str> = config.keys().map(String::as_str).collect();
        open.retain(|service| self.services.as_ref().is_none_or(|services| services.contains(*service)));
        while let Some(service) = open.pop() {
            if let Some((service, wanted)) = config.get_key_value(service).filter(|_| !judged.contains(service)) {
                judged.insert(service.as_str());
                open.extend(wanted.needs.iter().map(String::as_str));
            }
        }
        judged
    }

    /// The services that the policy names and the files do not.
    fn unknown<'a>(&'a self, config: &Config) -> impl Iterator<Item = &'a String> {
        self.services.iter().flatten().filter(|service| !config.contains_key(*service))
    }

    /// The arguments of the project's queries and commands: name, directory, profiles, files of Compose.
    fn arguments(&self, name: &str) -> Vec<String> {
        let profiles: Vec<String> =
            self.profiles.iter().flatten().map(|profile| format!("--profile {profile}")).collect();
        let mut arguments = vec![name.to_owned(), self.path().to_owned(), profiles.join(" ")];
        if self.state() != State::Absent {
            arguments.extend(self.stack.compose_files.iter().map(|file| self.at(file)));
        }
        arguments
    }
}

/// A project as the host has it.
pub struct Observed {
    project: Arc<Project>,
    /// Of each file, by its path in the directory.
    files: BTreeMap<String, file::Observed>,
    /// When each file last changed, where it is there.
    times: BTreeMap<String, i64>,
    /// Directories that are not there yet, the outermost first.
    missing: Vec<String>,
    /// Override files that no policy put there.
    overrides: Vec<String>,
    /// Files that the repository has no longer.
    dropped: Dropped,
    /// The images were built from other files.
    unbuilt: bool,
    /// What Compose would make of the files, where they are not as they should be and it could be told.
    preview: Option<Result<Config, String>>,
}

impl Observed {
    /// What Compose makes of the files as they should be, or what is wrong with them.
    fn config(&self) -> Option<Result<&Config, &String>> {
        self.preview.as_ref().or(self.project.config.as_ref()).map(Result::as_ref)
    }
}

impl Module for Compose {
    const KIND: &'static str = "compose";
    const SECTION: &'static str = "compose";
    const SETS: &'static [&'static str] = &["profiles", "services"];
    const REQUIRED: &'static [&'static str] = &["source", "path"];
    const SECRETS: &'static [&'static str] = &["files", "env"];
    const DOC: &'static str = include_str!("compose.md");
    const STATE: Option<&'static [&'static str]> = Some(&["running", "stopped", "absent"]);
    type Spec = Spec;
    type Seen = Observed;

    fn problems(&self, name: &str, spec: &Spec) -> Vec<Problem> {
        let mut problems: Vec<Problem> = name_problem(name).into_iter().collect();
        problems.extend(spec.path.as_deref().and_then(directory_problem));
        for profile in spec.profiles.iter().flatten().filter(|profile| !is_word(profile)) {
            problems.push(Problem::field("profiles", format!("`{profile}` is no name of a profile")));
        }
        for service in spec.services.iter().flatten().filter(|service| !is_word(service)) {
            problems.push(Problem::field("services", format!("`{service}` is no name of a service")));
        }
        for (file, access) in spec.files.iter().flatten() {
            for name in [&access.owner, &access.group].into_iter().flatten().filter(|name| !is_name(name)) {
                problems.push(Problem::field("files", format!("{file}: `{name}` is neither a name nor a number")));
            }
        }
        problems.extend(spec.env.iter().flatten().filter_map(|(name, value)| stack::variable_problem(name, value)));
        if spec.wait.is_some_and(|wait| wait.seconds() > MAX_WAIT) {
            problems.push(Problem::field("wait", "nothing is waited for longer than 20m"));
        }
        if spec.state() != State::Absent && spec.remove_volumes == Some(true) {
            let problem = Problem::field("remove_volumes", "volumes are removed with the project only");
            problems.push(problem.hint("write `state: absent` too, or take it out"));
        }
        problems
    }

    fn complete(&self, specs: &mut BTreeMap<String, Spec>, repository: &dyn Repository) -> Vec<(String, Problem)> {
        let mut problems = Vec::new();
        for (name, spec) in specs.iter_mut().filter(|(_, spec)| spec.state() != State::Absent) {
            match Stack::read(name, spec, repository) {
                Ok(stack) => spec.stack = stack,
                Err(found) => problems.extend(found.into_iter().map(|problem| (name.clone(), problem))),
            }
        }
        problems
    }

    fn links(&self, _: &str, spec: &Spec, _: usize) -> Links {
        let links = Links::new().needs(Anchor::Unit("docker.service".to_owned()));
        if spec.state() == State::Absent {
            return links;
        }
        let path = Anchor::Path(spec.path().to_owned());
        let links = spec
            .keeps()
            .into_iter()
            .fold(links.needs(path.clone()), |links, file| links.keeps(Anchor::Path(spec.at(file)), Others::None));
        spec.stack.files.values().fold(links.keeps(path, Others::OtherKinds), |links, file| file.needs(links))
    }

    fn observe(&self, name: &str, spec: &Spec, facts: &Facts) -> Result<Observed, Pending> {
        let arguments = spec.arguments(name);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let project = facts.ask(&PROJECT, &arguments);
        if spec.state() == State::Absent {
            return Ok(Observed {
                project: project?,
                files: BTreeMap::new(),
                times: BTreeMap::new(),
                missing: Vec::new(),
                overrides: Vec::new(),
                dropped: Dropped::default(),
                unbuilt: false,
                preview: None,
            });
        }
        let stack = &spec.stack;
        let files: Vec<_> =
            stack.files.iter().map(|(path, file)| (path, File.observe(&spec.at(path), file, facts))).collect();
        let times: Vec<_> = stack.files.keys().map(|path| (path, stat(facts, &spec.at(path)))).collect();
        let missing: Vec<_> = spec.directories().into_iter().map(|path| (stat(facts, &path), path)).collect();
        let strays = OVERRIDES.iter().filter(|path| !stack.files.contains_key(**path));
        let strays: Vec<_> = strays.map(|path| (stat(facts, &spec.at(path)), *path)).collect();
        let built =
            spec.built().map(|file| File.observe(&spec.at(stack::BUILT), &file, facts).map(|seen| (seen, file)));
        let dropped = Dropped::observe(spec, facts);
        let differ = stack.files.iter().any(|(path, file)| file.differs(&spec.at(path), facts));
        let preview =
            (differ && !stack.incomplete).then(|| facts.ask(&PREVIEW, &[&arguments[..], &[&stack.feed()]].concat()));

        let files = files.into_iter().map(|(path, seen)| Ok((path.clone(), seen?))).collect::<Result<_, Pending>>()?;
        let times = times.into_iter().map(|(path, stat)| match stat? {
            Some(stat) => Ok(Some((path.clone(), stat.changed()?))),
            None => Ok(None),
        });
        let times = times.collect::<Result<Vec<_>, Pending>>()?.into_iter().flatten().collect();
        let mut absent = Vec::new();
        for (there, path) in missing {
            absent.extend(
                there?
                    .is_none_or(|there| there.kind != FileKind::Directory && there.kind != FileKind::Link)
                    .then_some(path),
            );
        }
        let mut overrides = Vec::new();
        for (there, path) in strays {
            overrides.extend(there?.is_some().then(|| path.to_owned()));
        }
        let built = built.transpose()?;
        let preview = match preview {
            Some(Err(Pending::Need)) => return Err(Pending::Need),
            // Where it cannot be told beforehand, the rest is judged all the same.
            Some(Err(_)) | None => None,
            Some(Ok(preview)) => Some((*preview).clone()),
        };
        let seen = Observed {
            project: project?,
            files,
            times,
            missing: absent,
            overrides,
            dropped: dropped?,
            unbuilt: built.is_some_and(|(seen, file)| !File.diff("", &file, &seen).is_empty()),
            preview,
        };
        let rest = self.diff(name, spec, &seen).into_iter().find(|change| change.stays.is_none());
        match services::on_its_way(spec, name, &seen).filter(|_| rest.is_none()) {
            Some(what) => Err(Pending::Settling {
                what,
                limit: std::time::Duration::from_secs(spec.wait.unwrap_or(WAIT).seconds()),
            }),
            None => Ok(seen),
        }
    }

    fn diff(&self, name: &str, spec: &Spec, seen: &Observed) -> Vec<Change> {
        if spec.state() == State::Absent {
            return services::left(name, spec, seen);
        }
        let mut changes = Vec::new();
        for (path, file) in
            spec.stack.files.iter().filter_map(|(path, file)| Some((path, (file, seen.files.get(path)?))))
        {
            changes.extend(File.diff("", file.0, file.1).into_iter().map(|change| of_file(change, path)));
        }
        changes.extend(
            seen.overrides
                .iter()
                .map(|path| Change::value("files", "an override that nothing reads", "absent").element(path)),
        );
        changes.extend(seen.dropped.changes());
        changes.extend(
            seen.unbuilt.then(|| Change::value("build", "from other files, or not at all", "from these files")),
        );
        changes.extend(services::changes(name, spec, seen));
        changes
    }

    fn plan(
        &self,
        _: usize,
        _: &[Item<'_, Self>],
        drifted: &[Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(drifted.iter().flat_map(plan::plan).collect())
    }
}

/// A change of a file as one of the project's.
fn of_file(change: Change, path: &str) -> Change {
    let field = change.field;
    match change.difference {
        Difference::Value { is, should } if field == "state" => Change::value("files", is, should),
        Difference::Value { is, should } => Change::value("files", format!("{field} {is}"), should),
        difference => Change { field: "files", difference, ..change },
    }
    .element(path)
}

/// A name of a service or a profile, as the Compose specification has them.
fn is_word(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !word.is_empty() && word.len() <= 128 && !word.starts_with('-') && word.chars().all(allowed)
}

fn name_problem(name: &str) -> Option<Problem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let right = !name.is_empty() && name.len() <= 63 && !name.starts_with(['-', '_']) && name.chars().all(allowed);
    let problem = Problem::name("this is no name of a Compose project");
    (!right).then(|| problem.hint("lower-case letters, digits, `-` and `_`, beginning with a letter or a digit"))
}

fn directory_problem(path: &str) -> Option<Problem> {
    let why = path_problem(path).or_else(|| {
        let odd = path.contains(|c: char| c.is_whitespace() || ":,\\$'\"".contains(c));
        match path {
            "/" | "/etc" | "/root" | "/home" | "/var" | "/srv" | "/opt" | "/tmp" | "/usr" => {
                Some(format!("`{path}` is no directory for one project; take one of its own in it"))
            }
            _ => odd.then(|| "Compose takes no path with blanks, quotes, or one of `:,\\$`".to_owned()),
        }
    });
    why.map(|why| Problem::field("path", why))
}

#[cfg(test)]
mod tests;
