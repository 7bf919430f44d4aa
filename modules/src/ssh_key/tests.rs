use super::*;
use crate::captured::{Files, Host, mistakes, specs, story};
use serde_json::json;

const ALICE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWKUStty8yLnKX5GuNTmV76JVAqZoMJwUpaXB8eV5N5";
const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPaHehMi//trJIe6OpzbCYbTAzdxfQwgI/vOdlm8L9H";
const OLD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE8zpEHowRi5NMeWz2hSwQaxaPOchv+6BIcVD67raLBx";
const OLD_FINGERPRINT: &str = "SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI";
const FILE: &str = "/home/alice/.ssh/authorized_keys";

/// What `authorized_keys.sh` prints about alice, with the states of home, file and .ssh.
fn answer(home: &str, file: &str, ssh: &str, content: &str) -> String {
    format!("1001\n1001\n/home/alice\n{FILE}\n{FILE}\n{home} /home/alice/.\n{file} {FILE}\n{ssh} /home/alice/.ssh\n41ed 0 0\n\n{content}")
}

fn host(content: &str) -> Host {
    saying(answer("41ed 1001 1001", "8180 1001 1001", "41c0 1001 1001", &format!("{content}=")))
}

fn saying(answer: String) -> Host {
    Host::default().says(&AUTHORIZED_KEYS, &["alice", ".ssh/authorized_keys"], answer)
}

fn tell(fields: serde_json::Value, host: &Host) -> String {
    let mut all = specs(&SshKey, json!({"alice": fields}), &Files(BTreeMap::new())).unwrap();
    let told = story(&SshKey, "alice", &all.remove("alice").unwrap(), host).unwrap().join("\n");
    // Keys are long.
    told.replace(ALICE, "ALICE").replace(BOB, "BOB").replace(OLD, "OLD")
}

#[test]
fn the_keys_that_are_listed_are_all_there_is() {
    let fields = || json!({"keys": [format!("{ALICE} alice@desk")]});
    assert_eq!(tell(fields(), &host(&format!("# by hand\n\n{ALICE} another comment"))), "");
    insta::assert_snapshot!(tell(fields(), &host(&format!("# by hand\n{ALICE} x\n{OLD} old-laptop\nnonsense\n"))), @"");
    insta::assert_snapshot!(tell(fields(), &host("")), @"");
}

#[test]
fn others_may_be_there_where_the_policy_says_so() {
    let fields = json!({"keys": [ALICE], "exclusive": false});
    insta::assert_snapshot!(tell(fields, &host(&format!("{OLD} old\nnonsense"))), @"");
}

#[test]
fn keys_that_must_not_be_there_go_and_no_others() {
    let fields = || json!({"absent_keys": [OLD_FINGERPRINT]});
    assert_eq!(tell(fields(), &host(&format!("{ALICE}\n"))), "");
    insta::assert_snapshot!(tell(fields(), &host(&format!("{ALICE}\n{OLD}\n"))), @"");
}

#[test]
fn a_key_with_other_options_is_replaced() {
    let fields = json!({"keys": [format!("restrict {ALICE}")], "exclusive": false});
    insta::assert_snapshot!(tell(fields, &host(&format!("from=\"192.0.2.1\" {ALICE} a\n{BOB} b\n"))), @"");
}

#[test]
fn an_account_without_a_file_gets_one() {
    let nothing = "1001\n1001\n/home/alice\n/home/alice/.ssh/authorized_keys\n/home/alice/.ssh/authorized_keys\n41ed 1001 1001 /home/alice/.\n41ed 0 0\n\n-";
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &saying(nothing.into())), @"");
    assert_eq!(tell(json!({"keys": []}), &saying(nothing.into())), "");
}

#[test]
fn what_sshd_would_not_trust_is_put_right_from_the_home_down() {
    let open = saying(answer("41fd 1001 1001", "81b6 1001 1001", "41ff 1002 1002", &format!("{ALICE}\n=")));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &open), @"");
}

#[test]
fn directories_above_the_home_are_not_changed() {
    let file = "/srv/keys/alice";
    let answer = format!("1001\n1001\n/home/alice\n{file}\n{file}\n41ed 1001 1001 /home/alice/.\n8180 1001 1001 {file}\n41ed 0 0 /srv/keys\n41ff 0 0 /srv\n41ed 0 0\n\n=");
    let host = Host::default().says(&AUTHORIZED_KEYS, &["alice", file], answer);
    insta::assert_snapshot!(tell(json!({"keys": [ALICE], "path": "/srv/keys/%u"}), &host), @"");
}

#[test]
fn a_file_that_the_account_cannot_read_is_drift_and_shows_nothing() {
    let unreadable = saying(answer("41ed 1001 1001", "8180 0 0", "41c0 1001 1001", "~"));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &unreadable), @"");
}

#[test]
fn a_pipe_is_replaced_and_a_directory_is_not() {
    let fields = || json!({"keys": [ALICE]});
    let pipe = answer("41ed 1001 1001", "1180 1001 1001", "41c0 1001 1001", "it is not a regular file!");
    insta::assert_snapshot!(tell(fields(), &saying(pipe)), @"");
    let directory = answer("41ed 1001 1001", "41c0 1001 1001", "41c0 1001 1001", "it is not a regular file!");
    insta::assert_snapshot!(tell(fields(), &saying(directory)), @"");
}

#[test]
fn in_a_proxmox_cluster_keys_are_added_but_only_taken_out_by_name() {
    let real = "/etc/pve/priv/authorized_keys";
    let answer = |content: &str| {
        format!("0\n0\n/root\n/root/.ssh/authorized_keys\n{real}\n41c0 0 0 /root/.\n8180 0 33 {real}\n41c0 0 33 /etc/pve/priv\n41ed 0 33 /etc/pve\n41ed 0 0 /etc\n41ed 0 0\n\n{content}=")
    };
    let host = |content: &str| saying(answer(content));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &host(&format!("{OLD} other-node\n"))), @"");
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &host(&format!("{ALICE}\n{OLD} other-node\n"))), @"");
    insta::assert_snapshot!(tell(json!({"absent_keys": [OLD]}), &host(&format!("{ALICE}\n{OLD} other-node\n"))), @"");
}

#[test]
fn what_is_not_there_yet_is_said_to_be_not_there_yet() {
    let mut all = specs(&SshKey, json!({"alice": {"keys": [ALICE]}}), &Files(BTreeMap::new())).unwrap();
    let spec = all.remove("alice").unwrap();
    let observe = |answer: &str| SshKey.observe("alice", &spec, &saying(answer.into()).0).unwrap_err();
    let Pending::Blind(Blind::NotYet(why)) = observe("\n\n\n\n\n41ed 0 0 //.\n41ed 0 0\n\n-") else { panic!() };
    assert_eq!(why, "there is no account alice in /etc/passwd");
    let missing = "1001\n1001\n/home/alice\n/home/alice/.ssh/authorized_keys\n/home/alice/.ssh/authorized_keys\n41ed 0 0\n\n-";
    let Pending::Blind(Blind::NotYet(why)) = observe(missing) else { panic!() };
    assert_eq!(why, "/home/alice, the home of alice, is not there");
    let denied = answer("41ed 1001 1001", "8180 1001 1001", "41c0 1001 1001", "only root, or this account, may look at its keys!");
    assert!(matches!(observe(&denied), Pending::Blind(Blind::Denied(_))));
    let large = answer("41ed 1001 1001", "8180 1001 1001", "41c0 1001 1001", &format!("{}=", "x".repeat(300 << 10)));
    assert!(matches!(observe(&large), Pending::Blind(Blind::TooLarge(_))));
    assert!(matches!(observe("1001\n1001\n"), Pending::Blind(Blind::Garbled(_))));
}

#[test]
fn keys_of_others_come_with_them() {
    let fields = json!({
        "alice": {"keys": [ALICE]}, "bob": {"keys": [BOB], "keys_of": ["alice"]}, "root": {"keys_of": ["alice", "bob"]},
    });
    let all = specs(&SshKey, fields, &Files(BTreeMap::new())).unwrap();
    let wanted = |name: &str| all[name].wanted.iter().map(PublicKey::to_string).collect::<Vec<_>>();
    assert_eq!((wanted("alice"), wanted("bob"), wanted("root")), (vec![ALICE.into()], vec![BOB.into(), ALICE.into()], vec![ALICE.into(), BOB.into()]));
}

#[test]
fn a_path_is_below_the_home_or_absolute() {
    let file = |path: &str| Spec { path: Some(path.into()), ..Spec::default() }.file("alice");
    assert_eq!(file("%h/.ssh/keys"), ".ssh/keys");
    assert_eq!(file("/etc/ssh/keys/%u"), "/etc/ssh/keys/alice");
    assert_eq!(file("/etc/100%%u"), "/etc/100%u");
    let spec = Spec { path: Some("/etc/ssh/keys/%u".into()), ..Spec::default() };
    let needs = SshKey.links("alice", &spec, 0).needs;
    assert_eq!(needs, [Anchor::User("alice".into()), Anchor::Path("/etc/ssh/keys".into())]);
}

#[test]
fn mistakes_are_found_offline() {
    let told = [
        mistakes(&SshKey, "alice", json!({})),
        mistakes(&SshKey, "-alice", json!({"keys": []})),
        mistakes(&SshKey, "alice", json!({"keys": ["hello"]})),
        mistakes(&SshKey, "alice", json!({"keys": [OLD], "absent_keys": [OLD_FINGERPRINT]})),
        mistakes(&SshKey, "alice", json!({"keys": [OLD, format!("restrict {OLD}")]})),
        mistakes(&SshKey, "alice", json!({"keys_of": ["nobody"]})),
        mistakes(&SshKey, "alice", json!({"keys": [], "path": "/etc/%k"})),
        mistakes(&SshKey, "alice", json!({"keys": [], "path": "../x"})),
    ];
    insta::assert_snapshot!(told.concat().join("\n"), @"");
}
