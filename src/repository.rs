//! The policy repository as the commands use it: found, loaded, its mistakes told.

use crate::cli;
use crate::terminal;
use engine::Resource;
use engine::graph::{Graph, Problem};
use engine::identity::Identity;
use inventory::{Connection, Host};
use policies::{Repo, Resolution};
use reports::Exit;
use source::{Diagnostic, Level, Place};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A repository without mistakes.
pub struct Repository {
    /// Its root.
    pub root: PathBuf,
    repo: Repo,
    color: cli::Color,
}

/// What one host is to be.
pub struct Wanted {
    /// The host's name.
    pub host: String,
    /// Its resources.
    pub resources: Vec<Resource>,
    /// Their order.
    pub graph: Graph,
    /// Some of it depends on what the host is, which has to be asked.
    pub undetermined: bool,
}

impl Repository {
    /// Finds and loads the repository, and tells all that is wrong with its files.
    ///
    /// # Errors
    /// It was told what is wrong.
    pub fn open(args: &cli::Repository, color: cli::Color) -> Result<(Self, Vec<Diagnostic>), Exit> {
        let root = find(args.directory.as_deref()).map_err(|error| unable(&error))?;
        let (repo, diagnostics) = policies::load(&root, modules::MODULES, &args.var);
        match repo {
            Some(repo) => Ok((Self { root, repo, color }, diagnostics)),
            None => {
                tell(diagnostics, color);
                Err(Exit::Unable)
            }
        }
    }

    /// All hosts, in the order of the inventory.
    pub fn hosts(&self) -> &[Host] {
        self.repo.inventory().hosts()
    }

    /// The hosts that `--limit` and `--except` leave.
    ///
    /// # Errors
    /// Every pattern that stands for nothing.
    pub fn select(&self, limit: &[String], except: &[String]) -> Result<Vec<&Host>, Vec<Diagnostic>> {
        self.repo.inventory().select(limit, except)
    }

    /// What `host` is to be; with its identity, where that is known.
    ///
    /// # Errors
    /// Everything that is wrong with it; warnings too.
    pub fn resolve(&self, host: &Host, identity: Option<&Identity>) -> Result<(Wanted, Vec<Diagnostic>), Vec<Diagnostic>> {
        let Resolution { resources, mut diagnostics, undetermined, .. } = self.repo.resolve(host, identity);
        let graph = match Graph::build(&resources) {
            Ok(graph) => Some(graph),
            Err(problems) => {
                diagnostics.extend(problems.iter().map(|problem| self.problem(problem, &resources).on(&host.name)));
                None
            }
        };
        match graph {
            Some(graph) if !source::any_error(&diagnostics) => {
                Ok((Wanted { host: host.name.clone(), resources, graph, undetermined }, diagnostics))
            }
            _ => Err(diagnostics),
        }
    }

    /// A mistake that only the graph shows, with the places of everything in it.
    fn problem(&self, problem: &Problem, resources: &[Resource]) -> Diagnostic {
        let (code, ids) = match problem {
            Problem::Cycle(ids) => ("cycle", ids.iter().collect::<Vec<_>>()),
            Problem::NeedsAbsent { needer, absent } => ("needs-absent", vec![needer, absent]),
        };
        let mut diagnostic = Diagnostic::error(code, problem.to_string());
        for id in ids {
            let places = resources.iter().filter(|resource| resource.id == *id).flat_map(|resource| &resource.sources);
            for source in places {
                if let Some(place) = self.place(source) {
                    diagnostic = diagnostic.at(&place, id.to_string());
                }
            }
        }
        diagnostic
    }

    fn place(&self, source: &engine::Source) -> Option<Place> {
        self.repo.place(source)
    }

    /// How to reach `host`, in no more than `timeout` for a script.
    pub fn target(&self, host: &Host, timeout: Duration) -> links::Target {
        let settings = &host.settings;
        let address = settings.address.clone().unwrap_or_else(|| host.name.clone());
        let ssh = || links::SshTarget {
            address: address.clone(),
            port: settings.port,
            user: settings.user.clone(),
            identity: settings.identity.as_ref().map(PathBuf::from),
            known_hosts: settings.known_hosts.as_ref().map(|file| self.below_root(file)),
            jump: settings.jump.as_ref().map(|jump| self.jump(jump)),
        };
        links::Target {
            host: host.name.clone(),
            connection: match settings.connection {
                Connection::Ssh => links::Connection::Ssh(ssh()),
                Connection::Openssh => links::Connection::OpenSsh(ssh()),
                Connection::Docker => links::Connection::Docker { container: address.clone() },
                Connection::Local => links::Connection::Local,
            },
            become_: match settings.become_root {
                None => links::Become::Default,
                Some(inventory::Become::Sudo) => links::Become::Sudo,
                Some(inventory::Become::Doas) => links::Become::Doas,
                Some(inventory::Become::None) => links::Become::None,
            },
            timeout: settings.timeout.unwrap_or(CONNECT).min(timeout),
            patience: timeout,
        }
    }

    fn below_root(&self, file: &str) -> PathBuf {
        if file.starts_with("~/") { PathBuf::from(file) } else { self.root.join(file) }
    }

    /// A bastion may be a host of the inventory; otherwise SSH knows the name.
    fn jump(&self, jump: &str) -> String {
        let Some(host) = self.repo.inventory().host(jump) else { return jump.to_owned() };
        let user = host.settings.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
        let port = host.settings.port.map(|port| format!(":{port}")).unwrap_or_default();
        let address = host.settings.address.as_ref().unwrap_or(&host.name);
        let address = if address.contains(':') { format!("[{address}]") } else { address.clone() };
        format!("{user}{address}{port}")
    }

    /// What all of `hosts` are to be. All mistakes are told, once each; so are warnings.
    ///
    /// # Errors
    /// There were mistakes; they were told.
    pub fn resolve_all<'a>(
        &self,
        hosts: impl IntoIterator<Item = &'a Host>,
        known: Vec<Diagnostic>,
    ) -> Result<Vec<Wanted>, Exit> {
        let mut diagnostics = known;
        let mut all = Vec::new();
        for host in hosts {
            match self.resolve(host, None) {
                Ok((wanted, warnings)) => {
                    all.push(wanted);
                    diagnostics.extend(warnings);
                }
                Err(errors) => diagnostics.extend(errors),
            }
        }
        if tell(diagnostics, self.color) > 0 { Err(Exit::Unable) } else { Ok(all) }
    }
}

/// The time to connect and authenticate where the inventory sets none.
const CONNECT: Duration = Duration::from_secs(10);

/// Prints diagnostics in the order of their places, and how many there are; returns how many are errors.
pub fn tell(diagnostics: Vec<Diagnostic>, color: cli::Color) -> usize {
    let diagnostics = source::sorted(diagnostics);
    terminal::tell(&source::render(&diagnostics, terminal::stderr_style(color).color));
    let mut counts = BTreeMap::from([(Level::Error, 0), (Level::Warning, 0)]);
    for diagnostic in &diagnostics {
        *counts.entry(diagnostic.level).or_default() += 1;
    }
    let errors = counts[&Level::Error];
    if errors > 0 {
        let (is, s) = if errors == 1 { ("is", "") } else { ("are", "s") };
        terminal::tell(&format!("comply: there {is} {errors} mistake{s} in this repository; no host was contacted\n"));
    }
    errors
}

/// Says why nothing was done.
pub fn unable(why: &str) -> Exit {
    terminal::tell(&format!("comply: {why}\n"));
    Exit::Unable
}

fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    let is_root = |dir: &Path| ["comply.yml", "inventory.yml", "inventory"].iter().any(|name| dir.join(name).exists());
    match given {
        Some(dir) if !dir.is_dir() => Err(format!("{} is not a directory", terminal::path(dir))),
        Some(dir) if !is_root(dir) => {
            Err(format!("{} holds no policy repository: it has no `comply.yml` and no `inventory.yml`", terminal::path(dir)))
        }
        Some(dir) => Ok(dir.to_owned()),
        None => {
            let here = std::env::current_dir().map_err(|error| format!("cannot tell the current directory: {error}"))?;
            let root = here.ancestors().find(|dir| is_root(dir)).map(Path::to_owned);
            root.ok_or_else(|| {
                "no `comply.yml` or `inventory.yml` in this directory or above it; give the policy repository with -C"
                    .to_owned()
            })
        }
    }
}
