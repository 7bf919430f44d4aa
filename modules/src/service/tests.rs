use super::*;
use crate::host::Host;

const CAPTURE: &str = include_str!("../../tests/captures/units-debian12.txt");

/// One unit of the capture.
fn unit(id: &str) -> &'static str {
    CAPTURE.split("\n\n").find(|part| part.contains(&format!("Id={id}\n"))).unwrap()
}

/// cron has been active since 17:00:12 on 2026-11-20.
fn host(id: &str) -> Host {
    Host::default().answers("units", unit(id)).answers("file", "81a4 0 0 9 1795194000.000000000 /etc/crontab\n.\n")
}

fn spec(json: &str) -> Spec {
    serde_json::from_str(json).unwrap()
}

fn changes(id: &str, wanted: &str) -> Vec<String> {
    host(id).changes(&Service, id, &spec(wanted))
}

#[test]
fn units_are_told_apart_in_systemds_words() {
    assert_eq!(changes("cron.service", r#"{"running": true, "enabled": true, "masked": false}"#), [""; 0]);
    assert_eq!(
        changes("cron.service", r#"{"running": false, "enabled": false}"#),
        ["enabled: enabled → disabled", "running: active → inactive"]
    );
    assert_eq!(changes("ssh.service", r#"{"running": true}"#), ["running: failed (exit-code) → active"]);
    assert_eq!(changes("ssh.service", r#"{"running": false}"#), [""; 0]);
    assert_eq!(changes("systemd-journald.service", r#"{"enabled": true}"#), [""; 0]);
    assert_eq!(changes("systemd-journald.service", r#"{"enabled": false}"#), ["enabled: static → disabled"]);
}

#[test]
fn a_masked_unit_is_masked() {
    let timer = "systemd-tmpfiles-clean.timer";
    assert_eq!(changes(timer, r#"{"masked": true}"#), [""; 0]);
    assert_eq!(changes(timer, r#"{"masked": false}"#), ["masked: masked → not masked"]);
    assert_eq!(
        changes(timer, r#"{"running": true, "enabled": true}"#),
        ["enabled: masked → enabled", "running: inactive (masked) → active"]
    );
    assert_eq!(changes("cron.service", r#"{"masked": true}"#), ["masked: enabled → masked"]);
}

#[test]
fn a_unit_that_is_not_installed_is_drift_where_it_must_run() {
    assert_eq!(
        changes("nosuch.service", r#"{"running": true, "enabled": true}"#),
        ["enabled: not installed → enabled", "running: not installed → active"]
    );
    assert_eq!(changes("nosuch.service", r#"{"running": false, "enabled": false, "masked": false}"#), [""; 0]);
    assert_eq!(changes("nosuch.service", r#"{"masked": true}"#), ["masked: not installed → masked"]);
}

#[test]
fn a_unit_that_systemd_starts_again_and_again_has_failed() {
    assert_eq!(changes("crash.service", r#"{"running": true}"#), ["running: failed (exit-code) → active"]);
    assert_eq!(changes("crash.service", r#"{"running": false}"#), ["running: activating → inactive"]);
}

#[test]
fn a_unit_that_is_starting_or_stopping_is_waited_for() {
    for (active, sub, wanted) in [
        ("activating", "start", true),
        ("deactivating", "stop-sigterm", true),
        ("reloading", "reload", true),
        ("deactivating", "stop", false),
    ] {
        let text = format!(
            "Id=x.service\nLoadState=loaded\nActiveState={active}\nSubState={sub}\nResult=success\nUnitFileState=disabled\n"
        );
        let seen = Host::default().answers("units", &text).observe(
            &Service,
            "x",
            &Spec { running: Some(wanted), ..Spec::default() },
        );
        assert_eq!(seen, Err(Pending::Settling { what: format!("is {active} ({sub})"), limit: SETTLING }), "{active}");
    }
}

#[test]
fn a_unit_file_that_changed_is_read_again() {
    assert_eq!(
        changes("stale.service", r#"{"running": true}"#),
        ["daemon_reload: the unit file has changed since systemd read it → read again"]
    );
    insta::assert_snapshot!(host("stale.service").plan(&Service, "stale", &spec(r#"{"running": true}"#)), @"systemctl daemon-reload []: let systemd read its unit files again");
}

#[test]
fn running_since_before_a_file_changed_is_drift() {
    let wanted = spec(r#"{"restart_on": ["file//etc/crontab"]}"#);
    assert_eq!(host("cron.service").changes(&Service, "cron", &wanted), [""; 0]);
    let at = |time: &str| host("cron.service").answers("file", &format!("81a4 0 0 9 {time} /etc/crontab\n.\n"));
    let drift = ["restart_on: older than file//etc/crontab (started 2026-11-20 17:00:12 UTC) → started after that"];
    assert_eq!(at("1795194012.069391000").changes(&Service, "cron", &wanted), drift);
    assert_eq!(at("1795194012.069390000").changes(&Service, "cron", &wanted), [""; 0]);
    let package = spec(r#"{"restart_on": ["package/cron"]}"#);
    let newer = host("cron.service").answers("changed", "1795194013.0000000 /var/lib/dpkg/info/cron.list\n");
    assert_eq!(newer.changes(&Service, "cron", &package).len(), 1);
    insta::assert_snapshot!(newer.plan(&Service, "cron", &package), @r#"systemctl restart ["cron.service"]: restart cron.service (restarts cron.service)"#);
    let stopped = spec(r#"{"running": false, "restart_on": ["package/cron"]}"#);
    assert_eq!(newer.changes(&Service, "cron", &stopped), ["running: active → inactive"]);
}

#[test]
fn a_file_that_may_not_be_looked_at_is_no_old_file() {
    let denied = host("cron.service").ends("file", 1, "stat: cannot statx '/root/x': Permission denied\n.\n", "");
    insta::assert_snapshot!(denied.blind(&Service, "cron", &spec(r#"{"restart_on": ["file//root/x"]}"#)), @"not allowed to look: stat: cannot statx '/root/x': Permission denied");
}

#[test]
fn a_host_without_systemd_is_unknown() {
    let none = Host::default().ends("units", 69, "", "");
    insta::assert_snapshot!(none.blind(&Service, "cron", &spec(r#"{"running": true}"#)), @"no systemd here: services are managed with systemd only");
}

#[test]
fn operations_come_in_an_order_that_works() {
    let plan = |id: &str, wanted: &str| host(id).plan(&Service, id, &spec(wanted));
    insta::assert_snapshot!(plan("cron.service", r#"{"running": false, "enabled": false, "masked": true}"#), @r#"
    systemctl disable ["cron.service"]: disable cron.service
    systemctl stop ["cron.service"]: stop cron.service (stops cron.service)
    systemctl mask ["cron.service"]: mask cron.service
    "#);
    insta::assert_snapshot!(plan("systemd-tmpfiles-clean.timer", r#"{"running": true, "enabled": true, "masked": false}"#), @r#"
    systemctl unmask ["systemd-tmpfiles-clean.timer"]: unmask systemd-tmpfiles-clean.timer
    systemctl enable ["systemd-tmpfiles-clean.timer"]: enable systemd-tmpfiles-clean.timer
    systemctl start ["systemd-tmpfiles-clean.timer"]: start systemd-tmpfiles-clean.timer
    "#);
    insta::assert_snapshot!(plan("ssh.service", r#"{"running": true, "restart_on": ["file//etc/crontab"]}"#), @r#"systemctl start ["ssh.service"]: start ssh.service"#);
}

#[test]
fn what_no_command_can_put_right_is_refused() {
    let plan = |id: &str, wanted: &str| host(id).plan(&Service, id, &spec(wanted));
    insta::assert_snapshot!(plan("nosuch.service", r#"{"running": true}"#), @"refused: there is no unit nosuch.service on this host: declare the package that brings it, or check the name");
    insta::assert_snapshot!(plan("systemd-tmpfiles-clean.timer", r#"{"running": true}"#), @"refused: systemd-tmpfiles-clean.timer is masked: write `masked: false` if it is to run");
    insta::assert_snapshot!(plan("crash.service", r#"{"running": false, "enabled": true}"#), @"refused: crash.service is static: it has no [Install] section, so only another unit can start it");
    insta::assert_snapshot!(plan("systemd-journald.service", r#"{"enabled": false}"#), @"refused: systemd-journald.service is static: another unit starts it; `masked: true` prevents that");
}

#[test]
fn names_without_a_suffix_are_services() {
    for (name, unit) in [
        ("ssh", "ssh.service"),
        ("apt-daily.timer", "apt-daily.timer"),
        ("foo.bar", "foo.bar.service"),
        ("srv-data.mount", "srv-data.mount"),
    ] {
        assert_eq!(unit_name(name), unit);
    }
}

#[test]
fn a_unit_has_one_name() {
    for (written, name) in [
        ("cron", "cron"),
        ("cron.service", "cron"),
        ("getty@.service", "getty@"),
        ("apt-daily.timer", "apt-daily.timer"),
        ("apt-daily.timer.service", "apt-daily.timer.service"),
        (".service", ".service"),
    ] {
        assert_eq!(Service.spelling(written), name);
    }
}

#[test]
fn mistakes_are_found_offline() {
    let wrong = |name: &str, wanted: &str| !Service.problems(name, &spec(wanted)).is_empty();
    for name in ["cron", "getty@tty1", "dev-disk-by\\x2duuid.device", "dbus-org.freedesktop.login1"] {
        assert!(!wrong(name, r#"{"running": true}"#), "{name}");
    }
    for name in ["", "-H", "getty@", "getty@.service", ".service", "@x", "a b", "a/b", "a;b", "é", "a\n"] {
        assert!(wrong(name, r#"{"enabled": true}"#), "{name:?}");
    }
    for wanted in [
        "{}",
        r#"{"masked": true, "running": true}"#,
        r#"{"restart_on": ["cron"]}"#,
        r#"{"restart_on": ["file/etc/x"]}"#,
        r#"{"restart_on": ["user/x"]}"#,
    ] {
        assert!(wrong("cron", wanted), "{wanted}");
    }
}
