//! Docker Compose projects, on hosts with a real engine: Compose 1 on Debian 12, Compose 2 on Debian 13.

use crate::life::Case;

/// Images for the host's engine, made of its own busybox, and `compose`, whichever it has.
macro_rules! engine {
    () => {
        r#"
        image() { # NAME: one with a file of that name
            rm -rf /tmp/image
            mkdir -p /tmp/image/bin /tmp/image/tmp
            for file in /bin/busybox $(ldd /bin/busybox | grep -o '/[^ ]*'); do
                mkdir -p "/tmp/image${file%/*}"
                cp -L "$file" "/tmp/image$file"
            done
            for tool in sh sleep date; do ln -s busybox /tmp/image/bin/$tool; done
            date +%N >/tmp/image/made
            tar -C /tmp/image -c . | docker import --change 'ENTRYPOINT ["/bin/busybox"]' - "$1" >/dev/null
        }
        compose() {
            if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
        }
        up() { # PROJECT ARGUMENTS…
            project=$1
            shift
            compose -p "$project" --project-directory "/srv/$project" -f "/srv/$project/compose.yml" up -d "$@"
        }
        of() { docker ps -aq --no-trunc --filter "label=com.docker.compose.service=$1"; }
        "#
    };
}
pub(crate) use engine;

/// One service for each way in which it may differ, and some that are right.
macro_rules! services {
    () => {
        r#"
services:
  right: &sleeps
    image: base:1
    command: [sleep, "100000"]
    stop_grace_period: 1s
    init: true
  database:
    <<: *sleeps
    volumes: ["rows:/rows"]
  seen: {<<: *sleeps, volumes: ["./conf:/conf:ro"]}
  once: {<<: *sleeps, command: ["true"]}
  after: {<<: *sleeps, depends_on: {once: {condition: service_completed_successfully}}}
  twice: {<<: *sleeps, deploy: {replicas: 2}}
  named: {<<: *sleeps, environment: {TOKEN: "${TOKEN}"}, env_file: [app.env]}
  missing: {<<: *sleeps}
  killed: {<<: *sleeps}
  paused: {<<: *sleeps}
  edited: {<<: *sleeps, environment: {COLOUR: green}}
  older: {<<: *sleeps, image: "moving:1"}
  configured: {<<: *sleeps, volumes: ["./configured.txt:/configured.txt:ro"]}
  scaled: {<<: *sleeps}
  sick:
    <<: *sleeps
    healthcheck: {test: [CMD, busybox, test, "!", -e, /tmp/sick], interval: 1s, timeout: 5s, retries: 2}
volumes: {rows: {}}
"#
    };
}

/// From nothing: a web server, a database with a volume, a worker that waits for it.
const FRESH: &str = r#"
services:
  web:
    image: base:1
    command: [httpd, -f, -p, "80", -h, /www]
    volumes: ["./www:/www:ro"]
    stop_grace_period: 1s
    healthcheck: {test: [CMD, busybox, wget, -qO-, "http://127.0.0.1/"], interval: 1s, timeout: 5s, retries: 5}
  database:
    image: base:1
    command: [sh, -c, "date >>/rows/started; exec sleep 100000"]
    init: true
    volumes: ["rows:/rows"]
    healthcheck: {test: [CMD, busybox, test, -e, /rows/started], interval: 1s, timeout: 5s, retries: 5}
  worker:
    image: base:1
    command: [sleep, "100000"]
    init: true
    depends_on: {database: {condition: service_healthy}}
    environment: {PASSWORD: "${PASSWORD}"}
volumes: {rows: {}}
"#;

pub const COMPOSE: Case = Case {
    kind: "compose",
    policy: r#"
        services:
          docker: {running: true}
        directories:
          /srv/fresh: {mode: 0750}
        compose:
          many:
            source: stacks/many
            path: /srv/many
            env: {TOKEN: "a $b \"c\" #d"}
          fresh:
            source: stacks/fresh
            path: /srv/fresh
            files: {tool.sh: {mode: 0700}}
            env: {PASSWORD: "geheim"}
            wait: 1m
          quiet: {source: stacks/quiet, path: /srv/quiet, state: stopped}
          gone: {state: absent, remove_volumes: true}
    "#,
    files: &[
        ("stacks/many/compose.yml", services!()),
        ("stacks/many/configured.txt", "configured\n"),
        ("stacks/many/conf/one.conf", "one\n"),
        ("stacks/many/app.env", "APP=1\n"),
        ("stacks/fresh/compose.yaml", FRESH),
        ("stacks/fresh/www/index.html.tera", "on {{ host.name }}\n"),
        ("stacks/fresh/tool.sh", "#!/bin/sh\n"),
        (
            "stacks/quiet/compose.yml",
            "services: {bell: {image: \"base:1\", command: [sleep, \"100000\"], init: true}}\n",
        ),
    ],
    broken: concat!(
        engine!(),
        r#"
        image base:1
        image moving:1
        mkdir -p /srv/many/conf /srv/quiet /srv/gone
        cat >/srv/many/compose.yml <<'END'
"#,
        services!(),
        r#"END
        cd /srv/many
        echo configured >configured.txt
        echo one >conf/one.conf
        echo APP=1 >app.env
        (umask 077 && echo "TOKEN='a \$b \"c\" #d'" >.env)
        echo 'services: {bell: {image: "base:1", command: [sleep, "100000"], init: true}}' >/srv/quiet/compose.yml
        echo 'services: {x: {image: "base:1", command: [sleep, "100000"], init: true, volumes: ["data:/data"]}}
volumes: {data: {}}' >/srv/gone/compose.yml
        cp compose.yml /srv/new.yml
        awk '/^volumes:/ {print "  forgotten: {<<: *sleeps}"} {gsub("green", "red"); print}' /srv/new.yml >compose.yml
        up many --scale scaled=3
        mv /srv/new.yml compose.yml
        up quiet
        up gone

        docker exec $(of database) busybox sh -c 'echo row >/rows/row'
        docker rm -f $(of missing)
        docker kill $(of killed)
        docker pause $(of paused)
        image moving:1
        docker exec $(of sick) busybox touch /tmp/sick
        echo 'services: {}' >docker-compose.override.yml
        sleep 0.1
        echo configured >configured.txt
        for service in right database seen once after twice named; do of $service; done | sort >/root/kept
        tries=0
        until docker inspect -f '{{.State.Health.Status}}' $(of sick) | grep -qx unhealthy; do
            tries=$((tries + 1))
            [ $tries -lt 200 ]
            sleep 0.1
        done
    "#
    ),
    destroys: &["compose/gone"],
    found: &[
        (
            "compose/many",
            &[
                "files/docker-compose.override.yml: an override that nothing reads → absent",
                "services/configured: older than configured.txt → started after it changed",
                "services/edited: made from another configuration → made from the policy's",
                "services/killed: exited (137) → running",
                "services/missing: missing → running",
                "services/older: runs an older image of moving:1 → the current image",
                "services/paused: paused → running",
                "services/scaled: 3 containers → 1 container",
                "services/sick: unhealthy → healthy",
                "orphans - many…forgotten…1",
            ],
        ),
        ("directory//srv/fresh", &["state: absent → present"]),
        (
            "compose/fresh",
            &[
                "files/.env: absent → present",
                "files/compose.yaml: absent → present",
                "files/tool.sh: absent → present",
                "files/www/index.html: absent → present",
                "services/database: missing → running",
                "services/web: missing → running",
                "services/worker: missing → running",
            ],
        ),
        ("compose/quiet", &["services/bell: running → stopped"]),
        ("compose/gone", &["state: present (1 container) → absent", "networks - gone_default", "volumes - gone_data"]),
    ],
    proof: concat!(
        engine!(),
        r#"
        for service in right database seen once after twice named; do
            docker ps -aq --no-trunc --filter label=com.docker.compose.project=many --filter label=com.docker.compose.service=$service
        done | sort | diff - /root/kept
        docker exec $(docker ps -q --filter label=com.docker.compose.project=many --filter label=com.docker.compose.service=database) busybox cat /rows/row
        test "$(docker exec $(of named) busybox sh -c 'echo "$TOKEN"')" = 'a $b "c" #d'
        test "$(docker exec $(of worker) busybox sh -c 'echo $PASSWORD')" = geheim
        test "$(docker exec $(of web) busybox wget -qO- http://127.0.0.1/)" = "on $(hostname)"
        test "$(stat -c %a /srv/fresh/.env /srv/fresh/tool.sh /srv/fresh | xargs)" = '600 700 750'
        test "$(docker inspect -f '{{.State.Health.Status}}' $(of sick) $(of web) | xargs)" = 'healthy healthy'
        test "$(docker ps -aq --filter label=com.docker.compose.project=gone)" = ''
        test "$(docker volume ls -q --filter name=gone_data)" = ''
        test "$(docker inspect -f '{{.State.Status}}' $(of bell))" = exited
        test "$(docker inspect -f '{{.Image}}' $(of older))" = "$(docker image inspect -f '{{.Id}}' moving:1)"
        test ! -e /srv/many/docker-compose.override.yml
        test "$(of forgotten)" = ''
    "#
    ),
};
