//! Units of systemd.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told};
use fleet::{Host, Image};

/// Writes units that sleep: `unit NAME [LINE…]`, each line for the section [Service].
macro_rules! units {
    () => {
        r#"
        unit() {
            name=$1
            shift
            printf '%s\n' '[Unit]' "Description=$name" '[Service]' 'ExecStart=/bin/sleep infinity' "$@" \
                '[Install]' 'WantedBy=multi-user.target' >"/etc/systemd/system/$name.service"
        }
        "#
    };
}

pub const SERVICE: Case = Case {
    kind: "service",
    policy: r#"
        packages: [cron]
        files:
          /etc/configured.conf: {content: "new\n"}
          /etc/untouched.conf: {content: "same\n"}
        services:
          stopped: {running: true, enabled: true}
          started: {running: false, enabled: false}
          only-enabled: {enabled: true}
          masked: {running: true, enabled: true, masked: false}
          to-mask: {running: false, masked: true}
          mask-for-now: {masked: true}
          failed: {running: true}
          edited: {running: true}
          configured: {running: true, restart_on: [file//etc/configured.conf]}
          untouched: {running: true, restart_on: [file//etc/untouched.conf]}
          not-running: {restart_on: [file//etc/configured.conf]}
          cron: {running: true, restart_on: [package/cron]}
          listening.socket: {running: true, enabled: true}
          weekly.timer: {running: true, enabled: true}
          instance@one: {running: true, enabled: true}
          no-such-unit: {running: false, enabled: false}
          systemd-journald: {running: true, enabled: true}
    "#,
    files: &[],
    broken: concat!(
        units!(),
        r#"
        for name in stopped started only-enabled masked to-mask mask-for-now edited configured untouched not-running \
            listening weekly instance@; do
            unit $name
        done
        unit failed 'ExecStartPre=/bin/sh -c "test ! -e /run/broken"'
        printf '[Socket]\nListenStream=127.0.0.1:7777\n[Install]\nWantedBy=sockets.target\n' \
            >/etc/systemd/system/listening.socket
        printf '[Timer]\nOnCalendar=weekly\n[Install]\nWantedBy=timers.target\n' >/etc/systemd/system/weekly.timer
        echo new >/etc/configured.conf
        echo same >/etc/untouched.conf
        # Where packages put them: what an administrator wrote to /etc cannot be masked.
        for name in masked to-mask mask-for-now; do
            mv /etc/systemd/system/$name.service /usr/lib/systemd/system/
        done
        systemctl daemon-reload
        systemctl enable -q --now started to-mask mask-for-now
        systemctl start edited configured untouched
        systemctl mask -q masked
        systemctl mask -q --runtime mask-for-now
        touch /run/broken
        systemctl start failed || :
        rm /run/broken
        sleep 1.1
        touch /etc/configured.conf
        unit edited 'Environment=NEW=1'
        touch /var/lib/dpkg/info/cron.list
    "#
    ),
    destroys: &[],
    found: &[
        ("service/stopped", &["enabled: disabled → enabled", "running: inactive → active"]),
        ("service/started", &["enabled: enabled → disabled", "running: active → inactive"]),
        ("service/only-enabled", &["enabled: disabled → enabled"]),
        (
            "service/masked",
            &["masked: masked → not masked", "enabled: masked → enabled", "running: inactive (masked) → active"],
        ),
        ("service/to-mask", &["masked: enabled → masked", "running: active → inactive"]),
        ("service/mask-for-now", &["masked: masked-runtime → masked"]),
        ("service/failed", &["running: failed (exit-code) → active"]),
        ("service/edited", &["daemon_reload: the unit file has changed since systemd read it → read again"]),
        (
            "service/configured",
            &["restart_on: older than file//etc/configured.conf (started … UTC) → started after that"],
        ),
        ("service/cron", &["restart_on: older than package/cron (started … UTC) → started after that"]),
        ("service/listening.socket", &["enabled: disabled → enabled", "running: inactive → active"]),
        ("service/weekly.timer", &["enabled: disabled → enabled", "running: inactive → active"]),
        ("service/instance@one", &["enabled: disabled → enabled", "running: inactive → active"]),
    ],
    proof: r#"
        for name in stopped masked failed edited configured untouched cron listening.socket weekly.timer instance@one; do
            systemctl is-active -q $name
        done
        for name in stopped only-enabled masked listening.socket weekly.timer instance@one; do
            systemctl is-enabled -q $name
        done
        ! systemctl is-active -q started
        ! systemctl is-enabled -q started
        ! systemctl is-active -q listening
        ! systemctl is-active -q not-running
        test "$(systemctl show -p LoadState --value to-mask)" = masked
        ! systemctl is-active -q to-mask
        test "$(systemctl show -p NeedDaemonReload --value edited)" = no
        systemctl show -p Environment --value edited
    "#,
};

/// A new host with units that sleep.
fn host_with(image: Image, units: &str) -> Host {
    let host = Host::start(image);
    host.sh_ok(&format!("set -eu\n{}\n{units}\nsystemctl daemon-reload", units!()));
    host
}

#[test]
fn a_unit_that_cannot_run_is_failed_with_its_last_words() {
    for image in DEBIANS {
        let host = host_with(
            image,
            r#"
            unit refusing 'ExecStartPre=/bin/sh -c "echo port 80 is taken >&2; exit 3"'
            unit dying; sed -i 's/^ExecStart=.*/ExecStart=\/bin\/sh -c "echo no configuration >\&2; exit 4"/' \
                /etc/systemd/system/dying.service
            unit fine
            "#,
        );
        let repo = Repo::new().host(&host).policy(
            "services: {refusing: {running: true}, dying: {running: true}, fine: {running: true}, absent: {running: true, enabled: true}}",
        );
        assert_eq!(
            told(repo.audit().resource("service/absent")),
            ["enabled: not installed → enabled", "running: not installed → active"]
        );
        let run = repo.enforce();
        run.assert_code(4);
        for (id, words) in [
            ("service/refusing", "port 80 is taken"),
            ("service/dying", "no configuration"),
            ("service/absent", "there is no unit absent.service on this host: declare the package that brings it"),
        ] {
            let why = told(run.resource(id)).join("");
            assert!(why.starts_with("failed: ") && why.contains(words), "{why}{}", run.shown());
        }
        assert_eq!(run.verdict("service/fine"), "changed", "{}", run.shown());
        let failed = told(repo.audit().resource("service/dying"));
        assert_eq!(failed, ["running: failed (exit-code) → active"]);
    }
}

#[test]
fn a_masked_unit_is_started_only_where_the_policy_unmasks_it() {
    let host = host_with(
        Image::Bookworm,
        "unit hidden; mv /etc/systemd/system/hidden.service /usr/lib/systemd/system/; systemctl mask -q hidden",
    );
    let repo = Repo::new().host(&host).policy("services: {hidden: {running: true}}");
    assert_eq!(told(repo.audit().resource("service/hidden")), ["running: inactive (masked) → active"]);
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("service/hidden"));
    assert_eq!(why, ["failed: hidden.service is masked: write `masked: false` if it is to run"]);
}

#[test]
fn a_unit_that_takes_its_time_is_waited_for() {
    for image in DEBIANS {
        let host = host_with(
            image,
            r#"
            unit slow 'ExecStartPre=/bin/sleep 2'
            unit again 'Restart=always' 'RestartSec=1' 'ExecStartPre=/bin/sh -c "test -e /run/second || { touch /run/second; exit 1; }"'
            systemctl daemon-reload
            systemctl start --no-block slow again
            "#,
        );
        let repo = Repo::new().host(&host).policy("services: {slow: {running: true}, again: {running: true}}");
        let run = repo.audit();
        run.assert_code(2);
        let told = told(run.resource("service/slow"));
        assert_eq!(told, ["state: is activating (start-pre) → settled"], "{}", run.shown());
        repo.enforce().assert_code(0);
        host.sh_ok("systemctl is-active slow again");
    }
}

#[test]
fn a_unit_that_is_not_ready_in_its_time_fails_and_says_so() {
    let host = host_with(
        Image::Trixie,
        r#"
        unit slow 'Type=notify' 'TimeoutStartSec=2'
        systemctl daemon-reload
        "#,
    );
    let run = Repo::new().host(&host).policy("services: {slow: {running: true}}").enforce();
    run.assert_code(4);
    let why = told(run.resource("service/slow")).join("");
    assert!(why.contains(": it did not start within the time that its unit gives it"), "{}", run.shown());
}

#[test]
fn a_unit_that_a_policy_brings_itself_is_enabled_and_started_in_one_run() {
    for image in DEBIANS {
        let host = Host::start(image);
        let repo = Repo::new().host(&host).policy(
            r#"
            files:
              /etc/systemd/system/ours.service:
                content: |
                  [Service]
                  ExecStart=/bin/sleep infinity
                  [Install]
                  WantedBy=multi-user.target
            services:
              ours: {running: true, enabled: true}
            "#,
        );
        let run = repo.audit();
        run.assert_code(2);
        repo.enforce().assert_code(0).assert_all("changed");
        host.sh_ok("systemctl is-active ours; systemctl is-enabled ours");
        repo.enforce().assert_code(0).assert_all("kept");
    }
}

#[test]
fn a_static_unit_is_as_enabled_as_what_wants_it() {
    let host = host_with(Image::Trixie, "unit lonely; sed -i '/Install/,$d' /etc/systemd/system/lonely.service");
    let repo = Repo::new().host(&host).policy("services: {lonely: {enabled: true}, systemd-journald: {enabled: true}}");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("service/lonely"));
    assert_eq!(
        why,
        ["failed: lonely.service is static: it has no [Install] section, so only another unit can start it"]
    );
    assert_eq!(run.verdict("service/systemd-journald"), "kept");
}

#[test]
fn a_unit_that_an_administrator_wrote_cannot_be_masked_and_it_is_said_why() {
    let host = host_with(Image::Trixie, "unit local");
    let repo = Repo::new().host(&host).policy("services: {local: {masked: true}}");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("service/local")).join("");
    assert!(
        why.starts_with("failed: could not mask local.service: ") && why.contains("/etc/systemd/system/local.service"),
        "{why}"
    );
}

#[test]
fn a_service_is_restarted_in_the_run_that_changes_its_configuration_and_only_then() {
    for image in DEBIANS {
        let host = host_with(
            image,
            "unit pad; systemctl daemon-reload; systemctl start pad; echo old >/etc/pad.conf; chmod 600 /etc/pad.conf; sleep 0.1; systemctl restart pad",
        );
        let pid = || host.sh_ok("systemctl show -p MainPID --value pad");
        let first = pid();
        let repo = Repo::new().host(&host).policy(
            r#"
            files: {/etc/pad.conf: {content: "new\n"}}
            services: {pad: {running: true, restart_on: [file//etc/pad.conf]}}
            "#,
        );
        let run = repo.enforce();
        run.assert_code(0).assert_all("changed");
        assert!(run.errors.contains("restarts pad.service"), "the plan says whom it hurts{}", run.shown());
        let second = pid();
        assert_ne!(first, second);
        repo.enforce().assert_code(0).assert_all("kept");
        assert_eq!(pid(), second);
    }
}
