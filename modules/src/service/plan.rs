//! How units are put right: systemd reads its files again first, then each unit in its turn.

use super::{Service, is_enabled, is_masked, is_missing};
use engine::{Command, Danger, Drifted, Op, Planned};

/// Starting is only half of it: a service that ends right away counts as failed, and says why: in its own words
/// if it had any, else in systemd's.
macro_rules! and_stays {
    ($verb:literal) => {
        concat!(
            "began=$(date +%s)\n\
             said=$(systemctl ",
            $verb,
            " -- \"$1\" 2>&1)\n\
             if [ $? -eq 0 ]; then\n\
             \x20 # On a busy host systemd may not have come to start its program yet.\n\
             \x20 pid=$(systemctl show -p MainPID --value -- \"$1\")\n\
             \x20 for moment in 1 2 3 4 5 6 7 8 9 10; do\n\
             \x20   case $(readlink \"/proc/$pid/exe\") in */systemd | */systemd-executor) sleep 0.1 ;; *) break ;; esac\n\
             \x20 done\n\
             \x20 sleep 0.2\n\
             \x20 case $(systemctl is-active -- \"$1\") in active | reloading | inactive) exit 0 ;; esac\n\
             fi\n\
             result=$(systemctl show -p Result --value -- \"$1\")\n\
             [ \"$result\" != success ] || die \"${said:-it did not start}\"\n\
             run=$(systemctl show -p InvocationID --value -- \"$1\")\n\
             # The journal may take in its words a moment after its end, and then does not know of which run they were.\n\
             for moment in 1 2 3 4 5 6 7 8 9 10; do\n\
             \x20 said=$(journalctl _SYSTEMD_INVOCATION_ID=\"$run\" + _SYSTEMD_UNIT=\"$1\" --since \"@$began\" -n 3 --no-pager -q -o cat 2>/dev/null)\n\
             \x20 [ -z \"$said\" ] || break\n\
             \x20 sleep 0.2\n\
             done\n\
             [ -n \"$said\" ] || said=$(journalctl -u \"$1\" -n 3 --no-pager -q -o cat 2>/dev/null)\n\
             said=$(printf %s \"$said\" | tr '\\n' '|' | sed 's/|/; /g')\n\
             case $result in\n\
             timeout) result='it did not start within the time that its unit gives it' ;;\n\
             *) result=\"it ended at once ($result)\" ;;\n\
             esac\n\
             die \"$result${said:+: $said}\""
        )
    };
}

static RELOAD: Command = Command { name: "systemctl daemon-reload", shell: "systemctl daemon-reload" };
static UNMASK: Command = Command { name: "systemctl unmask", shell: "systemctl unmask --quiet -- \"$1\"" };
static MASK: Command = Command { name: "systemctl mask", shell: "systemctl mask --quiet -- \"$1\"" };
static ENABLE: Command = Command { name: "systemctl enable", shell: "systemctl enable --quiet -- \"$1\"" };
static DISABLE: Command = Command { name: "systemctl disable", shell: "systemctl disable --quiet -- \"$1\"" };
static STOP: Command = Command { name: "systemctl stop", shell: "systemctl stop -- \"$1\"" };
static START: Command = Command { name: "systemctl start", shell: and_stays!("start") };
static RESTART: Command = Command { name: "systemctl restart", shell: and_stays!("restart") };

/// All commands of the kind.
pub(crate) static COMMANDS: &[&Command] = &[&RELOAD, &UNMASK, &MASK, &ENABLE, &DISABLE, &STOP, &START, &RESTART];

pub(super) fn plan(drifted: &[Drifted<'_, Service>]) -> Vec<Planned> {
    let mut planned: Vec<Planned> = reload(drifted).map(Planned::from).into_iter().collect();
    for drift in drifted {
        match refusal(drift) {
            Some(why) => planned.push(Planned::Refuse { serves: vec![drift.id.clone()], why }),
            None => planned.extend(steps(drift).into_iter().map(Planned::from)),
        }
    }
    planned
}

fn differs(drift: &Drifted<'_, Service>, field: &str) -> bool {
    drift.changes.iter().any(|change| change.field == field)
}

fn reload(drifted: &[Drifted<'_, Service>]) -> Option<Op> {
    let stale: Vec<_> = drifted.iter().filter(|drift| differs(drift, "daemon_reload")).collect();
    let first = stale.first()?;
    let op = Op::new(first.id.clone(), &RELOAD, Vec::new(), "let systemd read its unit files again");
    Some(Op { serves: stale.iter().map(|drift| drift.id.clone()).collect(), ..op })
}

/// What no command can put right.
fn refusal(drift: &Drifted<'_, Service>) -> Option<String> {
    let (unit, spec) = (&drift.seen.unit, drift.spec);
    let wants = |field, wanted: Option<bool>| wanted == Some(true) && differs(drift, field);
    if is_missing(unit) && (wants("running", spec.running) || wants("enabled", spec.enabled)) {
        return Some(format!(
            "there is no unit {} on this host: declare the package that brings it, or check the name",
            unit.id
        ));
    }
    if is_masked(unit) && spec.masked.is_none() && (wants("running", spec.running) || wants("enabled", spec.enabled)) {
        return Some(format!("{} is masked: write `masked: false` if it is to run", unit.id));
    }
    if !differs(drift, "enabled") {
        return None;
    }
    match (unit.file_state.as_str(), spec.enabled) {
        ("static" | "transient", Some(true)) => Some(format!(
            "{} is {}: it has no [Install] section, so only another unit can start it",
            unit.id, unit.file_state
        )),
        ("static" | "transient", Some(false)) if is_enabled(unit) => {
            Some(format!("{} is {}: another unit starts it; `masked: true` prevents that", unit.id, unit.file_state))
        }
        _ => None,
    }
}

fn steps(drift: &Drifted<'_, Service>) -> Vec<Op> {
    let (unit, spec) = (&drift.seen.unit.id, drift.spec);
    let op = |command: &'static Command, says: String| Op::new(drift.id.clone(), command, vec![unit.clone()], says);
    let on = |wanted: Option<bool>, field: &str, value: bool| wanted == Some(value) && differs(drift, field);
    let mut ops = Vec::new();
    if on(spec.masked, "masked", false) {
        ops.push(op(&UNMASK, format!("unmask {unit}")));
    }
    if on(spec.enabled, "enabled", true) {
        ops.push(op(&ENABLE, format!("enable {unit}")));
    }
    if on(spec.enabled, "enabled", false) {
        ops.push(op(&DISABLE, format!("disable {unit}")).endangers(Danger::Unit(unit.clone())));
    }
    if on(spec.running, "running", false) {
        let stop = op(&STOP, format!("stop {unit}")).hurts(format!("stops {unit}"));
        ops.push(stop.endangers(Danger::Unit(unit.clone())));
    }
    if on(spec.running, "running", true) {
        ops.push(op(&START, format!("start {unit}")));
    } else if differs(drift, "restart_on") {
        ops.push(op(&RESTART, format!("restart {unit}")).hurts(format!("restarts {unit}")));
    }
    if on(spec.masked, "masked", true) {
        ops.push(op(&MASK, format!("mask {unit}")).endangers(Danger::Unit(unit.clone())));
    }
    ops
}
