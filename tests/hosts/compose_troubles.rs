//! What goes wrong with Compose projects, and what must not be done about it.

use crate::comply::{Repo, Run};
use crate::kinds_compose::engine;
use crate::life::{COUNTED, DOCKERS, sessions, told, untouched};
use fleet::{Host, Image};
use std::fs;

/// Runs a test on both versions of Compose at once, each on a host with the image `base:1`.
pub fn on_both(test: impl Fn(&Host) + Sync) {
    std::thread::scope(|scope| {
        for image in DOCKERS {
            let test = &test;
            scope.spawn(move || test(&host(image)));
        }
    });
}

fn host(image: Image) -> Host {
    let host = Host::start(image);
    sh(&host, "image base:1");
    host
}

/// Runs a script with what [`engine`] offers.
pub fn sh(host: &Host, script: &str) -> String {
    host.sh_ok(&format!("set -eu\n{}\n{script}", engine!()))
}

/// The ids of a service's containers.
pub fn ids(host: &Host, service: &str) -> String {
    sh(host, &format!("of {service} | sort"))
}

/// Why a resource failed.
pub fn why(run: &Run, id: &str) -> String {
    let told = told(run.resource(id)).join("\n");
    assert!(told.starts_with("failed: "), "{told}{}", run.shown());
    told
}

const SLEEPS: &str = r#"image: "base:1", network_mode: none, command: [sleep, "100000"], init: true"#;

#[test]
fn what_does_not_run_is_failed_with_its_last_words() {
    on_both(|host| {
        let service = |fields: &str| format!("services: {{it: {{image: \"base:1\", init: true, {fields}}}}}\n");
        let repo = Repo::new()
            .host(host)
            .file("stacks/sick/compose.yml", service(r#"command: [sh, -c, "echo no database; sleep 100000"], healthcheck: {test: [CMD, busybox, "false"], interval: 1s, retries: 2}"#))
            .file("stacks/looping/compose.yml", service(r#"command: [sh, -c, "echo port taken; exit 3"], restart: always"#))
            .file("stacks/ending/compose.yml", service(r#"command: [sh, -c, "echo wrong password; exit 4"]"#))
            .file("stacks/unknown/compose.yml", "services: {it: {image: \"nowhere:9\"}}\n")
            .file("stacks/fine/compose.yml", service(r#"command: [sleep, "100000"]"#))
            .policy(
                r#"
                compose:
                  sick: {source: stacks/sick, path: /srv/sick}
                  looping: {source: stacks/looping, path: /srv/looping, wait: 3s}
                  ending: {source: stacks/ending, path: /srv/ending}
                  unknown: {source: stacks/unknown, path: /srv/unknown, pull: never}
                  fine: {source: stacks/fine, path: /srv/fine}
                "#,
            );
        let run = repo.enforce();
        run.assert_code(4);
        assert_eq!(run.verdict("compose/fine"), "changed", "{}", run.shown());
        for (id, words) in [
            ("compose/sick", "it is unhealthy; the end of its log: no database"),
            ("compose/looping", "; the end of its log: port taken"),
            ("compose/ending", "it is exited (4); the end of its log: wrong password"),
            ("compose/unknown", "the image nowhere:9 is not on the host, and the policy says pull: never"),
        ] {
            assert!(why(&run, id).contains(words), "{words}{}", run.shown());
        }
    });
}

#[test]
fn containers_under_another_name_are_named_and_not_doubled() {
    on_both(|host| {
        sh(
            host,
            &format!(
                "mkdir /srv/pad; echo 'services: {{it: {{{SLEEPS}}}}}' >/srv/pad/compose.yml; cd /srv/pad; compose -p old -f compose.yml up -d"
            ),
        );
        let repo = Repo::new()
            .host(host)
            .file("stacks/pad/compose.yml", format!("services: {{it: {{{SLEEPS}}}}}\n"))
            .policy("compose: {pad: {source: stacks/pad, path: /srv/pad}}");
        let run = repo.audit();
        run.assert_code(2);
        assert_eq!(told(run.resource("compose/pad")), ["project: old (1 container of this directory) → pad"]);
        let run = repo.enforce();
        run.assert_code(4);
        let words = "of this directory belong to the project old; name this resource so, or take them down first";
        assert!(why(&run, "compose/pad").contains(words), "{}", run.shown());
        assert_eq!(host.sh_ok("docker ps -aq | wc -l").trim(), "1");
    });
}

#[test]
fn a_change_reaches_those_whom_it_concerns_and_the_plan_names_them() {
    on_both(|host| {
        let stack = format!(
            "services:\n  seen: {{{SLEEPS}, volumes: [\"./conf:/conf:ro\"]}}\n  named: {{{SLEEPS}, environment: {{TOKEN: \"${{TOKEN}}\"}}}}\n  \
             read: {{{SLEEPS}, env_file: [read.env]}}\n  other: {{{SLEEPS}}}\n"
        );
        let policy = |token: &str| {
            format!("compose: {{pad: {{source: stacks/pad, path: /srv/a/pad, env: {{TOKEN: {token}}}}}}}")
        };
        let repo = Repo::new()
            .host(host)
            .file("stacks/pad/compose.yml", &stack)
            .file("stacks/pad/conf/app.conf", "one\n")
            .file("stacks/pad/read.env", "COLOUR=red\n")
            .policy(&policy("first-token"));
        repo.enforce().assert_code(0).assert_all("changed");
        let all = || ["seen", "named", "read", "other"].map(|service| ids(host, service));
        let first = all();

        let repo = repo.file("stacks/pad/conf/app.conf", "two\n");
        let run = repo.audit();
        assert_eq!(told(run.resource("compose/pad")), ["files/conf/app.conf:\n@@ -1 +1 @@\n-one\n+two\n"]);
        let run = repo.enforce();
        run.assert_code(0).assert_all("changed");
        assert!(run.errors.contains("recreates pad/seen") && !run.errors.contains("pad/named"), "{}", run.shown());
        let second = all();
        assert_ne!(first[0], second[0]);
        assert_eq!(first[1..], second[1..]);
        assert_eq!(sh(host, "docker exec $(of seen) busybox cat /conf/app.conf"), "two\n");

        let repo = repo.policy(&policy("second-token")).file("stacks/pad/read.env", "COLOUR=green\n");
        let run = repo.audit();
        let wrong = "made from another configuration → made from the policy's";
        let expected = [
            "files/.env (secret)".to_owned(),
            "files/read.env:\n@@ -1 +1 @@\n-COLOUR=red\n+COLOUR=green\n".to_owned(),
            format!("services/named: {wrong}"),
            format!("services/read: {wrong}"),
        ];
        assert_eq!(told(run.resource("compose/pad")), expected, "{}", run.shown());
        let run = repo.enforce();
        run.assert_code(0).assert_all("changed");
        assert!(!run.shown().contains("-token"), "{}", run.shown());
        let third = all();
        assert!(third[1] != second[1] && third[2] != second[2]);
        assert_eq!((&third[0], &third[3]), (&second[0], &second[3]));
        assert_eq!(sh(host, "docker exec $(of read) busybox sh -c 'echo $COLOUR'"), "green\n");

        // What Compose refuses is not put in place.
        let repo = repo.file("stacks/pad/compose.yml", format!("{stack}  broken: {{imagine: 1}}\n"));
        let run = repo.enforce();
        run.assert_code(4);
        assert!(why(&run, "compose/pad").contains("Compose refuses these files: "), "{}", run.shown());
        assert_eq!(host.sh_ok("cat /srv/a/pad/compose.yml"), stack);
        assert_eq!(all(), third);
        let repo = repo.file("stacks/pad/compose.yml", &stack);
        repo.enforce().assert_code(0).assert_all("kept");
    });
}

#[test]
fn a_file_that_the_repository_has_lost_is_told_and_left_to_people() {
    on_both(|host| {
        let stack = format!("services: {{seen: {{{SLEEPS}, volumes: [\"./conf:/conf:ro\"]}}, other: {{{SLEEPS}}}}}\n");
        let repo = Repo::new()
            .host(host)
            .file("stacks/pad/compose.yml", &stack)
            .file("stacks/pad/conf/one.conf", "one\n")
            .file("stacks/pad/conf/two.conf", "two\n")
            .policy("compose: {pad: {source: stacks/pad, path: /srv/pad}}");
        repo.enforce().assert_code(0).assert_all("changed");
        host.sh_ok("echo by hand >/srv/pad/conf/own.conf");
        repo.enforce().assert_code(0).assert_all("kept");

        fs::remove_file(repo.path().join("stacks/pad/conf/two.conf")).unwrap();
        let lost = ["files/conf/two.conf: no longer in the repository → absent"];
        let run = repo.audit();
        run.assert_code(2);
        assert_eq!(told(run.resource("compose/pad")), lost);
        assert!(run.text.contains("remove it yourself") && !run.text.contains("next:"), "{}", run.shown());
        let before = ["seen", "other"].map(|service| ids(host, service));
        let run = repo.enforce();
        run.assert_code(2);
        assert_eq!(told(run.resource("compose/pad")), lost);
        assert!(run.text.contains("remove it yourself"), "{}", run.shown());
        assert_eq!(["seen", "other"].map(|service| ids(host, service)), before);

        // What else differs is put right all the same, and what needs the project has its turn.
        let repo = repo.file("stacks/pad/conf/three.conf", "three\n").policy(
            "compose: {pad: {source: stacks/pad, path: /srv/pad}}\n\
             files: {/srv/after: {content: x, requires: [compose/pad]}}",
        );
        sh(host, "docker kill $(of other)");
        let run = repo.enforce();
        run.assert_code(2);
        assert_eq!(told(run.resource("compose/pad")), lost, "{}", run.shown());
        assert_eq!(run.verdict("file//srv/after"), "changed");
        assert_eq!(host.sh_ok("cat /srv/pad/conf/*"), "one\nby hand\nthree\ntwo\n");
        assert_eq!(ids(host, "other"), before[1]);
        assert_eq!(told(repo.audit().resource("compose/pad")), lost);

        // Somebody removes it; or the policy does.
        host.sh_ok("cp -a /srv/pad/conf/two.conf /root/two; rm /srv/pad/conf/two.conf");
        repo.audit().assert_code(0).assert_all("compliant");
        host.sh_ok("mv /root/two /srv/pad/conf/two.conf");
        repo.audit().assert_code(2);
        let repo = repo.policy(
            "compose: {pad: {source: stacks/pad, path: /srv/pad}}\n\
             files: {/srv/pad/conf/two.conf: absent, /srv/after: {content: x}}",
        );
        assert_eq!(repo.enforce().verdict("file//srv/pad/conf/two.conf"), "changed");
        repo.audit().assert_code(0).assert_all("compliant");
    });
}

#[test]
fn images_come_from_a_registry_and_a_newer_one_is_found_once_it_is_there() {
    on_both(|host| {
        sh(
            host,
            "sed -i '/^auth:/,/path:/d' /etc/docker/registry/config.yml; systemctl start docker-registry; image localhost:5000/app:1",
        );
        host.sh_ok("tries=0; until docker push -q localhost:5000/app:1; do tries=$((tries + 1)); [ $tries -lt 50 ] || exit 1; sleep 0.2; done; docker rmi localhost:5000/app:1");
        let repo = |pull: &str| {
            Repo::new()
                .host(host)
                .file("stacks/app/compose.yml", "services:\n  app: {image: \"localhost:5000/app:1\", command: [sleep, \"100000\"], init: true}\n  base: {image: \"base:1\", command: [sleep, \"100000\"], init: true}\n")
                .policy(&format!("compose: {{app: {{source: stacks/app, path: /srv/app, pull: {pull}}}}}"))
        };
        let run = repo("never").enforce();
        run.assert_code(4);
        assert!(
            why(&run, "compose/app").contains("the image localhost:5000/app:1 is not on the host"),
            "{}",
            run.shown()
        );
        repo("missing").enforce().assert_code(0);
        let base = ids(host, "base");

        sh(host, "image localhost:5000/app:1; docker push -q localhost:5000/app:1");
        let run = repo("missing").audit();
        assert_eq!(
            told(run.resource("compose/app")),
            ["services/app: runs an older image of localhost:5000/app:1 → the current image"]
        );
        let run = repo("missing").enforce();
        run.assert_code(0).assert_all("changed");
        assert!(run.errors.contains("recreates app/app"), "{}", run.shown());
        assert_eq!(ids(host, "base"), base);
        sh(
            host,
            "test $(docker inspect -f '{{.Image}}' $(of app)) = $(docker image inspect -f '{{.Id}}' localhost:5000/app:1)",
        );
    });
}

#[test]
fn an_image_is_built_again_when_its_files_change() {
    on_both(|host| {
        let repo = Repo::new()
            .host(host)
            .file("stacks/own/compose.yml", "services:\n  own: {build: ., init: true, command: [sleep, \"100000\"]}\n")
            .file("stacks/own/Dockerfile", "FROM base:1\nCOPY page /page\n")
            .file("stacks/own/page", "one\n")
            .policy("compose: {own: {source: stacks/own, path: /srv/own, build: true}}");
        let run = repo.enforce();
        run.assert_code(0).assert_all("changed");
        repo.enforce().assert_code(0).assert_all("kept");
        assert_eq!(sh(host, "docker exec $(of own) busybox cat /page"), "one\n");
        let repo = repo.file("stacks/own/page", "two\n");
        let found = told(repo.audit().resource("compose/own"));
        assert_eq!(
            found,
            ["files/page:\n@@ -1 +1 @@\n-one\n+two\n", "build: from other files, or not at all → from these files"]
        );
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(sh(host, "docker exec $(of own) busybox cat /page"), "two\n");
        repo.enforce().assert_code(0).assert_all("kept");
    });
}

#[test]
fn an_engine_that_is_stopped_is_not_started_by_being_asked() {
    on_both(|host| {
        let stack = format!("services: {{it: {{{SLEEPS}, restart: always}}}}\n");
        let repo = Repo::new()
            .host(host)
            .file("stacks/pad/compose.yml", stack)
            .policy("compose: {pad: {source: stacks/pad, path: /srv/pad}}");
        repo.enforce().assert_code(0);
        let container = ids(host, "it");
        host.sh_ok("systemctl stop docker.service; systemctl is-active docker.socket");
        let (run, touched) = untouched(std::slice::from_ref(host), || repo.audit());
        run.assert_code(3);
        assert_eq!(
            told(run.resource("compose/pad")),
            ["unknown: docker.service is inactive, and to ask it would start it"]
        );
        assert_eq!(touched, Vec::<String>::new());
        assert_eq!(host.sh("systemctl is-active docker.service").stdout.trim(), "inactive");

        // A policy that has it run gets both right in one go.
        let repo =
            repo.policy("services: {docker: {running: true}}\ncompose: {pad: {source: stacks/pad, path: /srv/pad}}");
        let run = repo.audit();
        run.assert_code(2);
        assert_eq!(told(run.resource("compose/pad")), ["blocked by service/docker: drifts"]);
        repo.enforce().assert_code(0);
        assert_eq!(ids(host, "it"), container);
    });
}

#[test]
fn three_projects_cost_no_round_trip_if_they_are_right_and_one_if_not() {
    on_both(|host| {
        host.sh_ok(COUNTED);
        let projects = "{one: {source: stacks/one, path: /srv/one}, two: {source: stacks/two, path: /srv/two}, three: {source: stacks/three, path: /srv/three}}";
        let repo = ["one", "two", "three"].iter().fold(Repo::new().host(host), |repo, name| {
            repo.file(&format!("stacks/{name}/compose.yml"), format!("services: {{it: {{{SLEEPS}}}}}\n"))
        });
        let trips = |repo: &Repo| {
            let before = sessions(host);
            repo.audit();
            sessions(host) - before
        };
        let repo = repo.policy("groups: {ops: absent}");
        let bare = trips(&repo);
        let repo = repo.policy(&format!("groups: {{ops: absent}}\ncompose: {projects}"));
        assert!(trips(&repo) <= bare + 1);
        repo.enforce().assert_code(0);
        assert_eq!(trips(&repo), bare);
        let repo = repo.file("stacks/one/compose.yml", format!("services: {{it: {{{SLEEPS}}}, more: {{{SLEEPS}}}}}\n"));
        assert_eq!(trips(&repo), bare + 1);
    });
}

#[test]
fn a_secret_reaches_the_container_and_nobody_else() {
    const SECRET: &str = "correct-horse-battery";
    let host = &host(Image::TrixieDocker);
    let service = |command: &str| {
        format!(
            "services: {{it: {{image: \"base:1\", init: true, environment: {{TOKEN: \"${{TOKEN}}\"}}, command: [sh, -c, {command:?}]}}}}\n"
        )
    };
    let repo = Repo::new()
        .host(host)
        .file("comply.yml", "name: test\nsecrets: {provider: env}\n")
        .file("stacks/pad/compose.yml", service("sleep 100000"))
        .file("stacks/pad/pad.conf.tera", "password = {{ secret('pad') }}\n")
        .policy("compose: {pad: {source: stacks/pad, path: /srv/pad, env: {TOKEN: \"x{{ secret('pad') }}\"}}}");
    let with = |repo: &Repo, args: &[&str], secret: &str| {
        let mut command = repo.command(args);
        command.env("COMPLY_SECRET_PAD", secret);
        repo.finish(command)
    };
    with(&repo, &["enforce", "--yes", "-vvv"], SECRET).assert_code(0).assert_all("changed");
    assert_eq!(sh(host, "docker exec $(of it) busybox sh -c 'echo $TOKEN'"), format!("x{SECRET}\n"));
    assert_eq!(
        host.sh_ok("stat -c '%a %n' /srv/pad/.env /srv/pad/pad.conf"),
        "600 /srv/pad/.env\n600 /srv/pad/pad.conf\n"
    );
    let container = ids(host, "it");

    // Without it nothing is made up, and nothing is done.
    let run = repo.audit();
    run.assert_code(3);
    let words = run.shown();
    assert!(words.contains("COMPLY_SECRET_PAD") && !words.contains("configuration"), "{words}");

    let run = with(&repo, &["audit", "-vvv"], "another-horse-battery");
    run.assert_code(2);
    let words = run.shown();
    assert!(words.contains("files/.env") && words.contains("services/it") && !words.contains("-horse-"), "{words}");
    assert_eq!(ids(host, "it"), container);

    // Not even in the last words of a container.
    let repo = repo.file("stacks/pad/compose.yml", service("echo cannot use $$TOKEN; exit 1"));
    let run = with(&repo, &["enforce", "--yes", "-vvv"], SECRET);
    run.assert_code(4);
    assert!(why(&run, "compose/pad").contains("cannot use x[secret]"), "{}", run.shown());
    assert!(!run.shown().contains(SECRET), "{}", run.shown());
}
