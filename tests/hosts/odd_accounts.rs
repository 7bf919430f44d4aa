//! Accounts, groups and rules as somebody's hand, and no tool, left them.

use crate::comply::Repo;
use crate::life::{DEBIANS, told};
use fleet::{Host, Image};

#[test]
fn a_lock_in_shadow_is_none_while_the_password_is_in_passwd() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(
            "useradd -m alice
             for name in emp star hashed; do useradd -m $name; usermod -L -e 1 $name; done
             sed -i -e 's/^emp:x:/emp::/' -e 's/^star:x:/star:*:/' -e 's/^hashed:x:/hashed:$6$a$b:/' /etc/passwd
             # As empty as that, it opens without a password.
             su alice -c 'su emp -c true' </dev/null",
        );
        let repo = Repo::new().host(&host).policy(
            "users: {emp: {locked: true}, star: {locked: true}, hashed: {locked: true, password: '*'}, alice: {locked: false}}",
        );
        let run = repo.audit();
        run.assert_code(2);
        let is = "not as /etc/shadow says: the password field in /etc/passwd is not `x`";
        for id in ["user/emp", "user/star"] {
            assert_eq!(told(run.resource(id)), [format!("locked: {is} → yes")], "{}", run.shown());
        }
        assert_eq!(told(run.resource("user/hashed")).len(), 2, "{}", run.shown());
        assert_eq!(run.verdict("user/alice"), "compliant");

        let run = repo.enforce();
        run.assert_code(4);
        for id in ["user/emp", "user/star", "user/hashed"] {
            let why = told(run.resource(id)).join("");
            assert!(why.contains("run pwconv, which moves all passwords to /etc/shadow"), "{}", run.shown());
        }
        // What can be locked is.
        host.sh_ok("! su alice -c 'su emp -c true' </dev/null; pwconv");
        let run = repo.enforce();
        run.assert_code(0);
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok(
            "! su alice -c 'su emp -c true' </dev/null; grep -q '^emp:x:' /etc/passwd; grep '^emp:!.*:1:$' /etc/shadow",
        );
    }
}

#[test]
fn a_shell_comes_with_its_package_or_not_at_all() {
    let host = Host::start(Image::Trixie);
    host.sh_ok("useradd -m old; useradd -m -s /usr/bin/no-shell gone; ! test -e /usr/bin/sl");
    let policy = "users: {old: {shell: /usr/games/sl, comment: Old}, new: {shell: /usr/games/sl}, gone: {shell: /usr/bin/no-shell}}";
    let repo = Repo::new().host(&host).policy(policy);
    let run = repo.audit();
    run.assert_code(2);
    let found = told(run.resource("user/gone"));
    assert_eq!(found, ["shell: /usr/bin/no-shell is not on this host → /usr/bin/no-shell"], "{}", run.shown());
    let run = repo.enforce();
    run.assert_code(4);
    for id in ["user/old", "user/new", "user/gone"] {
        let why = told(run.resource(id)).join("");
        assert!(why.contains("on this host, so sshd would let nobody in: declare the package"), "{}", run.shown());
    }
    host.sh_ok("getent passwd old | grep -qx '.*:Old:/home/old:/bin/sh'; ! getent passwd new");

    let repo = repo.policy(&format!("packages: [sl]\n{}", policy.replace(", gone: {shell: /usr/bin/no-shell}", "")));
    repo.enforce().assert_code(0).assert_all("changed");
    host.sh_ok("getent passwd old new | grep -c ':/usr/games/sl$' | grep -qx 2");
}

#[test]
fn nobody_is_told_to_end_the_processes_of_another_account() {
    let host = Host::start(Image::Bookworm);
    host.sh_ok("useradd -o -u 0 -g 0 -M toor");
    let repo = Repo::new().host(&host).policy("users: {toor: absent}");
    let run = repo.enforce();
    run.assert_code(4);
    let why = told(run.resource("user/toor")).join("");
    assert!(
        why.contains("its number 0 still run, which is that of root too") && !why.contains("pkill"),
        "{}",
        run.shown()
    );
    host.sh_ok("getent shadow toor | grep -q '^toor:!'; getent shadow root | grep -qv '^root:!'; sed -i 's/^toor:x:0:/toor:x:4711:/' /etc/passwd");
    repo.enforce().assert_code(0).assert_all("changed");
}

#[test]
fn whom_a_second_line_of_a_group_lists_is_in_it() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok(
            "for name in alice eve mallory zoe; do useradd -m $name; done
             printf '%s\n' dup:x:1779:alice other:x:1780:zoe twin:x:1780:eve dup:x:1779:eve,mallory >>/etc/group
             id -nG eve | grep -qw dup",
        );
        let repo = Repo::new().host(&host).policy(
            "groups: {dup: {members: [alice]}, other: {members: [zoe]}}\nusers: {alice: present, zoe: present, eve: {groups: [], exclusive: true}}",
        );
        let run = repo.audit();
        run.assert_code(2);
        assert_eq!(told(run.resource("group/dup")), ["members - eve", "members - mallory"], "{}", run.shown());
        assert_eq!(told(run.resource("group/other")), ["members - eve (through twin)"], "{}", run.shown());
        assert_eq!(told(run.resource("user/eve")), ["groups - dup", "groups - twin"], "{}", run.shown());
        let run = repo.enforce();
        run.assert_code(4);
        let why = told(run.resource("group/dup")).join("");
        assert!(why.contains("Multiple entries named 'dup' in /etc/group"), "{}", run.shown());
        host.sh_ok("sed -i -e '/^dup:x:1779:eve/d' -e '/^twin:/d' /etc/group");
        repo.audit().assert_code(0).assert_all("compliant");
    }
}

#[test]
fn a_rule_that_sudo_does_not_read_is_told() {
    for host in Host::start_all(&DEBIANS) {
        host.sh_ok("useradd -m alice; sed -i /includedir/d /etc/sudoers");
        let repo = Repo::new()
            .host(&host)
            .policy("sudoers: {late: {users: [alice], commands: [/usr/bin/true], nopasswd: true}, gone: absent}");
        let included = "included: /etc/sudoers does not include /etc/sudoers.d → read by sudo";
        let run = repo.audit();
        assert_eq!(told(run.resource("sudoers/late")), ["state: absent → present", included], "{}", run.shown());
        for _ in 0..2 {
            let run = repo.enforce();
            run.assert_code(2);
            let rule = run.resource("sudoers/late");
            assert_eq!(told(rule), [included], "{}", run.shown());
            assert!(rule.held.clone().unwrap_or_default().contains("(visudo)"), "{}", run.shown());
            assert_eq!(run.verdict("sudoers/gone"), "kept");
        }
        host.sh_ok("! su alice -c 'sudo -n /usr/bin/true'; echo '@includedir /etc/sudoers.d' >>/etc/sudoers");
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok("su alice -c 'sudo -n /usr/bin/true'");
    }
}
