//! What a host's resources come to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code)]
mod kinds;
#[allow(dead_code)]
mod repository;

use engine::{Anchor, Mode, Severity};
use kinds::{FileSpec, LinkSpec, PackageSpec, State, UserSpec};
use policies::{Identity, Repo};
use repository::{TWO_HOSTS, debian, get, good, ids, load, policy, repository, resolved, spec};
use source::render;

fn motd(repo: &Repo, host: &str) -> String {
    let resolution = resolved(repo, host);
    spec::<FileSpec>(get(&resolution, "file//etc/motd")).content.clone().unwrap()
}

#[test]
fn members_as_data_become_users() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        (
            "comply.yml",
            "name: picasoft\nvars:\n  members:\n    ppom: {groups: [ops, docker]}\n    alice: {groups: [ops]}\n  former: [antoine]\n",
        ),
        (
            "policies/access.yml",
            r#"
hosts: [all]
users:
  members: {for_each: members, name: "{{ key }}", groups: "{{ value.groups }}", shell: /bin/bash}
  former: {for_each: former, name: "{{ item }}", state: absent}
  backup: {system: true, mode: audit}
packages: [curl, fail2ban]
"#,
        ),
    ]);
    assert_eq!(repo.name(), "picasoft");
    let resolution = resolved(&repo, "one");
    assert_eq!(
        ids(&resolution),
        ["user/ppom", "user/alice", "user/antoine", "user/backup", "package/curl", "package/fail2ban"]
    );
    let ppom: &UserSpec = spec(get(&resolution, "user/ppom"));
    assert_eq!(ppom.groups.as_ref().unwrap().iter().collect::<Vec<_>>(), ["docker", "ops"]);
    assert_eq!(ppom.shell.as_deref(), Some("/bin/bash"));
    assert_eq!(ppom.state, None);
    assert_eq!(spec::<UserSpec>(get(&resolution, "user/antoine")).state, Some(State::Absent));
    assert_eq!(spec::<PackageSpec>(get(&resolution, "package/curl")).state, Some(State::Present));
    let alice = get(&resolution, "user/alice");
    assert_eq!((alice.sources[0].policy.as_str(), alice.sources[0].line), ("access", 4));
}

#[test]
fn short_forms_name_a_state() {
    let (_dir, repo) = policy("hosts: [all]\nusers: {ppom: present, antoine: absent}\nkeywords: {Port: {value: 22}}\n");
    let resolution = resolved(&repo, "one");
    assert_eq!(spec::<UserSpec>(get(&resolution, "user/ppom")).state, Some(State::Present));
    assert_eq!(spec::<UserSpec>(get(&resolution, "user/antoine")).state, Some(State::Absent));
}

#[test]
fn a_value_may_stand_for_the_one_field_that_matters_and_a_name_has_one_spelling() {
    let (_root, repo) = policy(
        "hosts: [one]\nsettings:\n  Port: 22\n  PORT: {value: 22}\n  Groups: [a, no]\n  Off: {value: no, when: 'false'}\n  off: no\n",
    );
    let one = resolved(&repo, "one");
    assert_eq!(ids(&one), ["setting/port", "setting/groups", "setting/off"]);
    let value = |id: &str| spec::<kinds::SettingSpec>(get(&one, id)).value.as_ref().unwrap();
    assert_eq!(*value("setting/port"), kinds::Values::One("22".into()));
    assert_eq!(*value("setting/off"), kinds::Values::One("no".into()));
    assert_eq!(*value("setting/groups"), kinds::Values::Several(vec!["a".into(), "no".into()]));
    assert_eq!(get(&one, "setting/port").sources.len(), 2);
}

#[test]
fn declarations_merge_field_by_field_and_sets_unite() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        (
            "policies/a.yml",
            "hosts: [all]\nseverity: minor\ntags: [base]\nusers:\n  ppom: {shell: /bin/bash, groups: [ops, docker], why: he works here}\n",
        ),
        (
            "policies/b.yml",
            "hosts: [one]\nrefs: [R30]\nusers:\n  ppom: {uid: 1000, shell: \"/bin/bash\", groups: [docker, adm], tags: [extra], severity: critical}\n",
        ),
    ]);
    let one = resolved(&repo, "one");
    let ppom = get(&one, "user/ppom");
    let merged: &UserSpec = spec(ppom);
    assert_eq!(merged.groups.as_ref().unwrap().iter().collect::<Vec<_>>(), ["adm", "docker", "ops"]);
    assert_eq!((merged.uid, merged.shell.as_deref()), (Some(1000), Some("/bin/bash")));
    assert_eq!(ppom.severity, Severity::Critical);
    assert_eq!(
        (&ppom.tags[..], &ppom.refs[..], &ppom.why[..]),
        (&["base".to_owned(), "extra".to_owned()][..], &["R30".to_owned()][..], &["he works here".to_owned()][..])
    );
    assert_eq!(ppom.sources.iter().map(|source| source.policy.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(get(&resolved(&repo, "two"), "user/ppom").severity, Severity::Minor);
}

#[test]
fn values_agree_by_what_they_mean_and_not_by_how_they_are_written() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {mode: 0644}}\nusers: {ppom: {uid: 1000}}\n"),
        ("policies/b.yml", "hosts: [all]\nfiles: {/etc/motd: {mode: \"0644\"}}\nusers: {ppom: {uid: \"1000\"}}\n"),
    ]);
    let resolution = resolved(&repo, "one");
    assert_eq!(spec::<UserSpec>(get(&resolution, "user/ppom")).uid, Some(1000));
}

#[test]
fn the_lowest_mode_holds_and_says_who_holds_it() {
    let (_dir, repo) = good(&[
        ("inventory.yml", "hosts:\n  one: {}\n  two: {mode: audit}\n"),
        ("policies/a.yml", "hosts: [all]\nmode: audit\nusers: {ppom: present}\npackages: {curl: present}\n"),
        (
            "policies/b.yml",
            "hosts: [all]\nusers: {ppom: {mode: enforce}}\npackages: {vim: {mode: audit}, zsh: {mode: enforce}}\n",
        ),
    ]);
    let one = resolved(&repo, "one");
    let held = |id: &str| (get(&one, id).mode, get(&one, id).held_by.clone());
    assert_eq!(held("user/ppom"), (Mode::Audit, Some("policies/a.yml:2 says mode: audit".into())));
    assert_eq!(held("package/vim"), (Mode::Audit, Some("policies/b.yml:3 says mode: audit".into())));
    assert_eq!(held("package/zsh"), (Mode::Enforce, None));
    let two = resolved(&repo, "two");
    assert_eq!(get(&two, "package/zsh").held_by.as_deref(), Some("inventory.yml:3 says mode: audit"));
    assert_eq!(
        get(&two, "package/curl").held_by.as_deref(),
        Some("inventory.yml:3 says mode: audit and policies/a.yml:2 says mode: audit")
    );
}

#[test]
fn a_mode_of_the_kind_itself_and_the_common_one_are_told_apart() {
    let (_dir, repo) = policy("hosts: [all]\nfiles:\n  /etc/motd: {mode: 0600}\n  /etc/issue: {mode: audit}\n");
    let resolution = resolved(&repo, "one");
    let motd = get(&resolution, "file//etc/motd");
    assert_eq!((motd.mode, spec::<FileSpec>(motd).mode.as_ref().unwrap().0.as_str()), (Mode::Enforce, "0600"));
    let issue = get(&resolution, "file//etc/issue");
    assert_eq!((issue.mode, spec::<FileSpec>(issue).mode.is_none()), (Mode::Audit, true));
}

#[test]
fn an_inner_group_wins_over_an_outer_one_the_host_over_both_and_the_command_line_over_all() {
    let files = [
        (
            "inventory.yml",
            "hosts:\n  one: {groups: [inner]}\n  two: {groups: [inner], vars: {name: host}}\n  three: {groups: [outer]}\n  four: {}\n\
             groups:\n  outer: {groups: [inner], vars: {name: outer}}\n  inner: {vars: {name: inner}}\n",
        ),
        ("comply.yml", "vars: {name: project}\n"),
        ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {content: \"{{ name }} {{ host.groups | length }}\"}}\n"),
    ];
    let (dir, repo) = good(&files);
    assert_eq!(motd(&repo, "one"), "inner 2");
    assert_eq!(motd(&repo, "two"), "host 2");
    assert_eq!(motd(&repo, "three"), "outer 1");
    assert_eq!(motd(&repo, "four"), "project 0");
    let (repo, diagnostics) = load(dir.path(), &[("name".into(), "given".into())]);
    assert!(diagnostics.is_empty());
    assert_eq!(motd(&repo, "two"), "given 2");
}

#[test]
fn a_false_when_skips_and_takes_no_part_in_merging() {
    let (_dir, repo) = good(&[
        ("inventory.yml", "hosts: {one: {vars: {web: true}}, two: {vars: {web: false}}}\n"),
        ("policies/a.yml", "hosts: [all]\nwhen: web\nusers: {ppom: {shell: /bin/bash}}\npackages: [nginx]\n"),
        ("policies/b.yml", "hosts: [all]\nusers: {ppom: {shell: /bin/zsh, when: not web}}\n"),
    ]);
    let one = resolved(&repo, "one");
    assert_eq!(spec::<UserSpec>(get(&one, "user/ppom")).shell.as_deref(), Some("/bin/bash"));
    let two = resolved(&repo, "two");
    assert_eq!(spec::<UserSpec>(get(&two, "user/ppom")).shell.as_deref(), Some("/bin/zsh"));
    assert!(get(&two, "package/nginx").spec.is_none());
}

#[test]
fn a_false_when_guards_what_it_would_need() {
    let (_dir, repo) = good(&[
        ("inventory.yml", "hosts: {one: {vars: {sites: [a]}}, two: {}}\n"),
        (
            "policies/a.yml",
            "hosts: [all]\nwhen: defined(sites)\nfiles:\n  s: {for_each: sites, name: \"/srv/{{ item }}\", content: \"{{ sites | length }}\"}\n",
        ),
    ]);
    assert_eq!(ids(&resolved(&repo, "one")), ["file//srv/a"]);
    assert!(ids(&resolved(&repo, "two")).is_empty());
}

#[test]
fn each_of_many_has_its_own_when() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("comply.yml", "vars: {members: {ppom: {admin: true}, alice: {admin: false}}}\n"),
        ("policies/a.yml", "hosts: [all]\nusers: {m: {for_each: members, name: \"{{ key }}\", when: value.admin}}\n"),
    ]);
    let one = resolved(&repo, "one");
    assert!(get(&one, "user/ppom").spec.is_some());
    assert!(get(&one, "user/alice").spec.is_none());
}

#[test]
fn conditions_on_facts_are_undetermined_until_the_host_is_asked() {
    let (_dir, repo) = policy(
        "hosts: [all]\nusers:\n  a: {name: ppom, shell: /bin/bash, when: os.version < 13}\n  b: {name: ppom, shell: /bin/zsh, when: os.version >= 13}\nfiles:\n  /etc/motd: {content: \"Debian {{ os.version }}\"}\n",
    );
    let offline = resolved(&repo, "one");
    assert!(offline.undetermined);
    let ppom = get(&offline, "user/ppom");
    assert!(ppom.spec.is_some() && offline.is_undetermined(&ppom.id), "both sides are typed");
    let asked = repo.resolve("one", Some(&debian("13")));
    assert!(!asked.undetermined && asked.diagnostics.is_empty());
    assert_eq!(spec::<UserSpec>(get(&asked, "user/ppom")).shell.as_deref(), Some("/bin/zsh"));
    assert_eq!(spec::<FileSpec>(get(&asked, "file//etc/motd")).content.as_deref(), Some("Debian 13"));
}

#[test]
fn sides_of_which_only_one_will_hold_are_not_judged_together() {
    let (_dir, repo) = policy(
        "hosts: [all]\npackages:\n  old: {name: curl, version: \"1\", when: os.version < 13}\n  new: {name: curl, state: absent, when: os.version >= 13}\n",
    );
    assert!(resolved(&repo, "one").undetermined);
    let asked = repo.resolve("one", Some(&debian("12")));
    assert_eq!(spec::<PackageSpec>(get(&asked, "package/curl")).version.as_deref(), Some("1"));
}

#[test]
fn the_inventory_may_say_what_a_host_is() {
    let (_dir, repo) = good(&[
        ("inventory.yml", "hosts: {one: {facts: {os: {id: debian, version: \"12\"}}}}\n"),
        ("policies/a.yml", "hosts: [all]\npackages: {curl: {when: os.version == 12}}\n"),
    ]);
    let assumed = resolved(&repo, "one");
    assert!(!assumed.undetermined && get(&assumed, "package/curl").spec.is_some());
    let asked = repo.resolve("one", Some(&debian("13")));
    assert!(get(&asked, "package/curl").spec.is_none(), "what the host says counts more");
}

#[test]
fn a_template_that_needs_facts_is_undetermined_and_no_mistake() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {template: motd}}\n"),
        ("motd", "{{ host.name }} runs {{ os.id }} {{ os.version }}"),
    ]);
    assert!(resolved(&repo, "one").undetermined);
    let asked = repo.resolve("one", Some(&Identity { os_codename: Some(String::new()), ..debian("12") }));
    assert_eq!(spec::<FileSpec>(get(&asked, "file//etc/motd")).content.as_deref(), Some("one runs debian 12"));
}

#[test]
fn a_source_file_is_never_rendered() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {source: motd}}\n"),
        ("motd", "{{ not a template }}"),
    ]);
    assert_eq!(motd(&repo, "one"), "{{ not a template }}");
}

#[test]
fn a_link_out_of_the_repository_is_refused() {
    let (dir, repo) = good(&[TWO_HOSTS, ("policies/a.yml", "hosts: [all]\nfiles: {/etc/motd: {source: motd}}\n")]);
    std::os::unix::fs::symlink("/etc/hostname", dir.path().join("motd")).unwrap();
    let resolution = repo.resolve("one", None);
    assert!(resolution.resources.is_empty());
    assert!(render(&resolution.diagnostics, false).contains("leaves the repository through a link"));
}

#[test]
fn requires_may_name_what_another_host_has() {
    let (_dir, repo) = good(&[
        TWO_HOSTS,
        ("policies/a.yml", "hosts: [all]\nusers: {ppom: {requires: [package/zsh], before: [package/zsh]}}\n"),
        ("policies/b.yml", "hosts: [two]\npackages: [zsh]\n"),
    ]);
    let one = resolved(&repo, "one");
    assert_eq!(get(&one, "user/ppom").requires, ["package/zsh"]);
}

#[test]
fn every_resource_is_shown_what_all_of_them_provide() {
    let (_dir, repo) = policy("hosts: [all]\nlinks: {/a: {target: /x}, /b: {target: /y}}\n");
    let resolution = resolved(&repo, "one");
    let ids = ["link//a", "link//b"].map(|id| Anchor::Resource(id.into()));
    let all = [Anchor::Path("/a".into()), Anchor::Path("/b".into())].into_iter().chain(ids).collect();
    assert_eq!(spec::<LinkSpec>(get(&resolution, "link//a")).others, all);
}

#[test]
fn what_a_module_keeps_for_itself_cannot_be_written() {
    let (_dir, _, diagnostics) =
        repository(&[TWO_HOSTS, ("policies/web.yml", "hosts: [all]\nlinks: {/a: {target: /x, others: []}}\n")]);
    assert_eq!(diagnostics.iter().map(|diagnostic| diagnostic.code).collect::<Vec<_>>(), ["unknown-key"]);
}

#[test]
fn many_hosts_with_one_mistake_give_one_message() {
    let (_dir, repo, mut diagnostics) = repository(&[
        ("inventory.yml", "hosts: {a: {}, b: {}, c: {}, d: {}, e: {}}\n"),
        ("policies/web.yml", "hosts: [all]\npackages: {curl: {version: \"{{ nope }}\"}}\n"),
    ]);
    for host in repo.inventory().hosts() {
        diagnostics.extend(repo.resolve(&host.name, None).diagnostics);
    }
    insta::assert_snapshot!(render(&source::sorted(diagnostics), false), @r#"
    error[undefined-name]: `nope` is not defined
     --> policies/web.yml:2:32
      |
    2 | packages: {curl: {version: "{{ nope }}"}}
      |                                ^^^^
      |
      = note: on a, b, c and 2 more
      = help: known here: arch, host, hostname, os, virtualization
    "#);
}

#[test]
fn a_policy_leaves_out_its_exceptions() {
    let (_dir, repo) = policy("hosts: [all]\nexcept: [\"t*\"]\npackages: [curl]\n");
    assert_eq!(ids(&resolved(&repo, "one")), ["package/curl"]);
    assert!(ids(&resolved(&repo, "two")).is_empty());
}
