//! One host of a run, from its first connection to what is reported of it.

use crate::progress::Progress;
use crate::repository::{Repository, Wanted};
use crate::secrets::{self, Keeper};
use engine::Verdict;
use engine::event::{Event, Watch};
use engine::facts::Facts;
use engine::identity::IDENTITY;
use engine::link::{Connect, Step, Unreachable};
use engine::session::{ReadOnly, Session};
use engine::survey::Survey;
use inventory::Identity;
use policies::Selection;
use reports::report::seconds;
use reports::{Host, Resource, Status};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What all jobs of a run share.
pub struct Shared {
    /// The policies, for hosts that have to be asked who they are.
    pub repository: Repository,
    /// What of them is meant.
    pub selection: Selection,
    /// What gives its secrets.
    pub keeper: Arc<Keeper>,
    /// Who waits.
    pub progress: Arc<Progress>,
}

/// A host to visit.
pub struct Site {
    /// Its name.
    pub name: String,
    /// What is said of its resources if nobody gets there.
    pub rows: Arc<Rows>,
    /// What it is to be.
    pub wanted: Wanted,
    /// The way there.
    pub connect: Box<dyn Connect>,
    /// After how long it undoes a guarded change by itself.
    pub revert_after: Duration,
}

/// What is said of a host's resources if nobody gets there.
pub struct Rows {
    rows: Vec<Resource>,
    /// The waiver under which it is accepted that the host cannot be reached.
    waiver: Option<String>,
}

/// A host that was looked at.
pub struct Seen {
    /// How long that took.
    pub took: Duration,
    /// What was seen.
    pub survey: Survey,
    /// The way there, open.
    pub session: Session<ReadOnly>,
    /// Opens another one.
    pub way: Box<dyn Connect>,
    /// After how long the host undoes a guarded change by itself.
    pub revert_after: Duration,
}

impl Site {
    /// A host to visit, its resources marked already.
    pub fn new(wanted: Wanted, connect: Box<dyn Connect>, revert_after: Duration, waiver: Option<String>) -> Self {
        let (host, resources, open) =
            (&wanted.resolution.host, &wanted.resolution.resources, wanted.resolution.is_open());
        let rows = resources.iter().filter(|resource| resource.selected).map(|resource| {
            let verdict = match resource.spec {
                None if !open => Verdict::Skipped,
                _ => Verdict::Unknown { why: String::new() },
            };
            Resource::new(host, resource, &verdict)
        });
        let rows = Rows { rows: rows.collect(), waiver };
        Self { name: host.clone(), rows: Arc::new(rows), wanted, connect, revert_after }
    }

    /// Connects and looks.
    ///
    /// # Errors
    /// The host as it is reported, if that could not be done.
    pub fn look(self, shared: &Shared) -> Result<Seen, Box<Host>> {
        let begun = Instant::now();
        let (name, rows) = (self.name.clone(), Arc::clone(&self.rows));
        self.try_look(shared, begun).map_err(|status| Box::new(lost(&name, &rows, discreet(status), begun.elapsed())))
    }

    fn try_look(self, shared: &Shared, begun: Instant) -> Result<Seen, Status> {
        let watch: &dyn Watch = &*shared.progress;
        watch.event(&self.name, &Event::Connecting);
        let link = self.connect.connect().map_err(|why| Status::unreachable(&why))?;
        watch.event(&self.name, &Event::Connected);
        let mut session = Session::open(link, self.connect.patience());
        let mut facts = Facts::default();
        let wanted = if self.wanted.resolution.is_open() {
            let identity = identify(&mut session, &mut facts, &self.wanted, watch)?;
            determined(shared, &self.name, &identity)?
        } else {
            self.wanted
        };
        let survey = Survey::new(self.name, wanted.resolution.resources, wanted.graph, facts);
        let mut survey = survey.with_secrecy(secrets::known().clone());
        survey.observe(&mut session, watch).map_err(no_rights)?;
        Ok(Seen { took: begun.elapsed(), survey, session, way: self.connect, revert_after: self.revert_after })
    }
}

/// Asks the host who it is and, in the same round, what those resources need to know that may turn out to be meant.
fn identify(
    session: &mut Session<ReadOnly>,
    facts: &mut Facts,
    wanted: &Wanted,
    watch: &dyn Watch,
) -> Result<Identity, Status> {
    for resource in &wanted.resolution.resources {
        if let Some(spec) = &resource.spec {
            // For the questions it notes; nothing can be told yet.
            let _ = spec.check(&resource.id.name, facts);
        }
    }
    let _ = facts.ask(&IDENTITY, &[]);
    let missing = facts.take_missing();
    session.ask(missing, facts, &wanted.resolution.host, watch).map_err(no_rights)?;
    let identity = facts.ask(&IDENTITY, &[]).map_err(|pending| {
        let why = match pending {
            engine::Pending::Blind(blind) => blind.to_string(),
            engine::Pending::Need | engine::Pending::Settling { .. } => "no answer".to_owned(),
        };
        Status::Unreachable {
            step: "identity".to_owned(),
            why: reports::escape::bound(&format!(
                "its policies depend on what system it is, and it cannot tell: {why}"
            )),
        }
    })?;
    Ok(Identity {
        os_id: Some(identity.os_id.clone()),
        os_version: Some(identity.os_version.clone()),
        os_codename: Some(identity.os_codename.clone()),
        arch: Some(identity.arch.clone()),
        hostname: Some(identity.hostname.clone()),
        virtualization: Some(identity.virtualization.clone()),
    })
}

/// What the host is to be, now that it is known what it is.
fn determined(shared: &Shared, name: &str, identity: &Identity) -> Result<Wanted, Status> {
    let host = shared.repository.host(name);
    let host = host.ok_or_else(|| Status::Error { why: "it is not in the inventory any more".to_owned() })?;
    let wrong = |diagnostics: Vec<source::Diagnostic>| {
        let errors: Vec<String> =
            diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(|error| error.message.clone()).collect();
        shared.progress.aside(|| shared.repository.tell(diagnostics));
        Status::Error { why: format!("its policies are wrong for what it is: {}", errors.join("; ")) }
    };
    let (mut wanted, _) = shared.repository.resolve(host, Some(identity)).map_err(wrong)?;
    shared.selection.apply(&mut wanted.resolution);
    // A provider may ask for a passphrase.
    let reveal = || shared.repository.reveal(wanted, host, Some(identity), &shared.selection, &shared.keeper);
    shared.progress.aside(reveal).map_err(wrong)
}

/// What keeps a host from being reached, in the words of others: told without secrets.
fn discreet(status: Status) -> Status {
    let conceal = |why: String| secrets::known().conceal(&why).into_owned();
    match status {
        Status::Unreachable { step, why } => Status::Unreachable { step, why: conceal(why) },
        Status::Error { why } => Status::Error { why: conceal(why) },
        status => status,
    }
}

fn no_rights(broken: engine::link::Broken) -> Status {
    Status::unreachable(&Unreachable { step: Step::Become, why: broken.to_string() })
}

/// A host that was not judged to the end.
pub fn lost(name: &str, rows: &Rows, status: Status, took: Duration) -> Host {
    let why = match &status {
        Status::Unreachable { .. } => "the host was not reached",
        Status::Interrupted => "interrupted",
        Status::Error { .. } => "comply failed on this host",
        Status::Reached => "it was not looked at",
    };
    let waiver = rows.waiver.as_ref().filter(|_| matches!(status, Status::Unreachable { .. }));
    let mut resources = rows.rows.clone();
    for resource in resources.iter_mut().filter(|resource| resource.verdict == reports::Verdict::Unknown) {
        resource.reason = Some(why.to_owned());
        if let Some(waiver) = waiver {
            resource.verdict = reports::Verdict::Waived;
            resource.waiver = Some(waiver.clone());
        }
    }
    Host { name: name.to_owned(), status, duration: seconds(took), resources }
}

/// A host that was.
pub fn judged(survey: &Survey, verdicts: &BTreeMap<usize, Verdict>, took: Duration) -> Host {
    let rows = survey.resources.iter().enumerate();
    let resources = rows.filter_map(|(index, resource)| {
        verdicts.get(&index).map(|verdict| Resource::new(&survey.host, resource, verdict))
    });
    Host { name: survey.host.clone(), status: Status::Reached, duration: seconds(took), resources: resources.collect() }
}
