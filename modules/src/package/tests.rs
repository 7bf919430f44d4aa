use super::*;
use crate::host::{Host, lines};

const POLICY: &str = "comply-demo:\n  Installed: 1.0\n  Candidate: 2.0\n  Version table:\n     2.0 500\n        500 file:/srv/repo ./ Packages\n\
    \x20    1.1 500\n        500 file:/srv/repo ./ Packages\n *** 1.0 500\n        500 file:/srv/repo ./ Packages\n\
    sl:\n  Installed: (none)\n  Candidate: 5.02-1\n  Version table:\n     5.02-1 500\n        500 file:/srv/repo ./ Packages\n";

/// comply-demo 1.0 held, curl, nginx removed but not purged, libc6 of two architectures, one of them half done.
fn host() -> Host {
    Host::default()
        .ends(
            "packages",
            1,
            "comply-demo\tall\thold\tinstalled\t1.0\ncurl\tamd64\tinstall\tinstalled\t7.88.1-10\n\
             libc6\tamd64\tinstall\tinstalled\t2.36-9\nlibc6\ti386\tinstall\tinstalled\t2.36-9\n\
             nginx\tall\tdeinstall\tconfig-files\t1.22.1-9\nbroken\tall\tinstall\thalf-configured\t1\n",
            "dpkg-query: no packages found matching sl\n",
        )
        .answers("apt policy", POLICY)
        .answers("apt lists", "1000000\nnow\n1003600\n")
}

fn spec(json: &str) -> Spec {
    serde_json::from_str(json).unwrap()
}

fn changes(name: &str, wanted: &str) -> Vec<String> {
    host().changes(&Package, name, &spec(wanted))
}

#[test]
fn a_package_is_there_or_not() {
    assert_eq!(changes("curl", "{}"), [""; 0]);
    assert_eq!(changes("sl", "{}"), ["state: absent → present"]);
    assert_eq!(changes("sl", r#"{"state": "latest"}"#), ["state: absent → present"]);
    assert_eq!(changes("curl", r#"{"state": "absent"}"#), ["state: present → absent"]);
    assert_eq!(changes("broken", "{}"), ["state: half-configured → present"]);
    assert_eq!(changes("nginx", r#"{"state": "absent"}"#), [""; 0]);
    assert_eq!(
        changes("nginx", r#"{"state": "absent", "purge": true}"#),
        ["purge: its configuration is left → nothing is left"]
    );
    assert_eq!(changes("nginx", "{}"), ["state: absent → present"]);
}

#[test]
fn versions_and_holds_are_compared() {
    assert_eq!(changes("comply-demo", r#"{"version": ">= 1.0~rc1", "hold": true}"#), [""; 0]);
    assert_eq!(
        changes("comply-demo", r#"{"version": "1.1", "hold": false}"#),
        ["version: 1.0 → 1.1", "hold: true → false"]
    );
    assert_eq!(changes("comply-demo", r#"{"state": "latest"}"#), ["version: 1.0 → 2.0, the latest"]);
    assert_eq!(changes("curl", r#"{"version": "7.*", "hold": true}"#), ["hold: false → true"]);
}

#[test]
fn with_old_lists_the_latest_version_is_unknown() {
    let old = host().answers("apt lists", "1000000\nnow\n1259200\n");
    insta::assert_snapshot!(old.blind(&Package, "comply-demo", &spec(r#"{"state": "latest"}"#)), @"apt's lists are 3 days old, so the latest version is not known; run apt-get update");
    let none = host().answers("apt lists", "");
    insta::assert_snapshot!(none.blind(&Package, "comply-demo", &spec(r#"{"state": "latest"}"#)), @"apt's lists are missing, so the latest version is not known; run apt-get update");
}

#[test]
fn a_host_without_dpkg_is_unknown() {
    let other = Host::default().ends("packages", 127, "", "");
    insta::assert_snapshot!(other.blind(&Package, "curl", &spec("{}")), @"no dpkg here: packages are managed on Debian and its relatives");
}

#[test]
fn all_packages_are_one_transaction() {
    let (sl, curl, libc, nginx) = (
        spec("{}"),
        spec(r#"{"state": "absent"}"#),
        spec(r#"{"state": "absent"}"#),
        spec(r#"{"state": "absent", "purge": true}"#),
    );
    let host = host().answers(
        "apt simulation",
        "Remv curl [7.88.1-10]\nRemv libc6:i386 [2.36-9]\nInst libncurses6 (6.4-4 localhost [amd64])\nInst sl (5.02-1 localhost [amd64])\n\
         Inst jq [1.6] (1.7 localhost [amd64])\nRemv libc6 [2.36-9]\n",
    );
    let wanted = [("sl", &sl), ("curl", &curl), ("libc6", &libc), ("nginx", &nginx)];
    insta::assert_snapshot!(lines(&host.planned(&Package, &wanted, 0)), @r#"
    apt transaction ["no", " -curl -libc6 -nginx ", "", "", "sl", "curl-", "libc6:amd64-", "libc6:i386-"]: install libncurses6, sl; upgrade jq; remove curl, libc6:i386, libc6 (removes the package curl) (removes the package libc6:i386) (upgrades the package jq from 1.6 to 1.7) (removes the package libc6)
    dpkg purge ["nginx"]: purge nginx
    "#);
}

#[test]
fn what_nobody_declared_is_neither_removed_nor_downgraded() {
    let host = host().answers(
        "apt simulation",
        "Remv curl [7.88.1-10]\nInst jq [1.6] (1.5 localhost [amd64])\nInst sl (5.02-1 localhost [amd64])\n",
    );
    let plan = host.planned(&Package, &[("sl", &spec("{}")), ("curl", &spec("{}"))], 0);
    insta::assert_snapshot!(lines(&plan), @"refused: apt would also remove curl, downgrade jq to 1.5, which no policy declares; nothing was done");
    let declared = host.planned(
        &Package,
        &[("sl", &spec("{}")), ("curl", &spec(r#"{"state": "absent"}"#)), ("jq", &spec(r#"{"version": "1.5"}"#))],
        0,
    );
    assert!(lines(&declared).contains("downgrades the package jq from 1.6 to 1.5"), "{}", lines(&declared));
}

#[test]
fn a_declared_hold_gives_way_and_comes_back_and_another_one_does_not() {
    let host = host().answers("apt simulation", "Inst comply-demo [1.0] (1.1 localhost [all])\n");
    insta::assert_snapshot!(host.plan(&Package, "comply-demo", &spec(r#"{"version": "1.*1", "hold": true}"#)), @r#"
    apt transaction ["no", " <comply-demo ", "comply-demo", "--allow-downgrades", "comply-demo=1.1"]: upgrade comply-demo (upgrades the package comply-demo from 1.0 to 1.1)
    apt-mark hold ["comply-demo"]: hold comply-demo
    "#);
    insta::assert_snapshot!(host.plan(&Package, "comply-demo", &spec(r#"{"version": "1.1"}"#)), @"refused: it is held on the host: say `hold: false` to let it change, `hold: true` to hold it again after");
    insta::assert_snapshot!(host.plan(&Package, "comply-demo", &spec(r#"{"hold": false}"#)), @r#"apt-mark unhold ["comply-demo"]: release comply-demo"#);
}

#[test]
fn a_held_package_that_must_be_absent_goes() {
    let host = host().answers("apt simulation", "Remv comply-demo [1.0]\n");
    insta::assert_snapshot!(host.plan(&Package, "comply-demo", &spec(r#"{"state": "absent"}"#)), @r#"apt transaction ["no", " -comply-demo ", "comply-demo", "", "comply-demo-"]: remove comply-demo (removes the package comply-demo)"#);
}

#[test]
fn lists_are_refreshed_when_they_are_old_or_do_not_know_a_package() {
    let simulated = host().answers("apt simulation", "Inst sl (5.02-1 localhost [amd64])\n");
    let old = simulated.clone().answers("apt lists", "1000000\nnow\n1090000\n");
    insta::assert_snapshot!(old.plan(&Package, "sl", &spec("{}")), @r#"apt transaction ["try", " ", "", "", "sl"]: refresh apt's lists; install sl"#);
    insta::assert_snapshot!(simulated.plan(&Package, "unheard-of", &spec("{}")), @r#"apt transaction ["must", " ", "", "", "unheard-of"]: refresh apt's lists, then install unheard-of with what they need"#);
    insta::assert_snapshot!(simulated.plan(&Package, "sl", &spec(r#"{"version": ">= 6"}"#)), @r#"apt transaction ["must", " <sl ", "", "--allow-downgrades", "sl>=6"]: refresh apt's lists, then install sl>=6 with what they need"#);
}

#[test]
fn what_apt_cannot_do_is_refused_in_its_words() {
    let host =
        host().ends("apt simulation", 100, "", "E: Unable to correct problems, you have held broken packages.\n");
    insta::assert_snapshot!(host.plan(&Package, "sl", &spec("{}")), @"refused: apt cannot do this: Unable to correct problems, you have held broken packages.");
}

#[test]
fn purging_destroys() {
    let ops = host().ops(&Package, "nginx", &spec(r#"{"state": "absent", "purge": true}"#));
    assert_eq!(ops[0].destroys.as_deref(), Some("the configuration and data of nginx"));
}

#[test]
fn mistakes_are_found_offline() {
    let wrong = |name: &str, wanted: &str| !Package.problems(name, &spec(wanted)).is_empty();
    for name in ["curl", "g++", "libc6:i386", "python3.11", "0ad"] {
        assert!(!wrong(name, "{}"), "{name}");
    }
    for name in ["", "a", "-y", "curl-", "curl=1.0", "Curl", "a b", "c*", "foo:", "foo:i-", "$(id)", "curl\n", "é1"] {
        assert!(wrong(name, "{}"), "{name:?}");
    }
    assert!(
        wrong("curl", r#"{"state": "absent", "version": "1"}"#)
            && wrong("curl", r#"{"state": "absent", "hold": true}"#)
    );
    assert!(wrong("curl", r#"{"purge": true}"#) && wrong("curl", r#"{"state": "latest", "version": "1"}"#));
    assert!(Package.links("curl", &spec("{}"), 0).packages);
}
