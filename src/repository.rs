//! The policy repository as the commands use it: found, loaded, its mistakes told.

use crate::cli;
use crate::secrets::Keeper;
use crate::terminal;
use crate::watch::Watch;
use engine::Id;
use engine::graph::{Graph, Problem};
use inventory::{Connection, Host, Identity};
use policies::{Repo, Resolution, Reveal, Selection};
use rayon::prelude::*;
use reports::{Exit, escape};
use source::{Diagnostic, Node};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A repository, perhaps with mistakes: [`Repository::resolve_all`] is where they end a command.
pub struct Repository {
    /// Its root.
    pub root: PathBuf,
    /// What it says.
    pub repo: Repo,
    known: Vec<Diagnostic>,
    color: cli::Color,
}

/// What one host is to be.
pub struct Wanted {
    /// Its resources.
    pub resolution: Resolution,
    /// Their order.
    pub graph: Graph,
}

impl Repository {
    /// Finds and loads the repository.
    ///
    /// # Errors
    /// There is none; that was told.
    pub fn open(args: &cli::Repository, color: cli::Color) -> Result<Self, Exit> {
        let root = find(args.directory.as_deref()).map_err(|error| unable(&error))?;
        let (repo, diagnostics) = policies::load(&root, modules::MODULES, &args.var);
        match repo {
            Some(repo) => Ok(Self { root, repo, known: diagnostics, color }),
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

    /// The host of this name.
    pub fn host(&self, name: &str) -> Option<&Host> {
        self.repo.inventory().host(name)
    }

    /// The hosts that `--limit` and `--except` leave.
    ///
    /// # Errors
    /// Every pattern that stands for nothing was told.
    pub fn select(&self, limit: &[String], except: &[String]) -> Result<Vec<&Host>, Exit> {
        self.repo.inventory().select(limit, except).map_err(|problems| {
            self.tell(problems);
            Exit::Unable
        })
    }

    /// The one host of this name, or that a pattern stands for.
    ///
    /// # Errors
    /// There is none, or there are several; that was told.
    pub fn named(&self, name: &str) -> Result<&Host, Exit> {
        if let Some(host) = self.host(name) {
            return Ok(host);
        }
        let mut problems = Vec::new();
        let found = self.repo.inventory().resolve(&[Node::given("HOST", name)], &mut problems);
        if self.tell(problems) {
            return Err(Exit::Unable);
        }
        let mut hosts = found.iter().filter_map(|index| self.hosts().get(*index));
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => Ok(host),
            _ => Err(unable(&format!("{} stands for {} hosts; name one", escape::line(name, false), found.len()))),
        }
    }

    /// What `host` is to be; with its identity, where that is known.
    ///
    /// # Errors
    /// Everything that is wrong with it; warnings too.
    pub fn resolve(
        &self,
        host: &Host,
        identity: Option<&Identity>,
    ) -> Result<(Wanted, Vec<Diagnostic>), Vec<Diagnostic>> {
        self.order(self.repo.resolve(&host.name, identity))
    }

    fn order(&self, mut resolution: Resolution) -> Result<(Wanted, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut diagnostics = std::mem::take(&mut resolution.diagnostics);
        let graph = Graph::build(&resolution.resources).map_err(|problems| {
            diagnostics.extend(problems.iter().map(|found| problem(found, &resolution)));
        });
        match graph {
            Ok(graph) if !source::any_error(&diagnostics) => Ok((Wanted { resolution, graph }, diagnostics)),
            _ => Err(diagnostics),
        }
    }

    /// The same with its secrets, fetched for what is selected and what that needs, and for nothing else.
    ///
    /// # Errors
    /// As [`Repository::resolve`].
    pub fn reveal(
        &self,
        wanted: Wanted,
        host: &Host,
        identity: Option<&Identity>,
        selection: &Selection,
        keeper: &Keeper,
    ) -> Result<Wanted, Vec<Diagnostic>> {
        let resources = &wanted.resolution.resources;
        let selected = (0..resources.len()).filter(|&index| resources[index].selected);
        let of: BTreeSet<Id> = wanted
            .graph
            .with_needs(selected, resources)
            .into_iter()
            .map(|index| &resources[index])
            .filter(|resource| resource.secrets.any && resource.spec.is_some())
            .map(|resource| resource.id.clone())
            .collect();
        if of.is_empty() {
            return Ok(wanted);
        }
        let resolution = self.repo.resolve_with(&host.name, identity, Some(&Reveal { secrets: keeper, of: &of }));
        let (mut wanted, _) = self.order(resolution)?;
        selection.apply(&mut wanted.resolution);
        Ok(wanted)
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

    /// What all of `hosts` are to be. Everything that is wrong with the repository is told, once each; so are
    /// warnings.
    ///
    /// # Errors
    /// There were mistakes.
    pub fn resolve_all<'a>(&self, hosts: impl IntoIterator<Item = &'a Host>) -> Result<Vec<Wanted>, Exit> {
        self.resolve_each(hosts, |wanted| wanted)
    }

    /// The same, and of each host only what `keep` makes of it: many hosts take much memory.
    ///
    /// # Errors
    /// There were mistakes.
    pub fn resolve_each<'a, R: Send>(
        &self,
        hosts: impl IntoIterator<Item = &'a Host>,
        keep: impl Fn(Wanted) -> R + Sync,
    ) -> Result<Vec<R>, Exit> {
        let _watch = Watch::start(self.color);
        let mut diagnostics = self.known.clone();
        let mut all = Vec::new();
        let hosts: Vec<&Host> = hosts.into_iter().collect();
        let resolved: Vec<_> = hosts
            .into_par_iter()
            .map(|host| self.resolve(host, None).map(|(wanted, warnings)| (keep(wanted), warnings)))
            .collect();
        for result in resolved {
            match result {
                Ok((wanted, warnings)) => {
                    all.push(wanted);
                    diagnostics.extend(warnings);
                }
                Err(errors) => diagnostics.extend(errors),
            }
        }
        if self.tell(diagnostics) { Err(Exit::Unable) } else { Ok(all) }
    }

    /// Prints diagnostics in the order of their places, and how many mistakes there are; whether there is one.
    pub fn tell(&self, diagnostics: Vec<Diagnostic>) -> bool {
        tell(diagnostics, self.color)
    }
}

/// A mistake that only the graph shows, with the places of everything in it.
fn problem(problem: &Problem, resolution: &Resolution) -> Diagnostic {
    let (code, ids, hint) = match problem {
        Problem::Cycle(ids) => ("cycle", ids.iter().collect::<Vec<_>>(), None),
        Problem::NeedsAbsent { needers, absent } => {
            let ids = needers.iter().chain([absent]).collect();
            ("needs-absent", ids, Some("take what needs it out too, or declare it absent as well"))
        }
        Problem::PathTwice { first, second, .. } => ("path-twice", vec![first, second], Some("keep one of them")),
        Problem::NumberTwice { first, second, .. } => (
            "number-twice",
            vec![first, second],
            Some("give each a number of its own: files belong to numbers, not to names"),
        ),
        Problem::NotAMember { account, group } => {
            let hint =
                "`members` lists everybody who is in the group: add the account there, or leave the group out here";
            ("not-a-member", vec![account, group], Some(hint))
        }
    };
    let origins = ids.iter().flat_map(|id| resolution.origins_of(id).iter().map(move |origin| (origin, id)));
    let diagnostic = Diagnostic::error(code, problem.to_string()).on(&resolution.host);
    let diagnostic = diagnostic.maybe_hint(hint.map(str::to_owned));
    origins.fold(diagnostic, |diagnostic, (origin, id)| origin.mark(diagnostic, id.to_string()))
}

/// The time to connect and authenticate where the inventory sets none.
const CONNECT: Duration = Duration::from_secs(10);

fn tell(diagnostics: Vec<Diagnostic>, color: cli::Color) -> bool {
    let diagnostics = source::sorted(diagnostics);
    terminal::tell(&source::render(&diagnostics, terminal::stderr_style(color).color));
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    if errors > 0 {
        terminal::tell(&format!("comply: {errors} mistake{}\n", if errors == 1 { "" } else { "s" }));
    }
    errors > 0
}

/// Says why nothing was done.
pub fn unable(why: &str) -> Exit {
    terminal::tell(&format!("comply: {why}\n"));
    Exit::Unable
}

fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    match given {
        Some(dir) if dir.is_dir() => Ok(dir.to_owned()),
        Some(dir) => Err(format!("{} is not a directory", terminal::path(dir))),
        None => {
            let here =
                std::env::current_dir().map_err(|error| format!("cannot tell the current directory: {error}"))?;
            policies::discover(&here).ok_or_else(|| {
                "no `comply.yml` or `inventory.yml` in this directory or above it; name the policy repository with -C"
                    .to_owned()
            })
        }
    }
}
