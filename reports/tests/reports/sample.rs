//! Reports to test with, made as a run makes them.

use engine::{Facts, Kind, Links, Mode, Module, Pending, Planned, Severity, Verdict};
use reports::{Command, Host, Report, Resource, Revision, Run, Status, Waiver};

/// A kind that says nothing: reports ask nothing of it.
struct Silent;

impl Module for Silent {
    const KIND: &'static str = "silent";
    const SECTION: &'static str = "silents";
    const DOC: &'static str = "";
    type Spec = serde_json::Value;
    type Seen = ();

    fn links(&self, _: &str, _: &Self::Spec, _: usize) -> Links {
        Links::new()
    }
    fn observe(&self, _: &str, _: &Self::Spec, _: &Facts) -> Result<(), Pending> {
        Ok(())
    }
    fn diff(&self, _: &str, _: &Self::Spec, _: &()) -> Vec<engine::Change> {
        Vec::new()
    }
    fn plan(
        &self,
        _: usize,
        _: &[engine::Item<'_, Self>],
        _: &[engine::Drifted<'_, Self>],
        _: &Facts,
    ) -> Result<Vec<Planned>, Pending> {
        Ok(Vec::new())
    }
}

pub struct Declared {
    resource: engine::Resource,
    verdict: Verdict,
}

impl Declared {
    pub fn new(kind: &'static str, name: impl Into<String>, policy: &str, line: usize) -> Self {
        let source = source(policy, line);
        Self {
            resource: engine::Resource {
                id: engine::Id::new(kind, name),
                module: &Kind(&Silent),
                spec: None,
                mode: Mode::Enforce,
                held_by: None,
                severity: Severity::Major,
                tags: vec!["sample".to_owned()],
                refs: vec!["ANSSI-BP-028 R30".to_owned()],
                why: Vec::new(),
                sources: vec![source],
                requires: Vec::new(),
                before: Vec::new(),
                secrets: engine::secrecy::Held::default(),
                waiver: None,
                undetermined: false,
                selected: true,
            },
            verdict: Verdict::Compliant,
        }
    }

    pub fn verdict(mut self, verdict: Verdict) -> Self {
        self.verdict = verdict;
        self
    }

    pub fn severity(mut self, severity: Severity) -> Self {
        self.resource.severity = severity;
        self
    }

    pub fn mode(mut self, mode: Mode) -> Self {
        self.resource.mode = mode;
        self
    }

    pub fn why(mut self, why: &str) -> Self {
        self.resource.why.push(why.to_owned());
        self
    }

    pub fn also(&mut self, policy: &str, line: usize) {
        self.resource.sources.push(source(policy, line));
    }
}

fn source(policy: &str, line: usize) -> engine::Source {
    engine::Source { policy: policy.to_owned(), file: format!("policies/{policy}.yml"), line }
}

pub fn host(name: &str, rows: impl IntoIterator<Item = Declared>) -> Host {
    let resources = rows.into_iter().map(|row| Resource::new(name, &row.resource, &row.verdict)).collect();
    Host { name: name.to_owned(), status: Status::Reached, duration: 0.412, resources }
}

pub fn run(command: Command) -> Run {
    Run {
        id: "20261120T163200Z-1f2e3d4c".to_owned(),
        command,
        started: "2026-11-20T16:32:00Z".parse().unwrap(),
        duration: 0.533,
        policy: Some(Revision { commit: "a1b2c3d4".to_owned(), dirty: true }),
        comply: "0.1.0".to_owned(),
        selection: Vec::new(),
        waivers: vec![Waiver {
            resource: "package/*".into(),
            hosts: vec!["pica01".into()],
            reason: "moves in spring".into(),
            owner: "ppom".into(),
            until: "2027-01-31".parse().unwrap(),
            expired: false,
        }],
        interrupted: false,
        errors: Vec::new(),
    }
}

pub fn report(command: Command, hosts: Vec<Host>) -> Report {
    Report::new(run(command), hosts)
}
