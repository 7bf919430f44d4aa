use super::*;
use crate::captured::{Files, Host, mistakes, spec, specs, story};
use engine::paths::{READ, STAT};
use serde_json::json;

const KEY: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
const PATH: &str = "/etc/apt/sources.list.d/team.sources";

fn fields() -> serde_json::Value {
    json!({"uris": "https://example.org/debian", "suites": ["bookworm"], "components": ["main", "extra"], "key": KEY})
}

fn text(fields: serde_json::Value) -> String {
    spec(&AptRepository, "team", fields).text.unwrap()
}

#[test]
fn the_key_stands_in_the_file() {
    insta::assert_snapshot!(text(fields()), @r"
    Types: deb
    URIs: https://example.org/debian
    Suites: bookworm
    Components: main extra
    Signed-By:
     -----BEGIN PGP PUBLIC KEY BLOCK-----
     .
     mDMEZ
     =abcd
     -----END PGP PUBLIC KEY BLOCK-----
    ");
    insta::assert_snapshot!(text(json!({"uris": "file:/srv/x", "suites": "./", "trusted": true, "types": ["deb", "deb-src"],
        "architectures": "amd64"})), @r"
    Types: deb deb-src
    URIs: file:/srv/x
    Suites: ./
    Architectures: amd64
    Trusted: yes
    ");
}

#[test]
fn a_key_of_the_repository_is_read_and_what_is_none_is_refused() {
    let told = |key: &'static [u8]| {
        let fields = json!({"team": {"uris": "https://e.org", "suites": "x", "components": "main", "key": "keys/a"}});
        specs(&AptRepository, fields, &Files([("keys/a", key)].into()))
            .map(|mut specs| specs.remove("team").unwrap().text)
    };
    assert!(told(KEY.as_bytes()).unwrap().unwrap().ends_with(" -----END PGP PUBLIC KEY BLOCK-----\n"));
    assert_eq!(told(KEY.replace('\n', "\r\n").leak().as_bytes()).unwrap(), told(KEY.as_bytes()).unwrap());
    insta::assert_snapshot!([
        told(b"\x99\x01\xff").unwrap_err().join(""),
        told(b"-----BEGIN PGP PRIVATE KEY BLOCK-----").unwrap_err().join(""),
        told(b"hello").unwrap_err().join(""),
        told([KEY, KEY].concat().leak().as_bytes()).unwrap_err().join(""),
        mistakes(&AptRepository, "team", json!({"uris": "https://e.org", "suites": "x/", "key": "keys/none"})).join(""),
    ].join("\n"), @r#"
    team key: `keys/a` is not armoured text (gpg --enarmor <keys/a | sed 's/ARMORED FILE/KEY BLOCK/' makes it so; or ask for the .asc)
    team key: this is a private key: take it out of the repository and replace it, it is no longer secret
    team key: this is not one block from `-----BEGIN PGP PUBLIC KEY BLOCK-----` to `-----END PGP PUBLIC KEY BLOCK-----` (several keys go into one block: gpg --armor --export ONE OTHER)
    team key: this is not one block from `-----BEGIN PGP PUBLIC KEY BLOCK-----` to `-----END PGP PUBLIC KEY BLOCK-----` (several keys go into one block: gpg --armor --export ONE OTHER)
    team key: there is no file keys/none
    "#);
}

#[test]
fn spaces_comments_and_order_are_no_difference() {
    let wanted = text(fields());
    let other = format!("# Docker\nX-Repolib-Name: team\nEnabled: yes\n\n{wanted}");
    assert!(!deb822::same(&other, &wanted), "two paragraphs");
    let key = wanted.split_once("Signed-By:").unwrap().1;
    let other = format!(
        "# Team\nX-Repolib-Name: team\nenabled: yes\nSigned-By:{key}COMPONENTS: main\n  extra\nsuites:  bookworm\n# x\nURIs: https://example.org/debian\nTypes: deb\n\n"
    );
    assert!(deb822::same(&other, &wanted));
    for (from, to) in [
        ("main", "main contrib"),
        ("mDMEZ", "mDMEY"),
        ("Types: deb\n", "Types: deb\nEnabled: no\n"),
        ("Types: deb\n", "Types: deb\nTypes: deb\n"),
        ("URIs:", "URIs"),
    ] {
        assert!(!deb822::same(&wanted.replace(from, to), &wanted), "{to}");
    }
    assert!(!deb822::same("", &wanted));
}

#[test]
fn a_changed_file_is_fetched_from_and_written_and_one_that_must_go_forgotten() {
    let with = |text: &str| {
        Host::default().says(&STAT, &[PATH], format!("81a4 0 0 {} 1 ", text.len())).says(
            &READ,
            &[PATH],
            format!("{text}="),
        )
    };
    let small = json!({"uris": "file:/srv/x", "suites": "./", "trusted": true});
    let host = with("Types: deb\nURIs: file:/srv/y\nSuites: ./\n");
    insta::assert_snapshot!(story(&AptRepository, "team", &spec(&AptRepository, "team", small), &host).unwrap().join("\n"), @r#"
    content:
    @@ -1,3 +1,4 @@
     Types: deb
    -URIs: file:/srv/y
    +URIs: file:/srv/x
     Suites: ./
    +Trusted: yes

    fetch what it offers, and write /etc/apt/sources.list.d/team.sources: write apt source ["/etc/apt/sources.list.d/team.sources", "0644", "root", "root"] <Types: deb
    URIs: file:/srv/x
    Suites: ./
    Trusted: yes
    >
    "#);
    let absent = spec(&AptRepository, "team", json!({"state": "absent"}));
    insta::assert_snapshot!(story(&AptRepository, "team", &absent, &with("x")).unwrap().join("\n"), @r#"
    state: present -> absent
    remove /etc/apt/sources.list.d/team.sources: remove apt source ["/etc/apt/sources.list.d/team.sources"] <>
    "#);
}

#[test]
fn mistakes_have_a_way_out() {
    let told = |name: &str, fields: serde_json::Value| mistakes(&AptRepository, name, fields).join("\n");
    let with = |field: &str, value: serde_json::Value| {
        let mut fields = fields();
        fields[field] = value;
        told("team", fields)
    };
    insta::assert_snapshot!([
        told("team.list", fields()),
        told("a b", fields()),
        with("uris", json!(["example.org", "https://me:secret@example.org/x", "https://a b"])),
        with("uris", json!(["https://me:secret@example.org/x"])),
        with("uris", json!(["https://a\nTrusted: yes"])),
        with("suites", json!(["./"])),
        with("suites", json!(["-x"])),
        with("components", json!([])),
        with("architectures", json!(["amd64,i386"])),
        with("types", json!(["rpm"])),
        with("signed_by", "keys/x".into()),
        with("trusted", true.into()),
        told("team", json!({"state": "absent", "uris": "x"})),
        told("team", json!({"uris": "https://e.org", "suites": ["x", "y/"]})),
    ].join("\n"), @r#"
    team.list name: `.list` is not part of the name (call it `team`)
    a b name: apt reads no file of sources with such a name: letters, digits, `_`, `-` and `.`
    team uris: `example.org` is no URI, such as `https://deb.debian.org/debian`
    team uris: everybody on the host could read the name and password in this URI (put them into a file below /etc/apt/auth.conf.d (apt_auth.conf(5)), mode 0600)
    team uris: `https://a\nTrusted: yes` is not one word; a space in a URI is `%20`
    team components: a directory, with `/` at its end, has no components
    team suites: `-x` is no name apt knows
    team suites: a release needs `components` (such as `components: [main]`; a plain directory of packages ends in `/`, as in `suites: [./]`)
    team architectures: `amd64,i386` is no architecture, such as `amd64`
    team types: `rpm` is neither `deb` nor `deb-src`
    team signed_by: the key is already given by `key` (keep one of them)
    team signed_by: it is no absolute path of a file on the host (a key of the repository of policies goes into `key`)
    team trusted: what is signed needs no `trusted` (leave it out)
    team uris: `uris` means nothing for a repository that must be absent
    team suites: directories and releases do not go together (make two of it)
    "#);
}

#[test]
fn it_comes_before_all_packages() {
    let links = AptRepository.links("team", &spec(&AptRepository, "team", fields()), 0);
    assert!(links.feeds_packages && !links.packages);
}
