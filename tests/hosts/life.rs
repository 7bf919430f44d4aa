//! The life of a kind of resource on real hosts: a host that somebody broke by hand is looked at, put right, put
//! right again and looked at once more. Every stage is recorded, for the tests in `lives` to judge.

use crate::comply::{Repo, Run};
use fleet::{Host, Image};
use reports::{Difference, Resource, Verdict};
use std::collections::BTreeMap;

/// The Debian releases.
pub const DEBIANS: [Image; 2] = [Image::Bookworm, Image::Trixie];

/// The same with a Docker engine each, the first with Compose 1, the second with Compose 2.
pub const DOCKERS: [Image; 2] = [Image::BookwormDocker, Image::TrixieDocker];

/// One kind, what its policy says, what is wrong on the host, and what has to come of it.
pub struct Case {
    /// The kind.
    pub kind: &'static str,
    /// What must hold, as for [`Repo::policy`].
    pub policy: &'static str,
    /// Files of the repository.
    pub files: &'static [(&'static str, &'static str)],
    /// Breaks the host: a script for `sh -eu`.
    pub broken: &'static str,
    /// What `enforce` may destroy, as for `--allow-destroy`.
    pub destroys: &'static [&'static str],
    /// All that audit finds, resource by resource, as [`told`] writes it; `…` stands for any text. What is not
    /// named is compliant.
    pub found: &'static [(&'static str, &'static [&'static str])],
    /// What holds in the end, told by others than `comply`: a script for `sh -eu`.
    pub proof: &'static str,
}

/// What became of the hosts of a case.
pub struct Life {
    /// Images by the names of the hosts.
    hosts: BTreeMap<String, Image>,
    before: Run,
    touched_before: Vec<String>,
    repair: Run,
    proof: Vec<String>,
    again: Run,
    touched_again: Vec<String>,
    /// Scripts that were sent to each host by the second `enforce`.
    scripts: BTreeMap<String, usize>,
    after: Run,
}

impl Case {
    /// Lives through it.
    pub fn live(&self) -> Life {
        let hosts = Host::start_all(if self.kind == "compose" { &DOCKERS } else { &DEBIANS });
        let repo = hosts.iter().fold(Repo::new(), Repo::host).policy(self.policy);
        let repo = self.files.iter().fold(repo, |repo, (path, content)| repo.file(path, content));
        on_each(&hosts, |host| host.sh_ok(&format!("set -eu\n{COUNTED}\n{}", self.broken)));
        let allowed = self.destroys.iter().map(|glob| format!("--allow-destroy={glob}")).collect::<Vec<_>>();
        let enforce: Vec<_> = ["enforce", "--yes"].into_iter().chain(allowed.iter().map(String::as_str)).collect();

        let (before, touched_before) = untouched(&hosts, || repo.audit());
        let repair = repo.run(&enforce);
        let proof = on_each(&hosts, |host| (host.image(), host.sh(&format!("set -eux\n{}", self.proof)))).into_iter();
        let proof = proof.filter(|(_, proof)| !proof.success());
        let proof = proof.map(|(image, proof)| format!("{image:?}: {proof:?}")).collect();
        let sessions: Vec<_> = hosts.iter().map(sessions).collect();
        let (again, touched_again) = untouched(&hosts, || repo.enforce());
        let scripts =
            hosts.iter().zip(sessions).map(|(host, past)| (host.name().to_owned(), self::sessions(host) - past));
        let scripts = scripts.collect();
        let after = repo.audit();
        let hosts = hosts.iter().map(|host| (host.name().to_owned(), host.image())).collect();
        Life { hosts, before, touched_before, repair, proof, again, touched_again, scripts, after }
    }

    /// Audit told exactly this.
    pub fn assert_found(&self, life: &Life) {
        for (host, image) in &life.hosts {
            let found = told_of(&life.before, host);
            let found = found.into_iter().filter(|(_, told)| told != &["compliant"]).collect();
            if let Some(wrong) = mismatch(self.found, &found) {
                panic!("{image:?}: {wrong}{}", life.before.shown());
            }
        }
        life.before.assert_code(2);
    }

    /// Enforce put all of it right, left the rest alone, and others see it too.
    pub fn assert_repaired(&self, life: &Life) {
        for host in life.hosts.keys() {
            for resource in resources(&life.repair, host) {
                let wanted = match self.found.iter().any(|(id, _)| *id == resource.id) {
                    true => Verdict::Changed,
                    false => Verdict::Kept,
                };
                assert_eq!(resource.verdict, wanted, "{resource:#?}{}", life.repair.shown());
            }
        }
        life.repair.assert_code(0);
        assert!(life.proof.is_empty(), "{}{}", life.proof.join("\n"), life.repair.shown());
    }
}

impl Life {
    /// Audit left no trace.
    pub fn assert_audit_changed_nothing(&self) {
        assert_eq!(self.touched_before, Vec::<String>::new(), "{}", self.before.shown());
    }

    /// The second enforce had nothing to do, and asked once.
    pub fn assert_nothing_run_again(&self) {
        self.again.assert_code(0).assert_all("kept");
        assert_eq!(self.touched_again, Vec::<String>::new(), "{}", self.again.shown());
        assert!(self.scripts.values().all(|count| *count == 1), "round trips: {:?}", self.scripts);
    }

    /// All is as it should be.
    pub fn assert_compliant_in_the_end(&self) {
        self.after.assert_code(0).assert_all("compliant");
    }
}

/// Makes sshd write down every script that it is sent.
pub const COUNTED: &str = "echo LogLevel VERBOSE >/etc/ssh/sshd_config.d/verbose.conf; reload_sshd";

/// How many scripts a host has been sent so far. By the name that sshd gives itself: of a process that ends at once, the
/// journal does not always know the unit.
pub fn sessions(host: &Host) -> usize {
    let count = host
        .sh_ok("journalctl --sync; journalctl -q -t sshd -t sshd-session -o cat | grep -c '^Starting session: ' || :");
    count.trim().parse().unwrap_or_else(|_| panic!("{count}"))
}

/// containerd clears away in its own time what an engine has given up.
const AT_REST: &str = "cd /var/lib/containerd/io.containerd.metadata.v1.bolt
    for _ in $(seq 120); do
        [ $(($(date +%s) - $(stat -c %Y meta.db))) -lt 3 ] || exit 0
        sleep 0.5
    done
    exit 1";

/// Does something with all hosts at once.
fn on_each<T: Send>(hosts: &[Host], act: impl Fn(&Host) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let acting: Vec<_> = hosts.iter().map(|host| scope.spawn(|| act(host))).collect();
        acting.into_iter().map(|host| host.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Runs something, and says what changed meanwhile on the hosts.
pub fn untouched<T>(hosts: &[Host], run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let before = on_each(hosts, |host| {
        if DOCKERS.contains(&host.image()) {
            host.sh_ok(AT_REST);
        }
        host.snapshot()
    });
    let ran = run();
    let after = on_each(hosts, Host::snapshot);
    let touched = hosts.iter().zip(before.iter().zip(&after)).flat_map(|(host, (before, after))| {
        let image = host.image();
        let lines = before.diff(after).into_iter();
        // Where an engine hands a health check to what runs it.
        let lines = lines.filter(move |line| {
            !DOCKERS.contains(&image) || !(line.starts_with("/tmp: mtime") || line.starts_with("/tmp/runc-process"))
        });
        lines.map(move |line| format!("{image:?} {line}"))
    });
    (ran, touched.collect())
}

fn resources<'a>(run: &'a Run, host: &str) -> &'a [Resource] {
    let found = run.report().hosts.iter().find(|found| found.name == host);
    &found.unwrap_or_else(|| panic!("no {host}{}", run.shown())).resources
}

/// What a run tells of every resource of a host.
pub fn told_of(run: &Run, host: &str) -> BTreeMap<String, Vec<String>> {
    resources(run, host).iter().map(|resource| (resource.id.clone(), told(resource))).collect()
}

/// What is told of a resource: one line for each change, or the verdict with its reason.
pub fn told(resource: &Resource) -> Vec<String> {
    if resource.verdict != Verdict::Drift {
        let by = resource.blocked_by.iter().map(|by| format!(" by {by}"));
        let reason = resource.reason.iter().map(|reason| format!(": {reason}"));
        return vec![resource.verdict.to_string() + &by.chain(reason).collect::<String>()];
    }
    resource.changes.iter().map(|change| change_told(&change.field, &change.difference)).collect()
}

fn change_told(field: &str, difference: &Difference) -> String {
    match difference {
        Difference::Value { is, should } => format!("{field}: {is} → {should}"),
        Difference::Missing { missing } => format!("{field} + {missing}"),
        Difference::Extra { extra } => format!("{field} - {extra}"),
        Difference::Diff { diff } => format!("{field}:\n{diff}"),
        Difference::Hidden { hidden } => format!("{field} ({hidden})"),
        Difference::Unknown { unknown } => format!("{field} unknown: {unknown}"),
    }
}

/// How what was found differs from what had to be.
fn mismatch(wanted: &[(&str, &[&str])], found: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let mut wrong = String::new();
    for (id, lines) in wanted {
        match found.get(*id) {
            Some(told) if told.len() == lines.len() && lines.iter().zip(told).all(|(line, told)| fits(line, told)) => {}
            told => wrong += &format!("\n{id}\n  wanted {lines:#?}\n  found  {told:#?}"),
        }
    }
    let unexpected = found.iter().filter(|(id, _)| !wanted.iter().any(|(wanted, _)| wanted == id));
    wrong.extend(unexpected.map(|(id, told)| format!("\n{id} was to be compliant: {told:#?}")));
    (!wrong.is_empty()).then_some(wrong)
}

/// Whether `text` is as `pattern` says; each `…` in that stands for any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn a_pattern_stands_for_the_texts_that_fit() {
    for (pattern, text, fit) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a…", "abc", true),
        ("a…c", "abc", true),
        ("a…b…", "acb", true),
        ("a…b", "ac", false),
        ("…", "", true),
    ] {
        assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
    }
}
