//! One transaction for all packages of a level, simulated before it is run, and again on the host right before.

use super::{Package, Spec, State};
use crate::facts::packages::{LISTS, Lists, OFFERED, Offered, SIMULATION, Simulation, Step, split_architecture};
use crate::version_wish::VersionWish;
use engine::{Command, Danger, Drifted, Facts, Id, Item, Op, Pending, Planned};
use std::collections::BTreeSet;

/// Older lists are refreshed before anything is installed from them.
const FRESH_DAYS: i64 = 1;

/// `$1`: refresh the lists: `no`, `try` (their failure is no failure) or `must`. `$2`: what may be removed or
/// downgraded, each between spaces. `$3`: held packages that may change; they stay held if it fails. `$4`: options
/// of apt-get. The rest: what apt-get takes (`name`, `name=version`, `name-`), or `name>=version`.
///
/// With `must` each name is looked up before: apt takes an unknown `a.b` for a pattern.
static TRANSACTION: Command = Command { name: "apt transaction", shell: include_str!("transaction.sh") };

static HOLD: Command = Command { name: "apt-mark hold", shell: "apt-mark hold -- \"$@\" >/dev/null" };
static UNHOLD: Command = Command { name: "apt-mark unhold", shell: "apt-mark unhold -- \"$@\" >/dev/null" };
static PURGE: Command = Command {
    name: "dpkg purge",
    shell: "export DEBIAN_FRONTEND=noninteractive\n\
            for try in 1 2 3 4 5 6 7 8 9 10 11 12; do\n\
            \x20 said=$(dpkg --purge -- \"$@\" 2>&1) && exit 0\n\
            \x20 case $said in *lock*) sleep 5 ;; *) break ;; esac\n\
            done\n\
            die \"$(printf '%s\\n' \"$said\" | tail -n 3 | tr '\\n' ' ')\"",
};

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&TRANSACTION, &HOLD, &UNHOLD, &PURGE];

/// What apt is asked for one drifted package.
enum Asked {
    /// This, found in the lists.
    Known(String),
    /// This, which the lists do not have: they are refreshed first.
    Unlisted(String),
    /// Not to be done, and why.
    Never(String),
    /// Nothing: only a hold or a purge differs.
    Nothing,
}

/// Resources with what apt is asked for them.
#[derive(Default)]
struct Batch<'a> {
    ids: Vec<&'a Id>,
    args: Vec<String>,
    /// Of these, the ones that are held and may change all the same, by the policy's word.
    held: Vec<&'a str>,
}

impl Batch<'_> {
    fn serves(&self) -> Vec<Id> {
        self.ids.iter().map(|&id| id.clone()).collect()
    }
}

pub(super) fn plan(
    declared: &[Item<'_, Package>],
    drifted: &[Drifted<'_, Package>],
    facts: &Facts,
) -> Result<Vec<Planned>, Pending> {
    let offers: Vec<_> =
        drifted.iter().map(|drift| installs(drift).then(|| facts.ask(&OFFERED, &[&drift.id.name]))).collect();
    let lists = drifted.iter().any(installs).then(|| facts.ask(&LISTS, &[]));
    // What only removes packages does not need the lists.
    let lists = lists.transpose()?.map_or(Lists { age: Some(0) }, |lists| *lists);

    let (mut known, mut unlisted, mut planned) = (Batch::default(), Batch::default(), Vec::new());
    for (drift, offer) in drifted.iter().zip(offers) {
        match asked(drift, offer.transpose()?.as_deref()) {
            Asked::Known(arg) => push(&mut known, drift, &arg),
            Asked::Unlisted(arg) => push(&mut unlisted, drift, &arg),
            Asked::Never(why) => planned.push(Planned::Refuse { serves: vec![drift.id.clone()], why }),
            Asked::Nothing => {}
        }
    }
    let to_release = |drift: &&Drifted<'_, Package>| drift.spec.hold == Some(false) && drift.seen.held();
    planned.extend(drifted.iter().filter(to_release).map(|drift| mark(&UNHOLD, drift.id, "release").into()));
    let allowed = Allowed::new(declared);
    if !known.ids.is_empty() {
        planned.push(transaction(&known, &allowed, lists, facts)?);
    }
    if !unlisted.ids.is_empty() {
        planned.push(refreshing(&unlisted, &allowed));
    }
    let to_purge = drifted.iter().filter(|drift| drift.spec.purge == Some(true));
    planned.extend(to_purge.map(|drift| purge(drift.id).into()));
    // A hold does not survive a change by apt.
    let to_hold = drifted.iter().filter(|drift| drift.spec.hold == Some(true));
    planned.extend(to_hold.map(|drift| mark(&HOLD, drift.id, "hold").into()));
    Ok(planned)
}

fn push<'a>(batch: &mut Batch<'a>, drift: &Drifted<'a, Package>, arg: &str) {
    batch.ids.push(drift.id);
    batch.args.extend(arg.split(' ').map(str::to_owned));
    if drift.seen.held() && (drift.spec.hold == Some(true) || drift.spec.state() == State::Absent) {
        batch.held.push(&drift.id.name);
    }
}

fn differs(drift: &Drifted<'_, Package>, field: &str) -> bool {
    drift.changes.iter().any(|change| change.field == field)
}

/// It needs apt's lists.
fn installs(drift: &Drifted<'_, Package>) -> bool {
    drift.spec.state() != State::Absent && (differs(drift, "state") || differs(drift, "version"))
}

fn asked(drift: &Drifted<'_, Package>, offered: Option<&Offered>) -> Asked {
    let name = &drift.id.name;
    if drift.spec.state() == State::Absent {
        let there: Vec<_> = drift.seen.installed.iter().filter(|package| package.is_there()).collect();
        return match there.as_slice() {
            [] => Asked::Nothing,
            [_] => Asked::Known(format!("{name}-")),
            several => {
                let each: Vec<_> =
                    several.iter().map(|package| format!("{}:{}-", package.name, package.architecture)).collect();
                Asked::Known(each.join(" "))
            }
        };
    }
    let Some(offered) = offered else { return Asked::Nothing };
    if drift.seen.held() && drift.spec.hold.is_none() && differs(drift, "version") {
        return Asked::Never(
            "it is held on the host: say `hold: false` to let it change, `hold: true` to hold it again after".into(),
        );
    }
    match &drift.spec.version {
        None if offered.candidate.is_some() => Asked::Known(name.clone()),
        None => Asked::Unlisted(name.clone()),
        Some(wish) => wished(name, wish, offered),
    }
}

fn wished(name: &str, wish: &VersionWish, offered: &Offered) -> Asked {
    // What apt would take by itself comes first: pins and priorities are the administrator's word.
    let candidate = offered.candidate.as_ref().filter(|version| wish.accepts(version));
    match (candidate.or_else(|| offered.versions.iter().find(|version| wish.accepts(version))), wish) {
        (Some(version), _) => Asked::Known(format!("{name}={version}")),
        (None, VersionWish::AtLeast(version)) => Asked::Unlisted(format!("{name}>={version}")),
        (None, VersionWish::Exactly(version) | VersionWish::Like(version)) => {
            Asked::Unlisted(format!("{name}={version}"))
        }
    }
}

/// What a transaction may take away.
struct Allowed {
    removed: BTreeSet<String>,
    downgraded: BTreeSet<String>,
}

impl Allowed {
    fn new(declared: &[Item<'_, Package>]) -> Self {
        let of = |wanted: fn(&Spec) -> bool| {
            let names = declared.iter().filter(|item| wanted(item.spec)).map(|item| bare(&item.id.name).to_owned());
            names.collect()
        };
        Self { removed: of(|spec| spec.state() == State::Absent), downgraded: of(|spec| spec.version.is_some()) }
    }

    /// For the command: `-name` may be removed, `<name` downgraded.
    fn words(&self) -> String {
        let removed = self.removed.iter().map(|name| format!("-{name} "));
        let downgraded = self.downgraded.iter().map(|name| format!("<{name} "));
        removed.chain(downgraded).fold(" ".into(), |words, word| words + &word)
    }

    fn forbids(&self, step: &Step) -> Option<String> {
        let name = bare(&step.package);
        if step.to.is_none() && !self.removed.contains(name) {
            return Some(format!("remove {name}"));
        }
        let to = step.to.as_deref().unwrap_or_default();
        (step.is_downgrade() && !self.downgraded.contains(name)).then(|| format!("downgrade {name} to {to}"))
    }
}

fn bare(package: &str) -> &str {
    split_architecture(package).0
}

fn options(allowed: &Allowed) -> &'static str {
    if allowed.downgraded.is_empty() { "" } else { "--allow-downgrades" }
}

fn transaction(batch: &Batch<'_>, allowed: &Allowed, lists: Lists, facts: &Facts) -> Result<Planned, Pending> {
    let held = if batch.held.is_empty() { "" } else { "--allow-change-held-packages" };
    let options = [held, options(allowed), "--"].into_iter().filter(|option| !option.is_empty());
    let args: Vec<&str> = options.chain(batch.args.iter().map(String::as_str)).collect();
    let simulation = facts.ask(&SIMULATION, &args)?;
    let stale = !lists.within_days(FRESH_DAYS);
    let steps = match &*simulation {
        Simulation::Would(steps) => steps,
        // Newer lists may know better.
        Simulation::Cannot(_) if stale => return Ok(refreshing(batch, allowed)),
        Simulation::Cannot(why) => {
            let why = format!("apt cannot do this: {why}");
            return Ok(Planned::Refuse { serves: batch.serves(), why });
        }
    };
    let forbidden: Vec<_> = steps.iter().filter_map(|step| allowed.forbids(step)).collect();
    if !forbidden.is_empty() {
        let why = format!("apt would also {}, which no policy declares; nothing was done", forbidden.join(", "));
        return Ok(Planned::Refuse { serves: batch.serves(), why });
    }
    let mut op = op(batch, allowed, if stale { "try" } else { "no" });
    op.says = says(steps, stale);
    op.hurts = steps.iter().filter_map(hurts).collect();
    op.endangers =
        steps.iter().filter(|step| step.to.is_none()).map(|step| Danger::Package(step.package.clone())).collect();
    Ok(op.into())
}

fn refreshing(batch: &Batch<'_>, allowed: &Allowed) -> Planned {
    let mut op = op(batch, allowed, "must");
    op.says = format!("refresh apt's lists, then install {} with what they need", batch.args.join(", "));
    op.into()
}

fn op(batch: &Batch<'_>, allowed: &Allowed, refresh: &str) -> Op {
    let mut args = vec![refresh.to_owned(), allowed.words(), batch.held.join(" "), options(allowed).to_owned()];
    args.extend(batch.args.iter().cloned());
    Op {
        serves: batch.serves(),
        command: &TRANSACTION,
        args,
        stdin: Vec::new(),
        says: String::new(),
        hurts: Vec::new(),
        destroys: None,
        endangers: Vec::new(),
        guard: None,
    }
}

fn says(steps: &[Step], stale: bool) -> String {
    let list = |verb: &str, wanted: &dyn Fn(&Step) -> bool| {
        let mut names: Vec<_> = steps.iter().filter(|step| wanted(step)).map(|step| step.package.as_str()).collect();
        names.dedup();
        (!names.is_empty()).then(|| format!("{verb} {}", names.join(", ")))
    };
    let parts = [
        stale.then(|| "refresh apt's lists".to_owned()),
        list("install", &|step| step.from.is_none() && step.to.is_some()),
        list("upgrade", &Step::is_upgrade),
        list("downgrade", &Step::is_downgrade),
        list("remove", &|step| step.to.is_none()),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "complete what dpkg left half done".into() } else { parts.join("; ") }
}

fn hurts(step: &Step) -> Option<String> {
    let (name, from) = (&step.package, step.from.as_deref().unwrap_or_default());
    match &step.to {
        None => Some(format!("removes the package {name}")),
        Some(to) if step.is_upgrade() => Some(format!("upgrades the package {name} from {from} to {to}")),
        Some(to) if step.is_downgrade() => Some(format!("downgrades the package {name} from {from} to {to}")),
        Some(_) => None,
    }
}

/// For one package by itself: whatever becomes of the others, it is not left with them.
fn mark(command: &'static Command, id: &Id, verb: &str) -> Op {
    Op::new(id.clone(), command, vec![id.name.clone()], format!("{verb} {}", id.name))
}

fn purge(id: &Id) -> Op {
    mark(&PURGE, id, "purge").destroys(format!("the configuration and data of {}", id.name))
}
