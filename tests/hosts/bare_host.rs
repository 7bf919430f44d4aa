//! From nothing to everything in one run, and the order is nobody's business.

use crate::comply::Repo;
use crate::life::{DEBIANS, fits, told, untouched};
use fleet::Host;
use reports::Verdict;

const POLICY: &str = r#"
    packages: [comply-demo, memcached]
    groups:
      crew: {members: [alice, comply-demo]}
      demo-readers: present
    users:
      comply-demo: {home: /srv/demo, shell: /bin/sh, groups: [demo-readers]}
      alice: {group: crew, shell: /bin/bash}
      antoine: absent
    ssh_keys:
      comply-demo: {keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDvVFuSWZ/NyRjZO0PxdWw/dgVcNUASbgMGSOivVprSc]}
      alice: {keys_of: [comply-demo]}
    directories:
      /srv/app: present
      /srv/app/conf.d: {owner: comply-demo, group: crew, mode: 2750}
    files:
      /srv/app/conf.d/app.conf: {content: "port = 7000\n", owner: comply-demo, group: crew, mode: 0640}
      /etc/comply-demo.conf: {content: "port = 7001\n"}
      /etc/memcached.conf: {content: "-m 32\n-p 11211\n-u memcache\n-l 127.0.0.1\n", mode: 0644}
    links:
      /srv/app/current: {target: conf.d}
    services:
      comply-demo: {running: true, enabled: true, restart_on: [file//etc/comply-demo.conf, package/comply-demo]}
      memcached: {running: true, enabled: true, restart_on: [file//etc/memcached.conf]}
"#;

#[test]
fn a_bare_host_converges_in_one_enforce() {
    let hosts = Host::start_all(&DEBIANS);
    let repo = hosts.iter().fold(Repo::new(), Repo::host).policy(POLICY);

    let (bare, touched) = untouched(&hosts, || repo.audit());
    assert_eq!(touched, Vec::<String>::new());
    bare.assert_code(2);
    for resource in bare.report().hosts.iter().flat_map(|host| &host.resources) {
        let wanted = match resource.id.as_str() {
            "user/antoine" => &[Verdict::Compliant][..],
            // Nobody can say anything of the keys of accounts that are not there.
            id if id.starts_with("ssh_key/") => &[Verdict::Blocked],
            _ => &[Verdict::Drift],
        };
        assert!(wanted.contains(&resource.verdict), "{resource:#?}{}", bare.shown());
    }
    for host in &hosts {
        let key = bare.resource_on(host.name(), "ssh_key/alice");
        assert!(fits("blocked by user/alice…", &told(key).join("")), "{}", bare.shown());
    }

    let run = repo.enforce();
    run.assert_code(0);
    let left: Vec<_> = run.report().hosts.iter().flat_map(|host| &host.resources).collect();
    let left: Vec<_> = left
        .into_iter()
        .filter(|resource| resource.id != "user/antoine" && resource.verdict != Verdict::Changed)
        .collect();
    assert!(left.is_empty(), "{left:#?}{}", run.shown());
    for host in &hosts {
        host.sh_ok(
            r#"set -eux
            test "$(getent passwd comply-demo | cut -d: -f6,7)" = /srv/demo:/bin/sh
            test "$(id -u comply-demo)" -lt 1000
            id -nG comply-demo | grep -w demo-readers | grep -w crew
            test "$(stat -c '%U %a' /srv/demo/.ssh/authorized_keys)" = 'comply-demo 600'
            ssh-keygen -lf /home/alice/.ssh/authorized_keys
            test "$(stat -c '%U %G %a' /srv/app/conf.d)" = 'comply-demo crew 2750'
            test "$(stat -c '%U %G %a' /srv/app/conf.d/app.conf)" = 'comply-demo crew 640'
            systemctl is-active comply-demo memcached
            systemctl is-enabled comply-demo memcached
            ps -o args= -C memcached | grep -e '-m 32'
            test "$(dpkg-query -W -f '${db:Status-Status}' memcached)" = installed"#,
        );
    }
    let (again, touched) = untouched(&hosts, || repo.enforce());
    again.assert_code(0).assert_all("kept");
    assert_eq!(touched, Vec::<String>::new());
    repo.audit().assert_code(0).assert_all("compliant");
}

#[test]
fn what_a_failed_package_was_to_bring_is_blocked_and_the_rest_goes_on() {
    let host = Host::start(fleet::Image::Bookworm);
    host.sh_ok("sed -i 's/^deb/#deb/' /etc/apt/sources.list; rm -r /srv/repo; apt-get -q update");
    let repo = Repo::new().host(&host).policy(
        "
        packages: [memcached]
        services: {memcached: {running: true, restart_on: [package/memcached]}, cron: {running: true}}
        users: {alice: present}
        ",
    );
    let run = repo.enforce();
    run.assert_code(4);
    assert_eq!(run.verdict("package/memcached"), "failed", "{}", run.shown());
    assert_eq!(told(run.resource("service/memcached")), ["blocked by package/memcached: failed"], "{}", run.shown());
    assert_eq!(run.verdict("user/alice"), "changed");
    assert_eq!(run.verdict("service/cron"), "kept");
}
