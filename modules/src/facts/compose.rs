//! What Docker runs of one Compose project, and what Compose makes of its files.

use crate::date::Date;
use engine::{Answer, Blind, Fact, Query};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The status of the queries where the daemon does not run.
const NO_DAEMON: i32 = 69;

/// One project on the host, as it is.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// The version of Compose on the host; `1` for any of version 1.
    pub version: String,
    /// Its containers, and those of other projects in the same directory.
    pub containers: Vec<Container>,
    /// The current image of each tag.
    pub images: BTreeMap<String, String>,
    /// What Compose makes of the files on the host: `None` where the first one is not there, an error in its words.
    pub config: Option<Result<Config, String>>,
    /// Services that the files on the host name, also those of profiles that are off.
    pub named: BTreeSet<String>,
    /// Its networks; only if no files are asked for.
    pub networks: Vec<String>,
    /// Its volumes; only if no files are asked for.
    pub volumes: Vec<String>,
}

/// A container of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The project that made it.
    pub project: String,
    /// The service of that project.
    pub service: String,
    /// It was made by `docker compose run`.
    pub oneoff: bool,
    /// The hash of the configuration that it was made from.
    pub hash: String,
    /// The version of Compose that made it.
    pub version: String,
    /// The id of its image.
    pub image: String,
    /// The name by which that image was found.
    pub tag: String,
    /// `running`, `exited`, `paused`, `restarting`, `created`, `dead`.
    pub status: String,
    /// The exit status of its last run.
    pub exit: i64,
    /// `healthy`, `unhealthy`, `starting`; `None` without a health check.
    pub health: Option<String>,
    /// When it was last started, in microseconds since 1970-01-01 UTC.
    pub started: i64,
    /// Paths of the host that it sees.
    pub binds: Vec<String>,
    /// The networks that it is in.
    pub networks: BTreeSet<String>,
    /// When the daemon starts it again: `always`, `no`.
    pub restart: String,
}

/// What Compose makes of a project's files: its services by name.
pub type Config = BTreeMap<String, Wanted>;

/// One service as the files want it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The hash of its configuration.
    pub hash: String,
    /// How many containers it has.
    pub replicas: usize,
    /// Another service waits for it to end: it may have.
    pub ends: bool,
    /// The image, unless Compose names it.
    pub image: Option<String>,
    /// The services that it depends on.
    pub needs: Vec<String>,
    /// The services whose containers lend it their network, processes or volumes.
    pub borrows: BTreeSet<String>,
    /// Its hash tells nothing: Compose makes it with the ids of containers in it.
    pub incomparable: bool,
    /// The networks that it has to be in; one that begins with `_` bears the project's name before that.
    pub networks: BTreeSet<String>,
    /// When the daemon has to start it again, if that can be told.
    pub restart: Option<String>,
    /// It belongs to profiles, and may be off.
    pub of_profiles: bool,
}

/// The project `$1` in the directory `$2`, with the options `$3` for its profiles, made from the files `$4`…
pub static PROJECT: Fact<Project> = Fact {
    query: Query::new(
        "compose project",
        concat!(
            include_str!("compose/engine.sh"),
            include_str!("compose/containers.sh"),
            include_str!("compose/config.sh")
        ),
    )
    .slow()
    .limit(8 << 20),
    decode: |answer, _| read(answer),
};

/// What Compose would make of files that are not in place yet: the same arguments, and the files on standard input.
pub static PREVIEW: Fact<Result<Config, String>> = Fact {
    query: Query::new(
        "compose preview",
        concat!(
            include_str!("compose/engine.sh"),
            include_str!("compose/preview.sh"),
            include_str!("compose/config.sh")
        ),
    )
    .slow()
    .fed()
    .limit(8 << 20),
    decode: |answer, _| read(answer)?.config.ok_or_else(|| Blind::Garbled("Compose said nothing".into())),
};

fn read(answer: &Answer) -> Result<Project, Blind> {
    if answer.status == NO_DAEMON {
        let said = String::from_utf8_lossy(&answer.err);
        return Err(Blind::NotYet(format!("{}, and to ask it would start it", said.trim())));
    }
    let mut project = Project::default();
    let mut hashes = BTreeMap::new();
    for line in answer.ok()?.text()?.lines() {
        let garbled = || Blind::Garbled(format!("docker answered {:?}", line.chars().take(80).collect::<String>()));
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "v" => project.version = rest.to_owned(),
            "c" => project.containers.push(container(rest).ok_or_else(garbled)?),
            "i" => {
                let (tag, id) = rest.rsplit_once(' ').ok_or_else(garbled)?;
                project.images.insert(tag.to_owned(), id.to_owned());
            }
            "o" => _ = project.named.insert(rest.to_owned()),
            "n" => project.networks.push(rest.to_owned()),
            "d" => project.volumes.push(rest.to_owned()),
            "j" => project.config = Some(Ok(config(rest).ok_or_else(garbled)?)),
            "h" => _ = rest.split_once(' ').map(|(service, hash)| hashes.insert(service.to_owned(), hash.to_owned())),
            "e" => project.config = Some(Err(complaint(answer))),
            _ => return Err(garbled()),
        }
    }
    if let Some(Ok(config)) = &mut project.config {
        // Version 1 shows services whose profiles are off, too, and gives them no hash.
        project.named.extend(config.keys().cloned());
        config.retain(|name, service| !service.of_profiles || hashes.contains_key(name));
        for (name, service) in config {
            service.hash = hashes.remove(name).ok_or_else(|| Blind::Garbled(format!("Compose gave {name} no hash")))?;
        }
    }
    Ok(project)
}

/// The last words of Compose.
fn complaint(answer: &Answer) -> String {
    let said = String::from_utf8_lossy(&answer.err);
    let lines: Vec<&str> =
        said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.contains("level=warning")).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

fn container(json: &str) -> Option<Container> {
    #[derive(Deserialize)]
    struct Inspected {
        id: String,
        name: String,
        image: String,
        tag: String,
        labels: Option<BTreeMap<String, String>>,
        status: String,
        exit: i64,
        started: String,
        health: Option<String>,
        mounts: Option<Vec<Value>>,
        #[serde(default)]
        networks: Option<BTreeMap<String, Value>>,
        #[serde(default)]
        restart: String,
    }
    let seen: Inspected = serde_json::from_str(json).ok()?;
    let labels = seen.labels.unwrap_or_default();
    let label = |name: &str| labels.get(&format!("com.docker.compose.{name}")).cloned().unwrap_or_default();
    let bind = |mount: &Value| (mount["Type"] == "bind").then(|| mount["Source"].as_str().map(str::to_owned)).flatten();
    Some(Container {
        id: seen.id,
        name: seen.name.trim_start_matches('/').to_owned(),
        project: label("project"),
        service: label("service"),
        oneoff: label("oneoff") == "True",
        hash: label("config-hash"),
        version: label("version"),
        image: seen.image,
        tag: seen.tag,
        status: seen.status,
        exit: seen.exit,
        health: seen.health.filter(|health| health != "none"),
        started: microseconds(&seen.started).unwrap_or_default(),
        binds: seen.mounts.iter().flatten().filter_map(bind).collect(),
        networks: seen.networks.unwrap_or_default().into_keys().collect(),
        restart: seen.restart,
    })
}

/// Reads the configuration as `config` prints it, of both versions.
fn config(json: &str) -> Option<Config> {
    let root: Value = serde_json::from_str(json).ok()?;
    let services = root.get("services")?.as_object()?;
    let waited_for = |name: &str| {
        let condition = |service: &Value| service["depends_on"][name]["condition"] == "service_completed_successfully";
        services.values().any(condition)
    };
    let wanted = |name: &str, service: &Value| {
        let replicas = service["scale"].as_u64().or_else(|| service["deploy"]["replicas"].as_u64()).unwrap_or(1);
        Wanted {
            hash: String::new(),
            replicas: usize::try_from(replicas).unwrap_or(usize::MAX),
            ends: waited_for(name),
            image: service["image"].as_str().map(str::to_owned),
            needs: names(&service["depends_on"]),
            borrows: borrows(service),
            incomparable: service["volumes_from"].is_array(),
            networks: networks(&root, service),
            restart: restart(service),
            of_profiles: !names(&service["profiles"]).is_empty(),
        }
    };
    Some(services.iter().map(|(name, service)| (name.clone(), wanted(name, service))).collect())
}

/// What a service has of the containers of others.
fn borrows(service: &Value) -> BTreeSet<String> {
    let modes =
        ["network_mode", "ipc", "pid"].map(|key| service[key].as_str()?.strip_prefix("service:").map(str::to_owned));
    let volumes = names(&service["volumes_from"]).into_iter();
    let volumes = volumes.map(|from| from.split(':').next().unwrap_or_default().to_owned());
    modes.into_iter().flatten().chain(volumes).collect()
}

/// The networks of a service, by the names that Docker knows, as far as the files tell.
fn networks(root: &Value, service: &Value) -> BTreeSet<String> {
    if service["network_mode"].is_string() {
        return BTreeSet::new();
    }
    let named = names(&service["networks"]);
    let keys = if named.is_empty() { vec!["default".to_owned()] } else { named };
    let name = |key: &String| {
        let network = &root["networks"][key];
        let name = network["name"].as_str().or_else(|| network["external"]["name"].as_str());
        let external = network["external"] == true;
        name.map_or_else(|| if external { key.clone() } else { format!("_{key}") }, str::to_owned)
    };
    keys.iter().map(name).collect()
}

/// The policy by which a container is started again, without how often.
fn restart(service: &Value) -> Option<String> {
    if !service["deploy"]["restart_policy"].is_null() {
        return None;
    }
    let policy = service["restart"].as_str().unwrap_or("no");
    Some(policy.split(':').next().unwrap_or(policy).to_owned())
}

/// The elements of a list, or the keys of a mapping.
fn names(value: &Value) -> Vec<String> {
    let list = value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned));
    list.chain(value.as_object().into_iter().flat_map(|mapping| mapping.keys().cloned())).collect()
}

/// Reads `2026-11-20T16:27:01.123456789Z`; `None` of a time before 1970, which stands for never.
fn microseconds(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut of_day = 0;
    for part in time.split(':') {
        of_day = of_day * 60 + part.parse::<i64>().ok()?;
    }
    let micros: i64 = format!("{:0<6.6}", fraction).parse().ok()?;
    Some((Date::parse(date)?.days() * 86_400 + of_day) * 1_000_000 + micros)
}
