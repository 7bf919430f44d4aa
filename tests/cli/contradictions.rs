//! What is right by itself and wrong together: every place is shown.

use crate::sandbox::Sandbox;

fn check(policies: &[(&str, &str)]) -> String {
    let mut files = vec![("inventory.yml", "hosts: {one: {}}\n")];
    files.extend(policies);
    let ended = Sandbox::new(&files).comply(&["check"]);
    assert_eq!(ended.code, 1, "{}", ended.out);
    ended.err
}

#[test]
fn an_account_that_goes_is_held_against_everything_that_names_it() {
    insta::assert_snapshot!(check(&[
        ("policies/former.yml", "hosts: [all]\nusers: {antoine: absent}\n"),
        (
            "policies/access.yml",
            "hosts: [all]\ngroups: {ops: {members: [antoine]}}\nssh_keys: {antoine: {exclusive: false}}\n\
             files: {/srv/x: {content: x, owner: antoine}}\n",
        ),
            ]), @r"
    error[needs-absent]: user/antoine is declared absent, and these need it: file//srv/x, group/ops, ssh_key/antoine
     --> policies/access.yml:4:9
      |
    4 | files: {/srv/x: {content: x, owner: antoine}}
      |         ^^^^^^ file//srv/x
      |
     ::: policies/access.yml:2:10
      |
    2 | groups: {ops: {members: [antoine]}}
      |          --- group/ops
      |
     ::: policies/access.yml:3:12
      |
    3 | ssh_keys: {antoine: {exclusive: false}}
      |            ------- ssh_key/antoine
      |
     ::: policies/former.yml:2:9
      |
    2 | users: {antoine: absent}
      |         ------- user/antoine
      |
      = note: on one
      = help: take what needs it out too, or declare it absent as well

    comply: 1 mistake
    ");
}

#[test]
fn one_path_is_one_thing() {
    insta::assert_snapshot!(check(&[
        ("policies/a.yml", "hosts: [all]\nfiles: {/srv/x: {content: x}, /srv/y: absent, /srv/z: absent}\n"),
        ("policies/b.yml", "hosts: [all]\ndirectories: {/srv/x: {mode: 0755}}\nlinks: {/srv/y: {target: /srv/x}}\n"),
            ]), @r"
    error[path-twice]: file//srv/x and directory//srv/x both say what is at /srv/x
     --> policies/a.yml:2:9
      |
    2 | files: {/srv/x: {content: x}, /srv/y: absent, /srv/z: absent}
      |         ^^^^^^ file//srv/x
      |
     ::: policies/b.yml:2:15
      |
    2 | directories: {/srv/x: {mode: 0755}}
      |               ------ directory//srv/x
      |
      = note: on one
      = help: keep one of them

    error[path-twice]: file//srv/y and link//srv/y both say what is at /srv/y
     --> policies/a.yml:2:31
      |
    2 | files: {/srv/x: {content: x}, /srv/y: absent, /srv/z: absent}
      |                               ^^^^^^ file//srv/y
      |
     ::: policies/b.yml:3:9
      |
    3 | links: {/srv/y: {target: /srv/x}}
      |         ------ link//srv/y
      |
      = note: on one
      = help: keep one of them

    comply: 2 mistakes
    ");
}

#[test]
fn what_a_kind_keeps_is_no_other_resources() {
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMhmQoEfltCPWnwB2NV8YcUi7y/iRWVbrofVVEWahAa2";
    let said = check(&[
        (
            "policies/a.yml",
            &format!(
                "hosts: [all]\ncompose: {{gg: {{source: stacks/b, path: /srv/b}}}}\n\
                sshd: {{MaxAuthTries: 4, MaxSessions: 5}}\nfail2ban: {{sshd: {{}}, recidive: {{logpath: /var/log/x}}}}\n\
                users: {{alice: {{home: /srv/alice}}}}\nssh_keys: {{root: {{keys: [{key}]}}, alice: {{keys: [{key}]}}}}\n"
            ),
        ),
        (
            "policies/b.yml",
            "hosts: [all]\ncompose: {hh: {source: stacks/b, path: /srv/b}}\nfiles:\n  /srv/b/compose.yml: {content: z}\n  \
             /etc/ssh/sshd_config.d/00-comply.conf: {content: a}\n  /etc/fail2ban/jail.d/zz-comply.local: absent\n  \
             /root/.ssh/authorized_keys: {content: a}\n  /srv/alice/.ssh/authorized_keys: {content: a}\n",
        ),
        ("stacks/b/compose.yml", "services: {}\n"),
    ]);
    let said: Vec<_> = said.lines().filter(|line| line.starts_with("error")).collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    error[path-twice]: compose/gg and compose/hh both say what is at /srv/b
    error[path-twice]: compose/gg and file//srv/b/compose.yml both say what is at /srv/b/compose.yml
    error[path-twice]: sshd/MaxAuthTries and file//etc/ssh/sshd_config.d/00-comply.conf both say what is at /etc/ssh/sshd_config.d/00-comply.conf
    error[path-twice]: fail2ban/sshd and file//etc/fail2ban/jail.d/zz-comply.local both say what is at /etc/fail2ban/jail.d/zz-comply.local
    error[path-twice]: ssh_key/root and file//root/.ssh/authorized_keys both say what is at /root/.ssh/authorized_keys
    error[path-twice]: ssh_key/alice and file//srv/alice/.ssh/authorized_keys both say what is at /srv/alice/.ssh/authorized_keys
    ");
}

#[test]
fn a_path_may_be_spoken_of_by_several_that_agree() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {}}\n"),
        (
            "policies/a.yml",
            "hosts: [all]\nsshd: {MaxAuthTries: 4, MaxSessions: 5}\nfail2ban: {sshd: {}, DEFAULT: {bantime: 1h}}\n\
             users: {alice: {home: /srv/shared}, bob: {home: /srv/shared}}\n\
             directories: {/srv/shared: {mode: 0750}, /srv/pad: {mode: 0750, exclusive: true}, /etc/ssh/sshd_config.d: {exclusive: true}}\n\
             compose: {pad: {source: stacks/pad, path: /srv/pad}, old: {state: absent}}\n\
             files: {/srv/pad/dropped.conf: absent, /srv/pad/data/own.conf: {content: x}}\n",
        ),
        ("stacks/pad/compose.yml", "services: {}\n"),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn who_is_put_into_a_group_is_one_of_its_members() {
    insta::assert_snapshot!(check(&[
        ("policies/a.yml", "hosts: [all]\ngroups: {ops: {members: [alice]}, dev: present, ppom: {members: []}}\n"),
        ("policies/b.yml", "hosts: [all]\nusers: {alice: {groups: [ops]}, ppom: {group: ppom, groups: [dev, ops]}}\n"),
            ]), @r"
    error[not-a-member]: user/ppom is to be in group/ops, whose `members` do not name it
     --> policies/b.yml:2:33
      |
    2 | users: {alice: {groups: [ops]}, ppom: {group: ppom, groups: [dev, ops]}}
      |                                 ^^^^ user/ppom
      |
     ::: policies/a.yml:2:10
      |
    2 | groups: {ops: {members: [alice]}, dev: present, ppom: {members: []}}
      |          --- group/ops
      |
      = note: on one
      = help: `members` lists everybody who is in the group: add the account there, or leave the group out here

    comply: 1 mistake
    ");
}

#[test]
fn what_only_the_host_can_tell_contradicts_nothing_yet() {
    let sandbox = Sandbox::new(&[
        ("inventory.yml", "hosts: {one: {}}\n"),
        (
            "policies/a.yml",
            "hosts: [all]\nusers: {ppom: {state: absent, when: os.version < 12}}\n\
             ssh_keys: {ppom: {exclusive: false, when: os.version >= 12}}\n\
             files: {/srv/x: {content: x, when: os.version < 12}}\n\
             directories: {/srv/x: {mode: 0755, when: os.version >= 12}}\n",
        ),
    ]);
    let ended = sandbox.comply(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}
