use super::*;
use crate::captured::{Files, Host, mistakes, specs, story};
use engine::paths::{FILE, READ};
use engine::{Answer, Blind, Probe};
use serde_json::json;
use sha2::{Digest, Sha256};

const FILE_OF_COMPOSE: &str = "services: {web: {image: pad}}\n";
const CONFIG: &str = r#"j {"services":{"web":{"image":"pad"},"db":{"image":"db:1","deploy":{"replicas":2}},"init":{"image":"db:1"},"app":{"image":"pad","scale":1,"depends_on":{"init":{"condition":"service_completed_successfully"}}}}}
h web w1
h db d1
h init i1
h app a1
"#;

/// The project `pad` in /srv/pad, with these fields besides.
fn pad(fields: serde_json::Value) -> Spec {
    let files = Files(BTreeMap::from([
        ("stacks/pad/compose.yml", FILE_OF_COMPOSE.as_bytes()),
        ("stacks/pad/conf/a.conf.tera", b"{{ name }}\n"),
    ]));
    let mut all = json!({"source": "stacks/pad", "path": "/srv/pad"});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    specs(&Compose, json!({ "pad": all }), &files).unwrap().remove("pad").unwrap()
}

/// A host on which these files are in place, of which `differing` has other content, and Docker says `docker`.
fn host(spec: &Spec, differing: &str, docker: &str) -> Host {
    let mut host = Host::default();
    for directory in spec.directories() {
        host = host.stands(&directory, "41ed 0 0 1 3 ");
    }
    for path in OVERRIDES {
        host = host.stands(&spec.at(path), "");
    }
    let names: Vec<&str> = spec.stack.files.keys().map(String::as_str).collect();
    host = listing(host, &names);
    for (path, file) in &spec.stack.files {
        let content = if path == differing { b"other\n" } else { file.bytes().unwrap() };
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let mode = if path == ".env" { "8180" } else { "81a4" };
        host = host
            .says(&FILE, &[&spec.at(path)], format!("{mode} 0 0 {} 1795192349.000000000 \n{hash}", content.len()))
            .says(&READ, &[&spec.at(path)], [content, b"="].concat());
    }
    let arguments = spec.arguments("pad");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let preview: String =
        docker.lines().filter(|line| line.starts_with(['j', 'h', 'e'])).map(|line| format!("{line}\n")).collect();
    host.says(&PROJECT, &arguments, docker).says(&PREVIEW, &[&arguments[..], &[&spec.stack.feed()]].concat(), preview)
}

/// The same host, on which comply noted these files as its own.
fn listing(host: Host, names: &[&str]) -> Host {
    let list: String = names.iter().flat_map(|name| [name, "\n"]).collect();
    let hash: String = Sha256::digest(&list).iter().map(|byte| format!("{byte:02x}")).collect();
    let path = "/srv/pad/.comply-files";
    host.says(&FILE, &[path], format!("81a4 0 0 {} 1795192349 \n{hash}", list.len())).says(&READ, &[path], list + "=")
}

/// A container as `docker inspect` shows it, with these words in place of the usual ones.
fn container(service: &str, number: usize, hash: &str, changes: &[(&str, &str)]) -> String {
    let text = format!(
        r#"c {{"id":"{service}{number}","name":"/pad-{service}-{number}","image":"sha256:pad","tag":"pad","labels":{{"com.docker.compose.project":"pad","com.docker.compose.service":"{service}","com.docker.compose.config-hash":"{hash}","com.docker.compose.version":"2.26.1","com.docker.compose.oneoff":"False"}},"status":"running","exit":0,"started":"2026-11-21T00:00:00.5Z","health":null,"mounts":[{{"Type":"bind","Source":"/srv/pad/conf"}},{{"Type":"volume","Name":"v"}}],"networks":{{"pad_default":{{}}}},"restart":"no"}}"#
    );
    changes.iter().fold(text + "\n", |text, (old, new)| text.replace(old, new))
}

/// All that is to be, and how each of the services is instead.
fn docker(changes: &[(&str, &str, &str)]) -> String {
    let of = |service: &str| {
        changes.iter().filter(|change| change.0 == service).map(|change| (change.1, change.2)).collect::<Vec<_>>()
    };
    let services = [("web", 1, "w1"), ("db", 1, "d1"), ("db", 2, "d1"), ("app", 1, "a1")];
    let mut text = "v 2.26.1-4\n".to_owned();
    text.extend(services.iter().map(|(service, number, hash)| container(service, *number, hash, &of(service))));
    text += &container("init", 1, "i1", &[(r#""running""#, r#""exited""#)]);
    text + "i pad:latest sha256:pad\n" + CONFIG
}

fn tell(spec: &Spec, docker: &str) -> Vec<String> {
    story(&Compose, "pad", spec, &host(spec, "", docker)).unwrap()
}

#[test]
fn a_project_that_is_right_is_asked_about_once() {
    let spec = pad(json!({}));
    assert_eq!(tell(&spec, &docker(&[])), Vec::<String>::new());
    let unknown = Host::default();
    assert!(matches!(story(&Compose, "pad", &spec, &unknown), Err(Pending::Need)));
    assert!(unknown.missing().iter().all(|probe| !probe.starts_with("compose preview")));
}

#[test]
fn every_way_to_differ_is_told_of_its_service() {
    let spec = pad(json!({}));
    let told = |service, old, new| tell(&spec, &docker(&[(service, old, new)]))[0].clone();
    assert_eq!(told("web", r#""running","exit":0"#, r#""exited","exit":3"#), "services: exited (3) -> running");
    assert_eq!(told("web", "w1", "old"), "services: made from another configuration -> made from the policy's");
    assert_eq!(told("web", "sha256:pad", "sha256:old"), "services: runs an older image of pad -> the current image");
    assert_eq!(told("web", "pad_default", "other"), "services: not in the network pad_default -> in its networks");
    assert_eq!(
        told("web", r#""restart":"no""#, r#""restart":"always""#),
        "services: restart is always -> as the files say"
    );
    assert_eq!(told("web", r#""health":null"#, r#""health":"unhealthy""#), "services: unhealthy -> healthy");
    assert_eq!(told("web", "11-21T00", "11-20T00"), "services: older than conf/a.conf -> started after it changed");
    let moved = docker(&[("web", r#"service":"web"#, r#"service":"app"#), ("web", "w1", "a1")]);
    assert_eq!(tell(&spec, &moved)[0], "services: 2 containers -> 1 container");
    assert_eq!(told("app", r#"service":"app"#, r#"service":"gone"#), "services: missing -> running");
    assert_eq!(
        told("app", r#"project":"pad"#, r#"project":"old"#),
        "project: old (1 container of this directory) -> pad"
    );
}

#[test]
fn a_container_of_another_version_is_judged_by_its_hash_only_if_that_is_equal() {
    let spec = pad(json!({}));
    assert_eq!(tell(&spec, &docker(&[("web", "2.26.1", "2.20.2")])), Vec::<String>::new());
    let told = tell(&spec, &docker(&[("web", "2.26.1", "2.20.2"), ("web", "w1", "old")]));
    assert_eq!(
        told[0],
        "services: made by Compose 2.20.2, which cannot be compared with 2.26.1-4 -> made by this Compose"
    );
    assert!(told.contains(&"hurts: recreates pad/web".to_owned()), "{told:?}");
}

#[test]
fn only_what_differs_is_brought_up_and_only_what_must_be_is_forced() {
    let spec = pad(json!({}));
    let told = tell(&spec, &docker(&[("web", "w1", "old"), ("db", r#""health":null"#, r#""health":"unhealthy""#)]));
    assert_eq!(
        told[2..],
        [
            "bring up db, web: compose up [\"120\", \"\", \"missing\", \"pad db:1 db:1 pad\", \"db\", \"db web\", \"init\", \"pad\", \
             \"/srv/pad\", \"\", \"/srv/pad/compose.yml\"] <>",
            "hurts: recreates pad/db",
            "hurts: recreates pad/web",
        ]
    );
}

#[test]
fn whoever_sees_a_changed_file_is_made_anew_after_it_was_written() {
    let spec = pad(json!({}));
    let told = story(
        &Compose,
        "pad",
        &spec,
        &host(&spec, "conf/a.conf", &docker(&[("web", "/srv/pad/conf", "/srv/padding")])),
    )
    .unwrap();
    assert_eq!(told[0], "files:\n@@ -1 +1 @@\n-other\n+pica01\n");
    assert!(told[1].starts_with("conf/a.conf: write its content: write file [\"/srv/pad/conf/a.conf\""), "{told:?}");
    assert!(told[2].starts_with("bring up app, db: "), "{told:?}");
}

#[test]
fn a_file_that_the_repository_has_lost_is_told_and_stays() {
    let spec = pad(json!({}));
    let names = [
        "../x",
        "/etc/passwd",
        "a\tb",
        "compose.override.yml",
        "compose.yml",
        "conf/a.conf",
        "conf/gone",
        "dir",
        "old",
    ];
    let there = listing(host(&spec, "", &docker(&[])), &names)
        .stands("/srv/pad/old", "81a4 0 0 1 3 ")
        .stands("/srv/pad/dir", "41ed 0 0 1 3 ")
        .stands("/srv/pad/conf/gone", "");
    let seen = Compose.observe("pad", &spec, &there.0).unwrap();
    let [change] = &Compose.diff("pad", &spec, &seen)[..] else { panic!("not one") };
    assert_eq!(change.element.as_deref(), Some("old"));
    assert!(change.stays.is_some());
    // What is not there any more is forgotten, what is there stays listed.
    let told = story(&Compose, "pad", &spec, &there).unwrap();
    assert_eq!(told[0], "files: no longer in the repository -> absent");
    assert!(told[1].ends_with("<compose.yml\nconf/a.conf\nold\n>"), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
}

#[test]
fn the_list_of_files_is_written_before_them_and_only_with_something_else_to_do() {
    let spec = pad(json!({}));
    let unlisted = |differing| host(&spec, differing, &docker(&[])).stands("/srv/pad/.comply-files", "");
    assert_eq!(story(&Compose, "pad", &spec, &unlisted("")).unwrap(), Vec::<String>::new());
    let told = story(&Compose, "pad", &spec, &unlisted("conf/a.conf")).unwrap();
    assert!(told[1].starts_with("note which files come from the repository: "), "{told:?}");
    assert!(told[2].starts_with("conf/a.conf: write its content: "), "{told:?}");
}

#[test]
fn orphans_are_removed_unless_they_may_stay() {
    let orphan =
        docker(&[]) + &container("forgotten", 1, "x", &[]) + &container("forgotten", 2, "x", &[("False", "True")]);
    let told = tell(&pad(json!({})), &orphan);
    assert_eq!(told[0], "orphans: + pad-forgotten-1".replace('+', "-"));
    assert!(told[1].starts_with("remove pad-forgotten-1: remove containers [\"forgotten1\"]"), "{told:?}");
    assert_eq!(tell(&pad(json!({"remove_orphans": false})), &orphan), Vec::<String>::new());
}

#[test]
fn what_is_starting_is_waited_for_as_long_as_the_policy_says() {
    let spec = pad(json!({"wait": "3m"}));
    let starting = docker(&[("web", r#""health":null"#, r#""health":"starting""#)]);
    let limit = std::time::Duration::from_secs(180);
    let told = story(&Compose, "pad", &spec, &host(&spec, "", &starting));
    assert_eq!(told, Err(Pending::Settling { what: "web is starting".into(), limit }));
    // What differs besides is not hidden by it.
    let both = starting.replace("d1\"", "old\"");
    assert_eq!(tell(&spec, &both)[0], "services: made from another configuration -> made from the policy's");
}

#[test]
fn a_service_that_is_not_listed_is_not_judged() {
    let spec = pad(json!({"services": ["web"]}));
    assert_eq!(tell(&spec, &docker(&[("db", "d1", "old")])), Vec::<String>::new());
}

#[test]
fn files_that_compose_refuses_are_refused() {
    let spec = pad(json!({}));
    let refused =
        Answer { out: b"v 2.26.1\ne\n".to_vec(), err: b"level=warning x\nservices.web: bad\n".to_vec(), status: 0 };
    let arguments = spec.arguments("pad");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let host = host(&spec, "", "").answers(&PROJECT, &arguments, refused);
    assert_eq!(
        story(&Compose, "pad", &spec, &host).unwrap(),
        [
            "compose_files: refused: services.web: bad -> understood",
            "refused: Compose refuses these files: services.web: bad"
        ]
    );
}

#[test]
fn a_daemon_that_does_not_run_is_no_daemon_without_containers() {
    let spec = pad(json!({}));
    let arguments = spec.arguments("pad");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let stopped = Answer { status: 69, out: Vec::new(), err: b"docker.service is inactive\n".to_vec() };
    let why = Blind::NotYet("docker.service is inactive, and to ask it would start it".into());
    assert_eq!(
        story(&Compose, "pad", &spec, &host(&spec, "", "").answers(&PROJECT, &arguments, stopped)),
        Err(why.into())
    );
    for garbage in ["x\n", "c {}\n", "j {}\n", "j {\"services\":{\"web\":{}}}\n"] {
        let told = story(&Compose, "pad", &spec, &host(&spec, "", garbage));
        assert!(matches!(told, Err(Pending::Blind(Blind::Garbled(_)))), "{garbage}: {told:?}");
    }
}

#[test]
fn volumes_go_only_if_the_policy_says_so() {
    let absent = |volumes: bool| {
        let fields = json!({"pad": {"state": "absent", "remove_volumes": volumes}});
        let spec = specs(&Compose, fields, &Files(BTreeMap::new())).unwrap().remove("pad").unwrap();
        let left = container("web", 1, "w1", &[]) + "n pad_default\nd pad_rows\n";
        story(&Compose, "pad", &spec, &Host::default().says(&PROJECT, &["pad", "", ""], left)).unwrap()
    };
    let kept = absent(false);
    assert_eq!(kept[..2], ["state: present (1 container) -> absent", "networks: - pad_default"]);
    assert_eq!(
        kept[2..],
        ["take pad down: compose down [\"\", \"pad\", \"\", \"\"] <>", "hurts: removes the containers of pad"]
    );
    assert_eq!(absent(true).last().unwrap(), "destroys: the volumes pad_rows");
}

#[test]
fn variables_are_written_for_root_alone_and_never_shown() {
    let spec = pad(json!({"env": {"B": "$x \"y\"", "A": "1"}}));
    assert_eq!(spec.stack.files[".env"].bytes().unwrap(), b"A='1'\nB='$x \"y\"'\n");
    let told = story(&Compose, "pad", &spec, &host(&spec, ".env", &docker(&[]))).unwrap();
    assert_eq!(told[0], "files: differs (secret)");
    // A probe can be shown without what it feeds.
    let probe = Probe { query: &PREVIEW.query, args: vec!["pad".into(), "c2VjcmV0".into()] };
    assert_eq!(format!("{probe:?}"), "compose preview[\"pad\"] < 8 bytes");
}

#[test]
fn mistakes_are_found_offline() {
    let with = |fields: serde_json::Value| {
        let mut all = json!({"state": "absent", "path": "/srv/pad"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        mistakes(&Compose, "pad", all).join("\n")
    };
    insta::assert_snapshot!(
        [
            mistakes(&Compose, "Pad", json!({"state": "absent"})).join("\n"),
            mistakes(&Compose, "pad", json!({"source": "nowhere", "path": "/srv/pad"})).join("\n"),
            with(json!({"path": "/srv"})),
            with(json!({"path": "/srv/a b"})),
            with(json!({"path": "srv"})),
            with(json!({"profiles": ["-x"]})),
            with(json!({"services": ["a b"]})),
            with(json!({"files": {"x": {"owner": "a:b"}}})),
            with(json!({"env": {"1A": "x"}})),
            with(json!({"env": {"A": "it's"}})),
            with(json!({"wait": "1h"})),
            with(json!({"state": "stopped", "source": "x", "remove_volumes": true})),
        ]
        .join("\n")
    );
}

#[test]
fn the_directory_of_the_repository_is_checked_as_a_whole() {
    let wrong = |files: &[(&'static str, &'static str)], fields: serde_json::Value| {
        let files = Files(files.iter().map(|(path, text)| (*path, text.as_bytes())).collect());
        let mut all = json!({"source": "s", "path": "/srv/pad"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        specs(&Compose, json!({ "pad": all }), &files).err().unwrap_or_default().join("\n")
    };
    let compose = ("s/compose.yml", "");
    insta::assert_snapshot!(
        [
            wrong(&[("s/x", "")], json!({})),
            wrong(&[compose, ("s/compose.override.yml", "")], json!({})),
            wrong(&[compose, ("s/a", ""), ("s/a.tera", "")], json!({})),
            wrong(&[compose, ("s/.env", "")], json!({"env": {"A": "1"}})),
            wrong(&[compose], json!({"compose_files": ["b.yml"]})),
            wrong(&[compose], json!({"compose_files": []})),
            wrong(&[compose], json!({"files": {"b": {"mode": "0600"}}})),
        ]
        .join("\n")
    );
    assert_eq!(
        wrong(
            &[compose, ("s/compose.override.yml", "")],
            json!({"compose_files": ["compose.yml", "compose.override.yml"]})
        ),
        ""
    );
}
