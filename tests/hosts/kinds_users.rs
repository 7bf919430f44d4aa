//! Groups, accounts and their keys.

use crate::comply::Repo;
use crate::life::{Case, DEBIANS, told};
use fleet::{Host, Image};

pub const GROUP: Case = Case {
    kind: "group",
    policy: "
        groups:
          team: {members: [alice, bob]}
          fresh: {gid: 1700, members: [alice]}
          wrong: {gid: 1701}
          former: absent
          never: absent
          left: absent
          ended: absent
          services: {system: true}
          old-services: {system: true}
          primary: {members: [carol]}
          carol: {members: []}
          emptied: {members: []}
        users: {alice: present, bob: present, carol: present, mover: {group: services}, leaver: absent}
    ",
    files: &[],
    broken: r"
        groupadd primary
        for name in alice bob mallory; do useradd -m $name; done
        useradd -m -g primary carol
        groupadd carol
        groupadd team
        # A member that is no account, and /etc/gshadow knows nothing of it.
        sed -i 's/^\(team:.*:\)$/\1alice,mallory,ghost/' /etc/group
        groupadd -g 1799 wrong
        groupadd former
        usermod -aG former bob
        groupadd left
        groupadd ended
        useradd -m -g left mover
        useradd -m -g ended leaver
        groupadd -r old-services
        groupadd emptied
        usermod -aG emptied alice
    ",
    destroys: &[],
    found: &[
        ("group/team", &["members + bob", "members - ghost", "members - mallory"]),
        ("group/fresh", &["state: absent → present", "members + alice"]),
        ("group/wrong", &["gid: 1799 → 1701"]),
        ("group/former", &["state: present → absent"]),
        ("group/left", &["state: present → absent"]),
        ("group/ended", &["state: present → absent"]),
        ("user/mover", &["group: left → services"]),
        ("user/leaver", &["state: present → absent"]),
        ("group/services", &["state: absent → present"]),
        ("group/emptied", &["members - alice"]),
    ],
    proof: r#"
        test "$(getent group team | cut -d: -f4)" = alice,bob
        test "$(grep ^team: /etc/gshadow | cut -d: -f4)" = alice,bob
        test "$(getent group fresh)" = fresh:x:1700:alice
        test "$(getent group wrong)" = wrong:x:1701:
        ! getent group former
        ! getent group left
        ! getent group ended
        test "$(getent group services | cut -d: -f3)" -lt 1000
        test "$(getent group emptied | cut -d: -f4)" = ""
        id -nG mallory | grep -qx mallory
        grpck -r
    "#,
};

pub const USER: Case = Case {
    kind: "user",
    policy: "
        groups: {ops: present}
        users:
          newcomer:
            uid: 1801
            group: ops
            groups: [audio, video]
            shell: /bin/bash
            home: /srv/home/newcomer
            comment: New Comer, desk 3
            password: $6$comply.test$cvmjxU5pxqo6l6WnsZsoZIzMxVB7Lw.sALq/PDMfwo38.angL2qyAj5Bf7S5baPp8ocCg7QS8UZnIvqz4.4vY0
            expires: 2041-05-01
          agent: {system: true, home: /var/lib/agent, create_home: false, shell: /usr/sbin/nologin}
          suspended: {locked: true}
          antoine: {state: absent, remove_home: true}
          nobody-here: absent
          renumbered: {uid: 1802}
          moved: {home: /srv/home/moved, move_home: true}
          relocated: {home: /srv/home/relocated}
          homeless: present
          grouped: {group: ops, groups: [audio], exclusive: true}
          by-number: {group: 100, groups: [29]}
          shelly: {shell: /bin/bash, comment: Shelly}
          locked: {locked: true}
          half-locked: {locked: true}
          unlocked: {locked: false}
          revived: {locked: false}
          expired: {expires: never}
          expiring: {expires: 2041-05-01}
          other-password: {password: $6$comply.test$cvmjxU5pxqo6l6WnsZsoZIzMxVB7Lw.sALq/PDMfwo38.angL2qyAj5Bf7S5baPp8ocCg7QS8UZnIvqz4.4vY0}
          no-password: {password: '*'}
          young-password: {password_age: 90d}
    ",
    files: &[],
    broken: r"
        hash='$6$other$Y5LoSTyNQzRV4NBiYTkOg3ZiGNfYhGyLYzN0Dg4pDSgvpYRTjoqrzYuGw0pMhOEbNl8ZyYQRjtJVkCBDfXjXS0'
        for name in antoine renumbered moved relocated homeless grouped shelly locked half-locked unlocked revived \
            expired expiring other-password no-password young-password; do
            useradd -m $name
            echo $name:$hash | chpasswd -e
        done
        useradd -m -g 100 -G audio by-number
        touch /home/antoine/old-work /home/moved/work /home/relocated/work
        usermod -u 1999 renumbered
        rm -r /home/homeless
        usermod -aG video,games grouped
        usermod -s '' shelly
        usermod -L half-locked
        usermod -L -e 1 unlocked
        usermod -e 2020-01-01 revived
        usermod -e 2020-01-01 expired
    ",
    destroys: &["user/antoine"],
    found: &[
        ("group/ops", &["state: absent → present"]),
        ("user/newcomer", &["state: absent → present"]),
        ("user/agent", &["state: absent → present"]),
        ("user/suspended", &["state: absent → present"]),
        ("user/antoine", &["state: present → absent"]),
        ("user/renumbered", &["uid: 1999 → 1802"]),
        ("user/moved", &["home: /home/moved → /srv/home/moved"]),
        ("user/relocated", &["home: /home/relocated → /srv/home/relocated"]),
        ("user/homeless", &["create_home: /home/homeless does not exist → a directory"]),
        ("user/grouped", &["group: grouped → ops", "groups + audio", "groups - games", "groups - video"]),
        ("user/shelly", &["shell: /bin/sh → /bin/bash", "comment:  → Shelly"]),
        ("user/locked", &["locked: no → yes"]),
        ("user/half-locked", &["locked: the password only → yes"]),
        ("user/unlocked", &["locked: yes → no"]),
        ("user/revived", &["locked: expired only → no"]),
        ("user/expired", &["expires: 2020-01-01 → never"]),
        ("user/expiring", &["expires: never → 2041-05-01"]),
        ("user/other-password", &["password (secret)"]),
        ("user/no-password", &["password (secret)"]),
    ],
    proof: r#"
        shadow() { getent shadow "$1" | cut -d: -f2; }
        expires() { getent shadow "$1" | cut -d: -f8; }
        test "$(getent passwd newcomer)" = "newcomer:x:1801:$(getent group ops | cut -d: -f3):New Comer, desk 3:/srv/home/newcomer:/bin/bash"
        test "$(id -nG newcomer)" = 'ops audio video'
        test "$(stat -c '%U %G %F' /srv/home/newcomer)" = 'newcomer ops directory'
        test -f /srv/home/newcomer/.bashrc
        case $(shadow newcomer) in '$6$comply.test$'*) ;; *) exit 1 ;; esac
        test "$(expires newcomer)" = 26053
        test "$(id -u agent)" -lt 1000
        test ! -e /var/lib/agent
        test "$(expires suspended)" = 1
        ! getent passwd antoine
        test ! -e /home/antoine
        test "$(id -u renumbered) $(stat -c %u /home/renumbered)" = '1802 1802'
        test -f /srv/home/moved/work
        test ! -e /home/moved
        test "$(stat -c %U /srv/home/relocated)" = relocated
        test -f /home/relocated/work
        test "$(stat -c %U /home/homeless)" = homeless
        test "$(id -nG grouped)" = 'ops audio'
        test "$(getent passwd shelly | cut -d: -f5,7)" = Shelly:/bin/bash
        for name in locked half-locked; do
            case $(shadow $name) in !*) ;; *) exit 1 ;; esac
            test "$(expires $name)" = 1
        done
        for name in unlocked revived; do
            case $(shadow $name) in '$6$other$'*) ;; *) exit 1 ;; esac
            test "$(expires $name)" = ''
        done
        test "$(expires expired)" = ''
        test "$(expires expiring)" = 26053
        case $(shadow other-password) in '$6$comply.test$'*) ;; *) exit 1 ;; esac
        test "$(shadow no-password)" = '*'
        pwck -r -q | grep -v -e ': directory ' -e ': no changes' >/run/pwck || :
        test ! -s /run/pwck
    "#,
};

macro_rules! key {
    (alice) => {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvVFuSWZ/NyRjZO0PxdWw/dgVcNUASbgMGSOivVprSc"
    };
    (laptop) => {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHgR+I48zwjEOb7pd0jbgeS9vLQBwESDmUiaEXVTgfXK"
    };
    (bob) => {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILqoWYhVIpgGsGCOW8qGYxvX0qGAhaAfikfK7JstEEEo"
    };
    (stolen) => {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMoQgf4XxGQOH3jysV7hTu+ha3fk2qv/ukcGwEghkkNm"
    };
    (unlisted) => {
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAxmWvI0z2P9xCVh7j6GyAKe+KLjiFERUXlxPid0hAN4"
    };
}

pub const SSH_KEY: Case = Case {
    kind: "ssh_key",
    policy: concat!(
        "
        users: [alice, bob, carol, dave, erin, frank, grace, heidi, ivan]
        directories:
          /etc/ssh/keys: {mode: 0755}
        ssh_keys:
          alice:
            keys:
              - ",
        key!(alice),
        " alice@desk
              - restrict,pty,command=\"echo \\\"only this\\\"\" ",
        key!(laptop),
        " alice@laptop
          bob: {keys: [",
        key!(bob),
        " bob@home]}
          carol: {keys: [",
        key!(bob),
        "]}
          dave: {absent_keys: ['SHA256:7fgGvxebQlMH6AlNfVTp7rHLSnDzEavSoKldZZcnaKw']}
          erin: {keys: [",
        key!(bob),
        "], exclusive: false}
          frank: {keys_of: [alice, bob]}
          grace: {keys: [",
        key!(bob),
        "], path: /etc/ssh/keys/%u}
          heidi: {keys: [",
        key!(bob),
        "]}
          ivan: {keys: [",
        key!(bob),
        "]}
    "
    ),
    files: &[],
    broken: concat!(
        "
        for name in alice bob carol dave erin frank grace heidi ivan; do useradd -m $name; done
        keys() { # account, and lines on standard input
            mkdir -p -m 700 /home/$1/.ssh
            cat >/home/$1/.ssh/authorized_keys
            chmod 600 /home/$1/.ssh/authorized_keys
            chown -R $1: /home/$1/.ssh
        }
        keys alice <<'.'
# a remark stays
",
        key!(alice),
        " another comment
no-agent-forwarding ",
        key!(laptop),
        " alice@laptop

",
        key!(unlisted),
        " who is this?
not a key at all
.
        printf '%s\\n' '",
        key!(unlisted),
        " second' '",
        key!(alice),
        "' >/home/alice/.ssh/authorized_keys2
        printf '%s' '",
        key!(bob),
        " without a newline' | keys carol
        chmod 777 /home/carol/.ssh
        chmod 666 /home/carol/.ssh/authorized_keys
        chown 12345:12345 /home/carol/.ssh/authorized_keys
        printf '%s\\n' '",
        key!(stolen),
        " dave@stolen' '",
        key!(unlisted),
        " dave' | keys dave
        cp -p /home/dave/.ssh/authorized_keys /home/dave/.ssh/authorized_keys2
        printf '%s\\n' '",
        key!(unlisted),
        " erin' | keys erin
        printf '%s\\n' '",
        key!(alice),
        "' 'from=\"192.0.2.1\" ",
        key!(bob),
        "' | keys frank
        mkdir /etc/ssh/keys
        printf '%s\\n' '",
        key!(unlisted),
        "' >/etc/ssh/keys/grace
        mkdir -m 700 /home/heidi/.ssh /home/heidi/elsewhere
        printf '%s\\n' '",
        key!(unlisted),
        " heidi' >/home/heidi/elsewhere/keys
        ln -s ../elsewhere/keys /home/heidi/.ssh/authorized_keys
        chown -hR heidi: /home/heidi
        printf '%s\\n' '",
        key!(bob),
        "' | keys ivan
        chmod 775 /home/ivan
    "
    ),
    destroys: &[],
    found: &[
        (
            "ssh_key/alice",
            &[
                "keys + SHA256:Ku3RiCNIbaJKZJ5BL+qrkMJ4ndl6xupOxqtT2NKcvf4 alice@laptop with …",
                "keys - SHA256:Ku3RiCNIbaJKZJ5BL+qrkMJ4ndl6xupOxqtT2NKcvf4 alice@laptop with no-agent-forwarding",
                "keys - SHA256:I0XHrWq0oCaYcj21mxY8wag5G5KbybexYHZUcGAAlAY who is this?",
                "keys - a line that is no key: not a key at all",
                "keys - SHA256:I0XHrWq0oCaYcj21mxY8wag5G5KbybexYHZUcGAAlAY second, in /home/alice/.ssh/authorized_keys2",
            ],
        ),
        ("ssh_key/bob", &["keys + SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg bob@home"]),
        (
            "ssh_key/carol",
            &["path: …/home/carol/.ssh is 0777 of uid … → owned by root or uid … and writable by nobody else"],
        ),
        (
            "ssh_key/dave",
            &[
                "absent_keys - SHA256:7fgGvxebQlMH6AlNfVTp7rHLSnDzEavSoKldZZcnaKw dave@stolen",
                "absent_keys - SHA256:7fgGvxebQlMH6AlNfVTp7rHLSnDzEavSoKldZZcnaKw dave@stolen, in /home/dave/.ssh/authorized_keys2",
            ],
        ),
        ("ssh_key/erin", &["keys + SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg"]),
        (
            "ssh_key/frank",
            &[
                "keys + SHA256:Ku3RiCNIbaJKZJ5BL+qrkMJ4ndl6xupOxqtT2NKcvf4 alice@laptop with …",
                "keys + SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg bob@home",
                "keys - SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg with from=\"192.0.2.1\"",
            ],
        ),
        (
            "ssh_key/grace",
            &[
                "keys + SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg",
                "keys - SHA256:I0XHrWq0oCaYcj21mxY8wag5G5KbybexYHZUcGAAlAY",
            ],
        ),
        (
            "ssh_key/heidi",
            &[
                "keys + SHA256:QjCyXEUn70olQOQSN2kFRiXXT2m3RMZdybGiVAeRSsg",
                "keys - SHA256:I0XHrWq0oCaYcj21mxY8wag5G5KbybexYHZUcGAAlAY heidi",
            ],
        ),
        ("ssh_key/ivan", &["path: /home/ivan is 0775 of uid … → owned by root or uid … and writable by nobody else"]),
    ],
    proof: r#"
        file() { echo "/home/$1/.ssh/authorized_keys"; }
        test "$(grep -c ssh-ed25519 $(file alice))" = 2
        grep -qx '# a remark stays' $(file alice)
        grep -q '^restrict,pty,command="echo \\"only this\\"" ' $(file alice)
        ! grep -q 'not a key' $(file alice)
        test "$(stat -c '%U %a' /home/bob/.ssh)" = 'bob 700'
        test "$(stat -c '%U %a' $(file bob))" = 'bob 600'
        test "$(stat -c '%U %a' /home/carol/.ssh)" = 'carol 755'
        test "$(stat -c '%U %a' $(file carol))" = 'carol 644'
        test "$(wc -l <$(file dave))" = 1
        test "$(wc -l <$(file erin))" = 2
        test "$(wc -l <$(file frank))" = 3
        test "$(stat -c '%U %a' /etc/ssh/keys/grace)" = 'root 644'
        test -L $(file heidi)
        test "$(wc -l </home/heidi/elsewhere/keys)" = 1
        test "$(stat -c %a /home/ivan)" = 755
        # What sshd makes of them.
        for name in alice bob carol dave erin frank heidi ivan; do
            su -s /bin/sh $name -c "ssh-keygen -lf $(file $name)"
        done
    "#,
};

#[test]
fn a_group_that_cannot_be_put_right_fails_in_words_and_the_others_are_put_right() {
    let host = Host::start(Image::Trixie);
    host.sh_ok("groupadd team; useradd -m -g team outsider; groupadd -g 5000 number; useradd -m owner");
    let repo = Repo::new().host(&host).policy(
        "
        groups:
          team: {members: []}
          number: {system: true}
          strangers: {members: [nobody-knows]}
          owner: absent
          fine: present
        ",
    );
    let run = repo.enforce();
    run.assert_code(4);
    for (id, reason) in [
        ("group/team", "it is the primary group of outsider: give that account another `group` in `users`"),
        (
            "group/number",
            "its number says otherwise, and a new one would leave its files behind; write the `gid` it must have",
        ),
        ("group/strangers", "no such account here: nobody-knows; declare it in `users`"),
    ] {
        assert_eq!(told(run.resource(id)), [format!("failed: {reason}")], "{}", run.shown());
    }
    let why = told(run.resource("group/owner")).join("");
    assert!(why.contains("could not remove the group: ") && why.contains("primary group of user 'owner'"), "{why}");
    assert_eq!(run.verdict("group/fine"), "changed", "{}", run.shown());
}

#[test]
fn an_account_with_processes_stays_locked_until_they_end() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(
            "useradd -m -s /bin/sh antoine; setpriv --reuid antoine --clear-groups sleep 1000 >/dev/null 2>&1 &",
        );
        let repo = Repo::new().host(&host).policy("users: {antoine: absent}");
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("user/antoine")).join("");
        assert!(
            why.contains("processes of antoine still run: sleep (") && why.contains("the account is locked"),
            "{why}"
        );
        assert_eq!(host.sh_ok("getent shadow antoine | cut -d: -f8").trim(), "1");
        assert!(host.sh("getent shadow antoine | cut -d: -f2").stdout.starts_with('!'));

        host.sh_ok("kill $(ps -o pid= -u antoine)");
        repo.enforce().assert_code(0).assert_all("changed");
        // Its home was not spoken of.
        host.sh_ok("! getent passwd antoine && test -d /home/antoine");
    }
}

#[test]
fn a_home_is_destroyed_only_where_it_is_allowed_by_name() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("useradd -m antoine; touch /home/antoine/thesis");
    let repo = Repo::new().host(&host).policy("users: {antoine: {state: absent, remove_home: true}}");
    let run = repo.enforce();
    run.assert_code(2);
    let held = run.resource("user/antoine").held.clone().unwrap_or_default();
    assert!(held.contains("--allow-destroy 'user/antoine'") && held.contains("/home/antoine"), "{}", run.shown());
    host.sh_ok("getent passwd antoine && test -f /home/antoine/thesis");
    repo.run(&["enforce", "--yes", "--allow-destroy=user/*"]).assert_code(0).assert_all("changed");
    host.sh_ok("! getent passwd antoine && test ! -e /home/antoine");
}

#[test]
fn what_only_a_person_can_put_right_about_an_account_is_said() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok(
        "for name in old numbered; do useradd -m $name; done
         echo 'old:$6$salt$abcdefghijklmnopqrstuvwxyz' | chpasswd -e; chage -d 2020-01-01 old",
    );
    let repo = Repo::new().host(&host).policy(
        "users: {old: {password_age: 90d, shell: /bin/bash}, numbered: {system: true}, stranger: {groups: [no-such-group]}}",
    );
    let run = repo.audit();
    run.assert_code(2);
    let age = told(run.resource("user/old")).join("\n");
    assert!(age.contains("password_age: ") && age.contains("d → 90d"), "{}", run.shown());
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("user/numbered")).join("");
    assert!(why.contains("write the `uid` it must have"), "{}", run.shown());
    let why = told(run.resource("user/old")).join("");
    assert!(why.contains("passwd") && why.starts_with("failed"), "{}", run.shown());
    let why = told(run.resource("user/stranger")).join("");
    assert!(why.contains("no-such-group"), "{}", run.shown());
    assert_eq!(host.sh_ok("getent passwd old | cut -d: -f7").trim(), "/bin/bash");
}

#[test]
fn the_key_this_session_stands_on_is_never_removed() {
    let host = Host::start(Image::Trixie);
    let repo = Repo::new().host(&host).policy(concat!("ssh_keys: {root: {keys: [", key!(alice), "]}}"));
    let before = host.sh_ok("cat /root/.ssh/authorized_keys");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("ssh_key/root")).join("");
    assert!(why.contains("this session was opened with the key SHA256:"), "{why}");
    assert_eq!(host.sh_ok("cat /root/.ssh/authorized_keys"), before);
}
