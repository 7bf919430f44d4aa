//! Every field of a Compose project, on both versions of Compose.

use crate::comply::Repo;
use crate::compose_troubles::{ids, on_both, sh, why};
use crate::life::told;

const BASE: &str = r#"
services:
  web: &sleeps {image: "base:1", network_mode: none, command: [sleep, "100000"], init: true, stop_grace_period: 1s, depends_on: [db]}
  db: {<<: *sleeps, depends_on: []}
  tool: {<<: *sleeps, depends_on: [], profiles: [debug]}
  idle: {<<: *sleeps, depends_on: [], profiles: [other]}
  aside: {<<: *sleeps, depends_on: []}
"#;

/// The services of the project that run.
fn running(host: &fleet::Host) -> String {
    sh(
        host,
        "docker ps --filter label=com.docker.compose.project=all --format '{{.Label \"com.docker.compose.service\"}}' | sort | xargs",
    )
}

#[test]
fn files_profiles_services_and_orphans_are_as_the_policy_has_them() {
    on_both(|host| {
        sh(
            host,
            "mkdir -p /srv/all; echo 'services: {forgotten: {image: \"base:1\", command: [sleep, \"100000\"], init: true}}' >/srv/all/compose.yml
             up all; rm /srv/all/compose.yml",
        );
        let policy = |fields: &str| {
            format!(
                "compose: {{all: {{source: stacks/all, path: /srv/all, compose_files: [base.yml, extra.yml], profiles: [debug], \
                 files: {{extra.yml: {{mode: 0640, owner: games, group: 60}}}}, wait: 1m, {fields}}}}}"
            )
        };
        let part = policy("state: running, services: [web, tool], remove_orphans: false");
        let extra = |colour: &str| format!("services: {{web: {{environment: {{COLOUR: {colour}}}}}}}\n");
        let repo = Repo::new()
            .host(host)
            .file("stacks/all/base.yml", BASE)
            .file("stacks/all/extra.yml", extra("green"))
            .policy(&part);
        let found = |repo: &Repo| told(repo.audit().resource("compose/all"));
        let missing = |service: &str| format!("services/{service}: missing → running");
        assert_eq!(
            found(&repo),
            ["files/base.yml: absent → present".to_owned(), "files/extra.yml: absent → present".to_owned()]
                .into_iter()
                .chain(["db", "tool", "web"].map(missing))
                .collect::<Vec<_>>()
        );
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(running(host), "db forgotten tool web\n");
        assert_eq!(sh(host, "docker exec $(of web) busybox sh -c 'echo $COLOUR'"), "green\n");
        assert_eq!(host.sh_ok("stat -c '%a %U %g' /srv/all/extra.yml"), "640 games 60\n");
        repo.enforce().assert_code(0).assert_all("kept");

        // What the part does not name is nobody's business, what it needs is.
        sh(host, "docker kill $(of db) $(of tool) $(of forgotten)");
        assert_eq!(found(&repo), ["services/db: exited (137) → running", "services/tool: exited (137) → running"]);
        let before = ids(host, "web");
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!((running(host).as_str(), ids(host, "web")), ("db tool web\n", before.clone()));
        let mut repo = repo.file("stacks/all/extra.yml", extra("red"));
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(sh(host, "docker exec $(of web) busybox sh -c 'echo $COLOUR'"), "red\n");
        assert_ne!(ids(host, "web"), before);

        // A service that there is not, and one that no profile switches on.
        for service in ["wbe", "idle"] {
            repo = repo.policy(&policy(&format!("services: [web, {service}], remove_orphans: false")));
            assert_eq!(
                found(&repo),
                [format!("services/{service}: not in the files, or its profile is off → running")]
            );
            let run = repo.enforce();
            run.assert_code(4);
            assert!(why(&run, "compose/all").contains(&format!("have no service `{service}`")), "{}", run.shown());
        }

        // All of it, and no orphans.
        let repo = repo.policy(&policy("pull: never, build: false"));
        assert_eq!(
            found(&repo),
            [
                missing("aside"),
                format!("orphans - {}", sh(host, "docker inspect -f '{{.Name}}' $(of forgotten) | tr -d /").trim())
            ]
        );
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(running(host), "aside db tool web\n");
        assert_eq!(ids(host, "forgotten") + &ids(host, "idle"), "");
        repo.enforce().assert_code(0).assert_all("kept");

        // With `build: false` nothing is built.
        let built = repo
            .file("stacks/all/extra.yml", "services: {web: {build: .}, db: {environment: {A: b}}}\n")
            .file("stacks/all/Dockerfile", "FROM base:1\nRUN exit 1\n")
            .policy(&policy("build: false"));
        built.enforce().assert_code(0).assert_all("changed");

        let repo = built.policy(&policy("state: stopped"));
        assert_eq!(found(&repo).len(), 4);
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(running(host), "\n");
        repo.enforce().assert_code(0).assert_all("kept");
        let repo = repo.policy("compose: {all: absent}");
        repo.enforce().assert_code(0).assert_all("changed");
        assert_eq!(host.sh_ok("docker ps -aq; ls /srv/all"), "Dockerfile\nbase.yml\nextra.yml\n");
    });
}

#[test]
fn what_somebody_does_to_a_container_by_hand_is_found_and_put_right() {
    on_both(|host| {
        let stack = r#"
            services:
              app: &sleeps {image: "base:1", command: [sleep, "100000"], init: true, stop_grace_period: 1s, restart: always, networks: [inner, default]}
              other: {<<: *sleeps, networks: {inner: {aliases: [o]}}, restart: on-failure}
              sees: {image: "base:1", command: [sleep, "100000"], init: true, stop_grace_period: 1s, network_mode: "service:app"}
              idle: {image: "base:1", command: [sleep, "100000"], profiles: [debug]}
            networks: {inner: {}}
            "#;
        let repo = Repo::new()
            .host(host)
            .file("stacks/hand/compose.yml", stack)
            .policy("compose: {hand: {source: stacks/hand, path: /srv/hand}}");
        repo.enforce().assert_code(0).assert_all("changed");
        repo.enforce().assert_code(0).assert_all("kept");
        sh(
            host,
            "docker network disconnect hand_inner $(of app); docker update --restart no $(of other)
             compose -p hand --project-directory /srv/hand -f /srv/hand/compose.yml --profile debug up -d idle",
        );
        assert_eq!(
            told(repo.audit().resource("compose/hand")),
            [
                "services/app: not in the network hand_inner → in its networks",
                "services/other: restart is no → as the files say"
            ]
        );
        let idle = ids(host, "idle");
        repo.enforce().assert_code(0).assert_all("changed");
        repo.enforce().assert_code(0).assert_all("kept");
        assert_eq!(ids(host, "idle"), idle);
        assert!(!idle.is_empty());
    });
}
