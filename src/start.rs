//! What audit and enforce have in common before the first host is reached.

use crate::cli;
use crate::interrupt;
use crate::output::Outputs;
use crate::progress::Progress;
use crate::repository::{Repository, Wanted, unable};
use crate::revision::Reading;
use crate::secrets::{self, Keeper};
use crate::site::{Shared, Site};
use crate::terminal;
use policies::{Resolution, Selection};
use reports::{Command, Exit, Run, Waiver};
use source::{SecretName, Secrets};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The options that audit and enforce share.
pub struct Options<'a> {
    /// Which command.
    pub command: Command,
    /// Which repository.
    pub repository: &'a cli::Repository,
    /// Which hosts and resources.
    pub selection: &'a cli::Selection,
    /// How hosts are reached.
    pub reaching: &'a cli::Reaching,
    /// What is told.
    pub output: &'a cli::Output,
    /// With colours?
    pub color: cli::Color,
}

/// A run about to begin.
pub struct Start {
    /// Where its reports go.
    pub outputs: Outputs,
    /// What its jobs share.
    pub shared: Arc<Shared>,
    /// Its hosts.
    pub sites: Vec<Site>,
    /// The run, as the report has it, but for the state of the policies.
    pub run: Run,
    /// That state.
    pub policy: Reading,
}

impl Start {
    /// Everything up to the first connection.
    ///
    /// # Errors
    /// What is wrong was told.
    pub fn new(options: &Options<'_>) -> Result<Self, Exit> {
        let style = terminal::stdout_style(options.color, options.output.verbose);
        let outputs = Outputs::open(&options.output.format, style).map_err(|why| unable(&why))?;
        let repository = Repository::open(options.repository, options.color)?;
        let selection = Selection {
            policies: options.selection.policy.clone(),
            only: options.selection.only.iter().map(|id| repository.repo.spelled(id)).collect(),
            tags: options.selection.tag.clone(),
        };
        let wanted = wanted(&repository, &selection, options)?;
        interrupt::listen().map_err(|why| unable(&why))?;
        let keeper = Keeper::new(repository.repo.provider(), &repository.root);
        let wanted = reveal(wanted, &repository, &selection, &keeper)?;
        let policy = Reading::begin(repository.root.clone());
        let run = Run { waivers: waivers(&repository, &wanted), ..describe(options)? };
        let progress = Progress::begin(wanted.len());
        let keeper = Arc::new(keeper);
        let asker = Arc::new(asker(options.reaching, &progress, &repository, &keeper));
        let sites = wanted.into_iter().filter_map(|wanted| {
            let host = repository.host(&wanted.resolution.host)?;
            let connect = links::connector(repository.target(host, options.reaching.timeout), Arc::clone(&asker));
            let revert_after = host.settings.revert_after.unwrap_or(engine::switch::LIMIT);
            Some(Site::new(wanted, connect, revert_after, repository.repo.unreachable_waiver(&host.name)))
        });
        let sites = sites.collect();
        Ok(Self { outputs, shared: Arc::new(Shared { repository, selection, keeper, progress }), sites, run, policy })
    }
}

/// What is to be looked at: hosts that have a selected resource, or may turn out to have one.
fn wanted(repository: &Repository, selection: &Selection, options: &Options<'_>) -> Result<Vec<Wanted>, Exit> {
    let hosts = repository.select(&options.selection.limit, &options.selection.except)?;
    let wanted = repository.resolve_all(hosts)?;
    let (mut resolutions, graphs): (Vec<Resolution>, Vec<_>) =
        wanted.into_iter().map(|wanted| (wanted.resolution, wanted.graph)).unzip();
    if repository.tell(selection.problems(&repository.repo, &resolutions)) {
        return Err(Exit::Unable);
    }
    resolutions.iter_mut().for_each(|resolution| selection.apply(resolution));
    let wanted = resolutions.into_iter().zip(graphs).map(|(resolution, graph)| Wanted { resolution, graph });
    let is_meant =
        |resolution: &Resolution| resolution.unnamed || resolution.resources.iter().any(|resource| resource.selected);
    let wanted: Vec<_> = wanted.filter(|wanted| is_meant(&wanted.resolution)).collect();
    if wanted.is_empty() {
        return Err(unable("no policy declares anything for these hosts"));
    }
    Ok(wanted)
}

/// Puts in the secrets, while nothing else is on the terminal: a provider may ask for a passphrase. A host that has to
/// be asked who it is gets its secrets then.
fn reveal(
    wanted: Vec<Wanted>,
    repository: &Repository,
    selection: &Selection,
    keeper: &Keeper,
) -> Result<Vec<Wanted>, Exit> {
    let mut revealed = Vec::new();
    for wanted in wanted {
        revealed.push(match repository.host(&wanted.resolution.host) {
            Some(host) if !wanted.resolution.is_open() => {
                repository.reveal(wanted, host, None, selection, keeper).map_err(|mistakes| {
                    repository.tell(mistakes);
                    Exit::Unable
                })?
            }
            _ => wanted,
        });
    }
    Ok(revealed)
}

/// The waivers that are for hosts of the run.
fn waivers(repository: &Repository, wanted: &[Wanted]) -> Vec<Waiver> {
    let told = repository.repo.waivers().iter().map(|waiver| {
        let names = wanted.iter().map(|wanted| wanted.resolution.host.as_str());
        Waiver {
            resource: waiver.resource.clone(),
            hosts: waiver.hosts_among(repository.repo.inventory(), names),
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            until: waiver.until,
            expired: waiver.expired,
        }
    });
    told.filter(|waiver| !waiver.hosts.is_empty()).collect()
}

fn describe(options: &Options<'_>) -> Result<Run, Exit> {
    let started = jiff::Timestamp::now();
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| unable(&format!("the system gives no random number: {error}")))?;
    let id = format!("{}-{:08x}", started.strftime("%Y%m%dT%H%M%SZ"), u32::from_be_bytes(bytes));
    Ok(Run {
        id,
        command: options.command,
        started,
        duration: 0.0,
        policy: None,
        comply: env!("CARGO_PKG_VERSION").to_owned(),
        selection: options.repository.given().into_iter().chain(options.selection.given()).collect(),
        waivers: Vec::new(),
        interrupted: false,
        errors: Vec::new(),
    })
}

fn asker(
    reaching: &cli::Reaching,
    progress: &Arc<Progress>,
    repository: &Repository,
    keeper: &Arc<Keeper>,
) -> links::Asker {
    let secret = |host: &inventory::Host| Some((host.name.clone(), host.settings.become_secret.as_ref()?.0.clone()));
    let kept: BTreeMap<String, SecretName> = repository.hosts().iter().filter_map(secret).collect();
    let given = std::env::var(links::BECOME_PASSWORD).ok();
    given.iter().for_each(|password| secrets::known().learn(password));
    let (asking, fetching, keeper) = (Arc::clone(progress), Arc::clone(progress), Arc::clone(keeper));
    links::Asker::with(move |question| {
        let answer = asking.aside(|| rpassword::prompt_password(question).ok());
        answer.inspect(|answer| secrets::known().learn(answer))
    })
    .asking_become(reaching.ask_become_pass)
    .with_become_password(given)
    .with_become_secret(kept.keys().cloned().collect(), move |host| match kept.get(host) {
        Some(name) => fetching.aside(|| keeper.get(name)),
        None => Err("no secret of this host".to_owned()),
    })
}
