//! The stacks of the association on real engines: Traefik, Mattermost, Etherpad and their databases, from the very files
//! of the example. No registry can be reached from a test, so small programs answer under the names of the real images.

use crate::comply::Run;
use crate::examples::example;
use crate::kinds_compose::engine;
use crate::life::{told, told_of};
use crate::picasoft::Picasoft;
use fleet::{Host, Image};
use std::collections::BTreeSet;
use std::fs;

/// What stands in for an image: as far as its stack can tell, it does what the real one does.
const STAND_INS: &str = r#"
stand_in() { # IMAGE
    at=/tmp/stand-in
    rm -rf $at
    mkdir -p $at/bin $at/tmp $at/www $at/mattermost/bin
    for file in /bin/busybox $(ldd /bin/busybox | grep -o '/[^ ]*'); do
        mkdir -p "$at${file%/*}"
        cp -L "$file" "$at$file"
    done
    for tool in sh grep httpd mkdir nc wget; do ln -s busybox $at/bin/$tool; done
    case $1 in
    traefik:*)
        cat >$at/bin/traefik <<'END'
#!/bin/sh
grep -q '^ping:' /etc/traefik/traefik.yml || { echo 'no ping in traefik.yml'; exit 1; }
[ "$1" != healthcheck ] || exec wget -q -O /dev/null http://127.0.0.1:8080/ping
[ -S /var/run/docker.sock ] || { echo 'no docker.sock'; exit 1; }
httpd -p 80 -h /www
httpd -p 443 -h /www
exec listen 8080
END
        echo OK >$at/www/ping
        start=traefik
        ;;
    postgres:*)
        # As the real one, it takes name and password from the environment once, when its volume is empty.
        cat >$at/bin/postgres <<'END'
#!/bin/sh
data=/var/lib/postgresql/data
[ -e $data/PG_VERSION ] || {
    echo "/:${POSTGRES_USER:?}:${POSTGRES_PASSWORD:?}" >$data/passwords
    echo 17 >$data/PG_VERSION
}
exec listen 5432 -c $data/passwords
END
        cat >$at/bin/pg_isready <<'END'
#!/bin/sh
[ "$*" = "-q -U $POSTGRES_USER -d $POSTGRES_DB" ] && nc -w 1 127.0.0.1 5432 </dev/null
END
        echo rows >$at/www/index.html
        start=postgres
        ;;
    mattermost/mattermost-team-edition:*)
        cat >$at/bin/mattermost <<'END'
#!/bin/sh
source=${MM_SQLSETTINGS_DATASOURCE#postgres://}
wget -q -O /dev/null "http://${source%%/*}/" || { echo "cannot use $MM_SQLSETTINGS_DATASOURCE"; exit 1; }
echo "Mattermost on $MM_SERVICESETTINGS_SITEURL" >/www/index.html
exec listen 8065
END
        cat >$at/mattermost/bin/mmctl <<'END'
#!/bin/sh
[ "$*" = 'system status --local' ] && [ "$MM_SERVICESETTINGS_ENABLELOCALMODE" = true ] && wget -q -O /dev/null http://127.0.0.1:8065/
END
        start=mattermost
        ;;
    etherpad/etherpad:*)
        cat >$at/bin/etherpad <<'END'
#!/bin/sh
wget -q -O /dev/null "http://$DB_USER:$DB_PASS@$DB_HOST:$DB_PORT/" || { echo "cannot use $DB_USER:$DB_PASS"; exit 1; }
echo '{"status": "pass"}' >/www/health
echo "Etherpad of $TITLE" >/www/index.html
exec listen 9001
END
        start=etherpad
        ;;
    *)
        echo "nothing stands in for $1" >&2
        return 1
        ;;
    esac
    # A first process does not end by itself when it is told to.
    cat >$at/bin/listen <<'END'
#!/bin/sh
port=$1
shift
httpd -f -p "$port" -h /www "$@" &
trap 'exit 0' TERM
wait
END
    chmod 755 $at/bin/* $at/mattermost/bin/* 2>/dev/null || :
    tar -C $at -c . | docker import --change "CMD [\"$start\"]" --change 'ENV PATH=/bin' - "$1" >/dev/null
}
# Asks a service as Traefik does: in its own container, by the address that the other has on the network `proxy`.
asked() { # PROJECT PORT
    app=$(docker ps -q --filter "label=com.docker.compose.project=$1" --filter label=com.docker.compose.service=app)
    address=$(docker inspect -f '{{.NetworkSettings.Networks.proxy.IPAddress}}' "$app")
    docker exec "$(of traefik)" wget -q -O - "http://$address:$2/"
}
"#;

/// The passwords of the databases, in the example's store.
const PASSWORDS: [&str; 2] = ["example-of-a-database-password", "another-example-of-a-password"];

/// The images that the stacks ask for.
fn images() -> BTreeSet<String> {
    let stacks = fs::read_dir(example("picasoft").join("stacks")).unwrap();
    let files = stacks.map(|stack| fs::read_to_string(stack.unwrap().path().join("compose.yml")).unwrap());
    let images = files.flat_map(|file| {
        file.lines().filter_map(|line| Some(line.trim().strip_prefix("image: ")?.to_owned())).collect::<Vec<_>>()
    });
    images.collect()
}

/// Runs a script with what [`STAND_INS`] and [`engine`] offer.
fn sh(host: &Host, script: &str) -> String {
    host.sh_ok(&format!("set -eu\n{}\n{STAND_INS}\n{script}", engine!()))
}

/// A host with an engine and the images, and nothing that runs.
fn with_images(image: Image) -> Host {
    let host = Host::start(image);
    for image in images() {
        sh(&host, &format!("stand_in {image}"));
    }
    host
}

/// The container of each service, as `PROJECT/SERVICE ID`.
fn containers(host: &Host) -> BTreeSet<String> {
    let format = r#"{{.Label "com.docker.compose.project"}}/{{.Label "com.docker.compose.service"}} {{.ID}}"#;
    sh(host, &format!("docker ps -a --no-trunc --format '{format}'")).lines().map(str::to_owned).collect()
}

/// The services whose containers are others than before.
fn renewed<'a>(before: &'a BTreeSet<String>, after: &'a BTreeSet<String>) -> Vec<&'a str> {
    after.difference(before).filter_map(|line| Some(line.split_once(' ')?.0)).collect()
}

/// What differs on a host, without what is right.
fn wrong(run: &Run, host: &str) -> Vec<(String, Vec<String>)> {
    let right = [vec!["compliant".to_owned()], vec!["skipped".to_owned()]];
    let all = told_of(run, host).into_iter();
    all.filter(|(id, told)| !right.contains(told) && id != "ssh_key/chloe").collect()
}

fn assert_shows_no_password(run: &Run) {
    for password in PASSWORDS {
        assert!(!run.shown().contains(password), "{}", run.shown());
    }
}

#[test]
fn the_stacks_go_from_nothing_to_healthy_and_only_what_breaks_is_touched_again() {
    let [pica01, pica03] = std::thread::scope(|scope| {
        let hosts = [Image::TrixieDocker, Image::BookwormDocker].map(|image| scope.spawn(move || with_images(image)));
        hosts.map(|host| host.join().unwrap())
    });
    let picasoft = Picasoft::on(&[("pica01", &pica01), ("pica03", &pica03)]);
    let stacks = [("pica01", &["etherpad", "mattermost", "traefik"][..]), ("pica03", &["mattermost", "traefik"])];

    let run = picasoft.run(&["audit", "-vvv"]);
    run.assert_code(2);
    for (host, names) in stacks {
        for name in names {
            let told = told(run.resource_on(host, &format!("compose/{name}")));
            assert!(told.contains(&"files/compose.yml: absent → present".to_owned()), "{told:?}{}", run.shown());
        }
    }
    assert_shows_no_password(&run);

    // The whole policy of both machines, of which the stacks are the last.
    let run = picasoft.run(&["enforce", "--yes", "-vvv"]);
    run.assert_code(0);
    assert_shows_no_password(&run);
    picasoft.assert_in_order();

    pica01.sh_ok("! test -e /home/chloe/.ssh/authorized_keys");

    // The passwords arrived: without them neither service would be healthy.
    assert_eq!(
        sh(&pica01, "asked mattermost 8065; asked etherpad 9001"),
        "Mattermost on https://team.picasoft.example\nEtherpad of Picasoft\n"
    );
    assert_eq!(sh(&pica03, "asked mattermost 8065"), "Mattermost on https://chat.picasoft.example\n");
    for (host, count) in [(&pica01, "5"), (&pica03, "3")] {
        assert_eq!(sh(host, "docker ps -q --filter health=healthy | wc -l").trim(), count);
        assert_eq!(host.sh_ok("stat -c '%a %U' /srv/mattermost /srv/mattermost/.env"), "750 root\n600 root\n");
        host.sh_ok("grep -q services@picasoft.example /srv/traefik/traefik.yml");
    }
    pica03.sh_ok("docker tag traefik:v3.5 localhost:5000/own:1 && docker push -q localhost:5000/own:1");

    // Somebody kills the pads and stops a database.
    let (first, other) = (containers(&pica01), containers(&pica03));
    sh(
        &pica01,
        "docker kill $(docker ps -q --filter label=com.docker.compose.project=etherpad --filter label=com.docker.compose.service=app)",
    );
    sh(&pica03, "docker rm -f $(of db)");
    let run = picasoft.run(&["audit"]);
    run.assert_code(2);
    let expected = |line: &str, id: &str| vec![(id.to_owned(), vec![line.to_owned()])];
    assert_eq!(wrong(&run, "pica01"), expected("services/app: exited (137) → running", "compose/etherpad"));
    assert_eq!(wrong(&run, "pica03"), expected("services/db: missing → running", "compose/mattermost"));
    picasoft.run(&["enforce", "--yes"]).assert_code(0);
    picasoft.assert_in_order();
    let (second, without_db) = (containers(&pica01), containers(&pica03));
    assert_eq!(second, first);
    assert_eq!(renewed(&other, &without_db), ["mattermost/db"]);

    // A new version of the chat for both, and another name for one: its servers are made anew, and nothing else.
    for host in [&pica01, &pica03] {
        sh(host, "stand_in mattermost/mattermost-team-edition:10.12");
    }
    let picasoft = picasoft.edited("stacks/mattermost/compose.yml", "team-edition:10.11", "team-edition:10.12").edited(
        "inventory.yml",
        "team.picasoft.example",
        "talk.picasoft.example",
    );
    let run = picasoft.run(&["audit"]);
    run.assert_code(2);
    let changes = [
        "files/.env (secret)",
        "files/compose.yml (secret; line 3)",
        "services/app: made from another configuration → made from the policy's",
    ];
    let of_chat = |changes: &[&str]| {
        vec![("compose/mattermost".to_owned(), changes.iter().map(|change| (*change).to_owned()).collect::<Vec<_>>())]
    };
    assert_eq!(wrong(&run, "pica01"), of_chat(&changes));
    assert_eq!(wrong(&run, "pica03"), of_chat(&changes[1..]));
    let run = picasoft.run(&["enforce", "--yes", "-vvv"]);
    run.assert_code(0);
    assert!(run.errors.contains("recreates mattermost/app"), "{}", run.shown());
    assert_shows_no_password(&run);
    picasoft.assert_in_order();
    for (host, before, name) in [(&pica01, &second, "talk"), (&pica03, &without_db, "chat")] {
        assert_eq!(renewed(before, &containers(host)), ["mattermost/app"]);
        let said = format!("Mattermost on https://{name}.picasoft.example\n");
        assert_eq!(sh(host, "asked mattermost 8065"), said);
    }
}
