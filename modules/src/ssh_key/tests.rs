use super::*;
use crate::captured::{Files, Host, mistakes, specs, story};
use serde_json::json;

const ALICE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFWKUStty8yLnKX5GuNTmV76JVAqZoMJwUpaXB8eV5N5";
const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPaHehMi//trJIe6OpzbCYbTAzdxfQwgI/vOdlm8L9H";
const OLD: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE8zpEHowRi5NMeWz2hSwQaxaPOchv+6BIcVD67raLBx";
const OLD_FINGERPRINT: &str = "SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI";
const ACCOUNTS_OF_HOST: &str = "/etc/passwd:alice:x:1001:1001::/home/alice:/bin/sh\n\
                                /etc/ssh/sshd_config:Include /etc/ssh/sshd_config.d/*.conf\n";
const FILE: &str = "/home/alice/.ssh/authorized_keys";

/// What `authorized_keys.sh` prints about alice, with the states of home, file and .ssh.
fn answer(home: &str, file: &str, ssh: &str, content: &str) -> String {
    format!(
        "1001\n1001\n/home/alice\n{FILE}\n{FILE}\n{home} /home/alice/.\n{file} {FILE}\n{ssh} /home/alice/.ssh\n41ed 0 0\n\n{content}"
    )
}

fn host(content: &str) -> Host {
    saying(answer("41ed 1001 1001", "8180 1001 1001", "41c0 1001 1001", &format!("{content}=")))
}

fn saying(answer: String) -> Host {
    let second = self::answer("41ed 1001 1001", "", "41c0 1001 1001", "-");
    with_second(answer, second)
}

fn with_second(answer: String, second: String) -> Host {
    Host::default()
        .says(&AUTHORIZED_KEYS, &["alice", ".ssh/authorized_keys"], answer)
        .says(&AUTHORIZED_KEYS, &["alice", ".ssh/authorized_keys2"], second.replace(FILE, &format!("{FILE}2")))
        .says(&ACCOUNTS, &[], ACCOUNTS_OF_HOST)
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
    insta::assert_snapshot!(tell(fields(), &host(&format!("# by hand\n{ALICE} x\n{OLD} old-laptop\nnonsense\n"))), @r#"
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI old-laptop
    keys: - a line that is no key: nonsense
    remove 2 keys: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <# by hand
    ALICE x
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI old-laptop no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    "#);
    insta::assert_snapshot!(tell(fields(), &host("")), @r#"
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y alice@desk
    add 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE alice@desk
    >
    "#);
}

#[test]
fn others_may_be_there_where_the_policy_says_so() {
    let fields = json!({"keys": [ALICE], "exclusive": false});
    insta::assert_snapshot!(tell(fields, &host(&format!("{OLD} old\nnonsense"))), @r#"
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    add 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <OLD old
    nonsense
    ALICE
    >
    "#);
}

#[test]
fn keys_that_must_not_be_there_go_and_no_others() {
    let fields = || json!({"absent_keys": [OLD_FINGERPRINT]});
    assert_eq!(tell(fields(), &host(&format!("{ALICE}\n"))), "");
    insta::assert_snapshot!(tell(fields(), &host(&format!("{ALICE}\n{OLD}\n"))), @r#"
    absent_keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI
    remove 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    "#);
}

#[test]
fn a_key_with_other_options_is_replaced() {
    let fields = json!({"keys": [format!("restrict {ALICE}")], "exclusive": false});
    insta::assert_snapshot!(tell(fields, &host(&format!("from=\"192.0.2.1\" {ALICE} a\n{BOB} b\n"))), @r#"
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y with restrict
    keys: - SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y a with from="192.0.2.1"
    add 1 key and remove 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <BOB b
    restrict ALICE
    >
    "#);
}

#[test]
fn what_opens_the_account_by_a_second_file_goes_too() {
    let of = |content: &str| with(content, FILE);
    let host = with_second(of(&format!("{ALICE}\n")), of(&format!("# old\n{OLD} old\n{ALICE}\n")));
    let one = tell(json!({"keys": [ALICE]}), &host);
    let host = with_second(of(&format!("{BOB}\n{OLD}\n")), of(&format!("{BOB}\n{OLD}\n")));
    let both = tell(json!({"keys": [ALICE]}), &host);
    assert_eq!(
        tell(
            json!({"keys": [ALICE], "exclusive": false, "path": ".ssh/authorized_keys"}),
            &with_second(of(ALICE), of(OLD))
        ),
        ""
    );
    let banned = tell(json!({"absent_keys": [OLD_FINGERPRINT]}), &host);
    insta::assert_snapshot!([one, both, banned].join("\n--\n"), @r#"
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI old, in /home/alice/.ssh/authorized_keys2
    remove 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys2", "0600"] <# old
    ALICE
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI old no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    --
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    keys: - SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI
    keys: - SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4, in /home/alice/.ssh/authorized_keys2
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI, in /home/alice/.ssh/authorized_keys2
    add 1 key and remove 2 keys: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE
    >
    hurts: SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4 no longer opens alice
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4", "SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    remove 2 keys: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys2", "0600"] <>
    hurts: SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4 no longer opens alice
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4", "SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    --
    absent_keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI
    absent_keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI, in /home/alice/.ssh/authorized_keys2
    remove 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <BOB
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4"]
    remove 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys2", "0600"] <BOB
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:85qB1MHwmFGJS2sg7Pq8ywYE0+ky5KRdub6VrvZ17s4"]
    "#);
}

/// A host on which sshd looks for keys there, and finds `content` in each file but the usual one, which has `usual`.
fn told(paths: &str, usual: &str, content: &str) -> Host {
    let accounts = format!("{ACCOUNTS_OF_HOST}/etc/ssh/sshd_config:\tauthorizedkeysfile {paths}\n");
    let host = with_second(with(usual, FILE), with(content, FILE)).says(&ACCOUNTS, &[], accounts);
    let host = host.says(&KEY_PATHS, &["alice"], format!("authorizedkeysfile {paths}\n"));
    ["/k/alice", "/k/all"]
        .into_iter()
        .fold(host, |host, path| host.says(&AUTHORIZED_KEYS, &["alice", path], with(content, path)))
}

/// A file with this content, as it should be.
fn with(content: &str, path: &str) -> String {
    answer("41ed 1001 1001", "8180 1001 1001", "41c0 1001 1001", &format!("{content}=")).replace(FILE, path)
}

#[test]
fn keys_where_sshd_does_not_look_open_nothing() {
    let fields = || json!({"keys": [ALICE]});
    let right = told("/k/%u .ssh/authorized_keys", ALICE, "");
    assert_eq!(tell(fields(), &right), "");
    let all = ["/k/%u", "none", "/k/%u .ssh/authorized_keys", "%h/.ssh/authorized_keys /k/all"]
        .map(|paths| tell(fields(), &told(paths, ALICE, OLD)));
    insta::assert_snapshot!(all.join("\n--\n"), @r#"
    path: sshd looks in /k/alice -> in /home/alice/.ssh/authorized_keys
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI, in /k/alice
    refused: sshd looks for keys of alice in /k/alice; set AuthorizedKeysFile under sshd, or name a file that it reads as `path`
    --
    path: sshd looks in no file -> in /home/alice/.ssh/authorized_keys
    refused: sshd looks for keys of alice in no file; set AuthorizedKeysFile under sshd, or name a file that it reads as `path`
    --
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI, in /k/alice
    remove 1 key: write authorized keys ["alice", "/k/alice", "0600"] <>
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    --
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI, in /k/all
    refused: /k/all opens every account, so no key is taken out of it for one; take SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI out yourself, or list it
    "#);
    // Another server than sshd may read it.
    let host = told("/k/%u", ALICE, OLD).says(&AUTHORIZED_KEYS, &["alice", "/srv/alice"], with(ALICE, "/srv/alice"));
    assert_eq!(tell(json!({"keys": [ALICE], "path": "/srv/%u"}), &host), "");
}

#[test]
fn an_account_without_a_file_gets_one() {
    let nothing = "1001\n1001\n/home/alice\n/home/alice/.ssh/authorized_keys\n/home/alice/.ssh/authorized_keys\n41ed 1001 1001 /home/alice/.\n41ed 0 0\n\n-";
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &saying(nothing.into())), @r#"
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    add 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE
    >
    "#);
    assert_eq!(tell(json!({"keys": []}), &saying(nothing.into())), "");
}

#[test]
fn what_sshd_would_not_trust_is_put_right_from_the_home_down() {
    let open = saying(answer("41fd 1001 1001", "81b6 1001 1001", "41ff 1002 1002", &format!("{ALICE}\n=")));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &open), @r#"
    path: /home/alice is 0775 of uid 1001, /home/alice/.ssh/authorized_keys is 0666 of uid 1001, /home/alice/.ssh is 0777 of uid 1002 -> owned by root or uid 1001 and writable by nobody else
    make /home/alice trusted by sshd: set owner and mode ["/home/alice", "0755", "", ""] <>
    make /home/alice/.ssh trusted by sshd: set owner and mode ["/home/alice/.ssh", "0755", "1001", ""] <>
    make /home/alice/.ssh/authorized_keys trusted by sshd: set owner and mode ["/home/alice/.ssh/authorized_keys", "0644", "", ""] <>
    "#);
}

#[test]
fn directories_above_the_home_are_not_changed() {
    let file = "/srv/keys/alice";
    let answer = format!(
        "1001\n1001\n/home/alice\n{file}\n{file}\n41ed 1001 1001 /home/alice/.\n8180 1001 1001 {file}\n41ed 0 0 /srv/keys\n41ff 0 0 /srv\n41ed 0 0\n\n="
    );
    let host = Host::default().says(&AUTHORIZED_KEYS, &["alice", file], answer).says(&ACCOUNTS, &[], ACCOUNTS_OF_HOST);
    insta::assert_snapshot!(tell(json!({"keys": [ALICE], "path": "/srv/keys/%u"}), &host), @"
    path: /srv is 0777 of uid 0 -> owned by root or uid 1001 and writable by nobody else
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    refused: others than root and alice can write to /srv, so sshd trusts nothing in it; declare it under directories
    ");
}

#[test]
fn a_file_that_the_account_cannot_read_is_drift_and_shows_nothing() {
    let unreadable = saying(answer("41ed 1001 1001", "8180 0 0", "41c0 1001 1001", "~"));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &unreadable), @r#"
    path: /home/alice/.ssh/authorized_keys cannot be read by alice -> readable
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    add 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE
    >
    "#);
}

#[test]
fn a_pipe_is_replaced_and_a_directory_is_not() {
    let fields = || json!({"keys": [ALICE]});
    let pipe = answer("41ed 1001 1001", "1180 1001 1001", "41c0 1001 1001", "it is not a regular file!");
    insta::assert_snapshot!(tell(fields(), &saying(pipe)), @r#"
    path: /home/alice/.ssh/authorized_keys is not a file -> a file
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    add 1 key: write authorized keys ["alice", "/home/alice/.ssh/authorized_keys", "0600"] <ALICE
    >
    "#);
    let directory = answer("41ed 1001 1001", "41c0 1001 1001", "41c0 1001 1001", "it is not a regular file!");
    insta::assert_snapshot!(tell(fields(), &saying(directory)), @"
    path: /home/alice/.ssh/authorized_keys is not a file -> a file
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    refused: /home/alice/.ssh/authorized_keys is a directory; move it away yourself
    ");
    let top = answer("41ed 1001 1001", "", "", "it is not a regular file!").replacen(
        &format!("{FILE}\n{FILE}"),
        &format!("{FILE}\n/"),
        1,
    );
    insta::assert_snapshot!(tell(fields(), &saying(top)), @"
    path: /home/alice/.ssh/authorized_keys is not a file -> a file
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    refused: /home/alice/.ssh/authorized_keys is a link to a directory; move it away yourself
    ");
}

#[test]
fn in_a_proxmox_cluster_keys_are_added_but_only_taken_out_by_name() {
    let real = "/etc/pve/priv/authorized_keys";
    let answer = |content: &str| {
        format!(
            "0\n0\n/root\n/root/.ssh/authorized_keys\n{real}\n41c0 0 0 /root/.\n8180 0 33 {real}\n41c0 0 33 /etc/pve/priv\n41ed 0 33 /etc/pve\n41ed 0 0 /etc\n41ed 0 0\n\n{content}="
        )
    };
    let host = |content: &str| saying(answer(content));
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &host(&format!("{OLD} other-node\n"))), @r#"
    keys: + SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI other-node
    add 1 key: write authorized keys ["alice", "/root/.ssh/authorized_keys", "0600"] <OLD other-node
    ALICE
    >
    "#);
    insta::assert_snapshot!(tell(json!({"keys": [ALICE]}), &host(&format!("{ALICE}\n{OLD} other-node\n"))), @"
    keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI other-node
    refused: /etc/pve/priv/authorized_keys belongs to the whole Proxmox cluster, so no key is taken out of it here; if SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI other-node must go, put it in `absent_keys`
    ");
    insta::assert_snapshot!(tell(json!({"absent_keys": [OLD]}), &host(&format!("{ALICE}\n{OLD} other-node\n"))), @r#"
    absent_keys: - SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI other-node
    remove 1 key: write authorized keys ["alice", "/root/.ssh/authorized_keys", "0600"] <ALICE
    >
    hurts: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI other-node no longer opens alice
    endangers alice: -["SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI"] +["SHA256:ToaFRCTfXDHZ5XQzPmNvD+lG522sPjOPyzE6wbnxh8Y"]
    "#);
}

#[test]
fn what_is_not_there_yet_is_said_to_be_not_there_yet() {
    let mut all = specs(&SshKey, json!({"alice": {"keys": [ALICE]}}), &Files(BTreeMap::new())).unwrap();
    let spec = all.remove("alice").unwrap();
    let observe = |answer: &str| SshKey.observe("alice", &spec, &saying(answer.into()).0).unwrap_err();
    let Pending::Blind(Blind::NotYet(why)) = observe("\n\n\n\n\n41ed 0 0 //.\n41ed 0 0\n\n-") else { panic!() };
    assert_eq!(why, "there is no account alice in /etc/passwd");
    let missing =
        "1001\n1001\n/home/alice\n/home/alice/.ssh/authorized_keys\n/home/alice/.ssh/authorized_keys\n41ed 0 0\n\n-";
    let Pending::Blind(Blind::NotYet(why)) = observe(missing) else { panic!() };
    assert_eq!(why, "/home/alice, the home of alice, is not there");
    let denied = answer(
        "41ed 1001 1001",
        "8180 1001 1001",
        "41c0 1001 1001",
        "only root, or this account, may look at its keys!",
    );
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
    assert_eq!(
        (wanted("alice"), wanted("bob"), wanted("root")),
        (vec![ALICE.into()], vec![BOB.into(), ALICE.into()], vec![ALICE.into(), BOB.into()])
    );
}

#[test]
fn keys_of_an_account_that_has_them_from_others_are_refused_and_not_none() {
    let all = json!({
        "alice": {"keys": [ALICE]}, "deploy": {"keys_of": ["alice"]}, "old": {"absent_keys": [OLD_FINGERPRINT]},
        "none": {"keys": []}, "bob": {"keys_of": ["deploy", "old", "none"]},
    });
    let problems = specs(&SshKey, all, &Files(BTreeMap::new())).unwrap_err().join("\n");
    insta::assert_snapshot!(problems, @"
    bob keys_of: deploy declares no `keys` of its own, and only those count (name the accounts whose `keys` are meant)
    bob keys_of: old declares no `keys` of its own, and only those count (name the accounts whose `keys` are meant)
    ");
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
        mistakes(&SshKey, "alice", json!({"keys_of": ["alice"]})),
        mistakes(&SshKey, "alice", json!({"keys": [], "path": "/etc/%k"})),
        mistakes(&SshKey, "alice", json!({"keys": [], "path": "../x"})),
    ];
    insta::assert_snapshot!(told.concat().join("\n"), @"
    alice keys: nothing is said of this account's keys (add `keys`)
    -alice name: a name begins with a letter or `_`
    alice: not a public key; copy the line from a file like ~/.ssh/id_ed25519.pub
    alice absent_keys: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI is both in `keys` and in `absent_keys`
    alice keys: one key has two sets of options: SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI and SHA256:xr0ES0DKnhiWNYjzbXEQLJLcRI2m8QySuu5me8SUxtI with restrict
    alice keys_of: no `ssh_keys` are declared for nobody on this host (declare ssh_keys: nobody, or leave it out of `keys_of`)
    alice keys_of: alice declares no `keys` of its own, and only those count (name the accounts whose `keys` are meant)
    alice path: of `%`, only `%u`, `%%`, and `%h/` at the beginning mean something here
    alice path: `/../x` has `.` or `..` in it
    ");
}
