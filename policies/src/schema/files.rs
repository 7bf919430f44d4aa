//! The keys of the language, as the schema has them. The doc comments are what an editor shows.

use engine::{Mode, Severity};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Variables by name; the names that the language uses itself are not among them.
struct Vars;

impl JsonSchema for Vars {
    fn schema_name() -> Cow<'static, str> {
        "Vars".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": {
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "not": { "enum": inventory::RESERVED },
            },
            "additionalProperties": { "$ref": "#/definitions/data" },
        })
    }
}

/// Names of hosts and groups.
fn name() -> Value {
    json!({ "pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]*$", "maxLength": 253, "not": { "const": "all" } })
}

/// The project: what holds for every host and policy.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Project {
    /// What the project is called (default: the directory's name).
    name: Option<String>,
    /// Variables of all hosts; groups and hosts may set them otherwise.
    vars: Option<Vars>,
    /// Where `secret('name')` comes from.
    secrets: Option<Secrets>,
}

/// Where secrets come from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Secrets {
    /// `pass` (a password store), `env` (variables), `file` (a file for each), or `command` (a program that prints it).
    provider: Provider,
    /// What is put before every name: `picasoft/`.
    prefix: Option<String>,
    /// Of `pass`: the password store (default: the usual one).
    store: Option<String>,
    /// Of `file`: the directory.
    directory: Option<String>,
    /// Of `command`: the program and its arguments; `{}` stands for the name.
    command: Option<Vec<String>>,
}

/// Who gives secrets.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Provider {
    Pass,
    Env,
    File,
    Command,
}

/// The hosts, how they are reached, and the groups they are in.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Inventory {
    /// Connection settings of every host that does not set them itself.
    defaults: Option<Settings>,
    /// The hosts, by name.
    #[schemars(extend("propertyNames" = name()))]
    hosts: Option<BTreeMap<String, Host>>,
    /// The groups, by name.
    #[schemars(extend("propertyNames" = name()))]
    groups: Option<BTreeMap<String, Group>>,
}

/// How hosts are reached.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Settings {
    /// What carries the questions: `ssh`, `openssh` (the system's own client), `docker` (a container on this machine)
    /// or `local` (this machine).
    connection: Option<Connection>,
    /// A name or an IP address; for `docker` the container's name (default: the host's name).
    address: Option<String>,
    /// The port of its SSH server (default: 22, or what ~/.ssh/config says).
    port: Option<u16>,
    /// The account to log in as (default: what ~/.ssh/config says, or your own name).
    user: Option<String>,
    /// How to become root (default: not at all as root, `sudo` otherwise).
    r#become: Option<Become>,
    /// The name of the secret that is sudo's password.
    become_secret: Option<String>,
    /// The host to go through: a host of the inventory, or a name that SSH knows.
    jump: Option<String>,
    /// The file of a private key (default: the agent, ~/.ssh/config, the usual files).
    identity: Option<String>,
    /// The known_hosts file (default: yours and the system's). An unknown or changed key is refused.
    known_hosts: Option<String>,
    /// The time to connect and log in: `10s` (the default).
    #[schemars(regex(pattern = "^[0-9]+(ms|s|m)$"))]
    timeout: Option<String>,
    /// After how long the host undoes by itself a change that took the way in from comply, such as one of sshd's
    /// configuration.
    #[schemars(regex(pattern = "^[0-9]+(ms|s|m)$"))]
    revert_after: Option<String>,
}

/// What carries the questions.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Connection {
    Ssh,
    Openssh,
    Docker,
    Local,
}

/// How to become root.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Become {
    Sudo,
    Doas,
    None,
}

/// One host.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Host {
    #[schemars(flatten)]
    settings: Settings,
    /// The groups it is in.
    groups: Option<Vec<String>>,
    /// `audit`: no command ever changes this host (default: enforce).
    mode: Option<Mode>,
    /// Variables of this host, above those of its groups and of the project.
    vars: Option<Vars>,
    /// What `check` may assume of the host before anybody has asked it.
    facts: Option<Facts>,
}

/// What a host says of itself.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Facts {
    /// Its system.
    os: Option<Os>,
    /// What `uname -m` prints: `x86_64`.
    arch: Option<String>,
    /// Its own short name.
    hostname: Option<String>,
    /// What `systemd-detect-virt` prints: `kvm`, `lxc`, `none`.
    virtualization: Option<String>,
}

/// A system, as os-release(5) has it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Os {
    /// `debian`.
    id: Option<String>,
    /// `12`.
    version: Option<String>,
    /// `bookworm`.
    codename: Option<String>,
}

/// A group of hosts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Group {
    /// Hosts in it, by name or glob (`pica*`); a host may also name the group itself.
    hosts: Option<Vec<String>>,
    /// Groups in it.
    groups: Option<Vec<String>>,
    /// Variables of its hosts.
    vars: Option<Vars>,
}

/// What must hold, and on which hosts.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Policy {
    /// Its name (default: the name of the file).
    policy: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The hosts it is for: names, groups and globs; `all` is every host that is not `local`.
    #[schemars(extend("minItems" = 1))]
    hosts: Vec<String>,
    /// Hosts that it is not for.
    except: Option<Vec<String>>,
    /// `audit`: no command ever changes what this policy declares (default: enforce).
    mode: Option<Mode>,
    /// How much drift from it matters (default: major). Drift of severity `info` does not fail a run.
    severity: Option<Severity>,
    /// For `--tag`.
    tags: Option<Vec<String>>,
    /// What demands it: lines of a standard.
    refs: Option<Vec<String>>,
    /// A condition, without braces: `os.id == "debian"`. Where it is false, the policy is skipped.
    when: Option<String>,
}

/// A piece of policy with parameters, for policies to `use`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Technique {
    /// Its name (default: the name of the file).
    #[schemars(regex(pattern = "^[A-Za-z][A-Za-z0-9_-]*$"))]
    technique: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// What it may be told, by name: a type, or a mapping with `type`.
    params: Option<Params>,
}

/// Parameters by name.
struct Params;

impl JsonSchema for Params {
    fn schema_name() -> Cow<'static, str> {
        "Params".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (kind, parameter) = (generator.subschema_for::<Type>(), generator.subschema_for::<Parameter>());
        json_schema!({
            "type": "object",
            "propertyNames": {
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "not": { "enum": inventory::RESERVED },
            },
            "additionalProperties": { "anyOf": [kind, parameter] },
        })
    }
}

/// What a parameter takes.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Type {
    String,
    Integer,
    Boolean,
    List,
    Mapping,
}

/// A parameter of a technique.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct Parameter {
    /// What it takes.
    r#type: Type,
    /// Of a list or a mapping: what each value in it is.
    of: Option<Type>,
    /// What it is for.
    description: Option<String>,
    /// Its value where a `use` gives none; without a default it must be given.
    default: Option<Value>,
    /// A regular expression that describes the whole text: `[a-z]+`.
    pattern: Option<String>,
    /// What may be written, and nothing else.
    one_of: Option<Vec<Value>>,
    /// The least number.
    min: Option<i64>,
    /// The greatest number.
    max: Option<i64>,
    /// Said instead of our own words where a value is refused.
    message: Option<String>,
}

/// What stands beside a technique's name in `use`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Usage {
    /// A condition, without braces; where it is false, all of it is skipped.
    when: Option<String>,
    /// A list or a mapping, without braces: the technique is used for each. Parameters see `item`, or `key` and `value`.
    for_each: Option<String>,
    /// `audit`: no command ever changes what the technique declares.
    mode: Option<Mode>,
    /// How much drift from it matters (default: as the policy says).
    severity: Option<Severity>,
    /// For `--tag`, beside those of the policy.
    tags: Option<Vec<String>>,
}

/// The keys that every resource takes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Common {
    /// Its name; without it, the key in front is the name.
    name: Option<String>,
    /// `audit`: no command ever changes it (default: enforce).
    mode: Option<Mode>,
    /// How much its drift matters (default: as the policy says, else major).
    severity: Option<Severity>,
    /// For `--tag`, beside those of the policy.
    tags: Option<Vec<String>>,
    /// What demands it: lines of a standard.
    refs: Option<Vec<String>>,
    /// Why; shown with the drift.
    why: Option<String>,
    /// A condition, without braces: `os.id == "debian"`. Where it is false, this is skipped.
    when: Option<String>,
    /// A list or a mapping, without braces: this is declared for each. Fields see `item`, or `key` and `value`; `name`
    /// must be written.
    for_each: Option<String>,
    /// Ids of resources that must be right first: `package/curl`.
    requires: Option<Vec<String>>,
    /// Ids of resources that need this one.
    before: Option<Vec<String>>,
}

/// A deviation that is accepted for a while.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct Waiver {
    /// The id of a resource, or a glob over ids; `*` also covers a host that cannot be reached.
    resource: String,
    /// On these hosts: names, groups and globs.
    hosts: Vec<String>,
    /// Why it is accepted.
    reason: String,
    /// Who answers for it.
    owner: String,
    /// The last day it holds, in UTC: `2027-01-31`.
    #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    until: String,
}
