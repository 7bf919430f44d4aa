//! What the person reads who is asked.

use crate::sample::{Declared, host};
use engine::plan::Plan;
use engine::switch::{Ground, Guard};
use engine::{Change, Command, Id, Op, Verdict};
use reports::{Style, plan};

static COMMAND: Command = Command { name: "anything", shell: "true" };

fn op(id: &Id, says: &str) -> Op {
    Op::new(id.clone(), &COMMAND, Vec::new(), says)
}

fn render(destroys: bool) -> String {
    let drift = || Verdict::Drift { changes: vec![Change::value("state", "present", "absent")], held: None };
    let host = host(
        "pica01",
        [
            Declared::new("user", "antoine", "access", 21).verdict(drift()),
            Declared::new("file", "/etc/docker/daemon.json", "services", 4).verdict(Verdict::Drift {
                changes: vec![Change::text("content", "@@ -1 +1 @@\n-a\n+b\n")],
                held: None,
            }),
            Declared::new("package", "curl", "services", 6).verdict(Verdict::Compliant),
        ],
    );
    let user = Id::new("user", "antoine");
    let docker = Id::new("service", "docker");
    let mut packages = op(&Id::new("package", "curl"), "install curl, git and jq\x1b[2J");
    packages.serves.extend([Id::new("package", "git"), Id::new("package", "jq")]);
    let ground = Ground::Keys("ops".to_owned());
    let guarded = op(&Id::new("ssh_key", "ops"), "add 1 key").guarded(Guard { ground, paths: Vec::new(), after: None });
    let plan = Plan {
        ops: vec![
            op(&user, "remove the account").destroys("the home /home/antoine").hurts("ends the sessions of antoine"),
            op(&docker, "restart docker.service").hurts("restarts docker.service"),
            op(&Id::new("service", "cron"), "reload it").hurts("restarts docker.service"),
            packages,
            guarded,
        ],
        refused: vec![(Id::new("group", "ops"), "this session gets its rights by it".to_owned())],
        later: vec![(Id::new("service", "nginx"), Id::new("package", "nginx"))],
        follows: vec![(Id::new("service", "pad"), "restarts pad.service, since file//etc/pad.conf changes".to_owned())],
    };
    plan::render(&host, &plan, &|_| destroys, 9, &Style { width: 96, ..Style::default() })
}

#[test]
fn a_plan_says_first_whom_it_hurts_then_what_differs_then_what_is_done() {
    insta::assert_snapshot!(render(true));
}

#[test]
fn what_would_be_destroyed_without_consent_is_said_to_be_left_alone() {
    let text = render(false);
    assert!(
        text.contains(
            "! would destroy the home /home/antoine, for good: left alone without --allow-destroy user/antoine"
        ),
        "{text}"
    );
}
