command -v fail2ban-client >/dev/null || {
	echo '{"installed": false}'
	exit
}
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -c '
import ast, ipaddress, json, logging, os, re, subprocess, sys
from fail2ban.client.configparserinc import SafeConfigParserWithIncludes
from fail2ban.client.configreader import ConfigReaderUnshared
from fail2ban.client.csocket import CSocket
from fail2ban.server.mytime import MyTime
from fail2ban.server.server import Server
from fail2ban.server.transmitter import Transmitter

logging.disable(logging.CRITICAL)
OURS = "/etc/fail2ban/jail.d/zz-comply.local"
NUMBERS = ("maxretry", "maxmatches", "maxlines")
TIMES = ("findtime", "bantime", "bantime.maxtime", "bantime.rndtime")
SWITCHES = ("enabled", "ignoreself", "bantime.increment", "bantime.overalljails")
# A server keeps these as it was given them, and evaluates some: a second one is not given them.
EXTRA = ["bantime." + key for key in ("increment", "factor", "formula", "multipliers", "maxtime", "rndtime", "overalljails")]
KEYS = ["maxretry", "findtime", "bantime", "maxmatches", "usedns", "maxlines", "logencoding", "logtimezone", "datepattern",
    "ignoreself", "ignorecommand", "ignorecache", "prefregex", "failregex", "ignoreregex"]

def plain(key, value):
    """A value in the words in which it is compared and told."""
    if key == "datepattern" and isinstance(value, (list, tuple)):
        value = value[0] or value[-1]
    text = "" if value is None else str(value)
    try:
        if key in TIMES and text:
            return str(int(MyTime.str2seconds(text)))
        if key in NUMBERS and text:
            return str(int(text))
        if key == "ignoreip":
            return " ".join(sorted({address(word) for word in re.split(r"[\s,]+", text) if word}))
        if key in SWITCHES:
            return "true" if text.lower() in ("1", "on", "true", "yes") else "false"
    except (ValueError, TypeError, SyntaxError, NameError):
        pass
    return text.lower() if key == "usedns" else text

def flat(words):
    for word in words:
        if isinstance(word, (list, tuple)):
            yield from flat(word)
        else:
            yield str(word)

def address(text):
    try:
        network = ipaddress.ip_network(text, strict=False)
        return str(network if network.num_addresses > 1 else network.network_address)
    except ValueError:
        return text

def counted(patterns, others):
    """Patterns have no names, and are long."""
    if len(patterns) != len(others):
        return "%d pattern%s" % (len(patterns), "s"[len(patterns) == 1:])
    return ", ".join(each for each in patterns if each not in others)

# What comply wrote and other files say otherwise.
def overridden():
    files, ours = ConfigReaderUnshared(), SafeConfigParserWithIncludes()
    files.read("jail")
    try:
        ours.read(OURS, get_includes=False)
    except Exception:
        return  # Then it is not what comply wrote.
    def meaning(section, key, raw):
        try:
            return plain(key, files.get(section, key, vars={key: raw}))
        except Exception:
            return raw
    for section, keys in [("DEFAULT", ours.get_defaults()), *ours.get_sections().items()]:
        found = []
        for key, wanted in keys.items():
            loaded = files.get(section, key, raw=True)
            if key != "__name__" and loaded != wanted:
                loaded, wanted = meaning(section, key, loaded), meaning(section, key, wanted)
                if loaded != wanted:
                    found.append({"key": key, "is": loaded, "should": wanted})
        yield section, found

# What it would load.
dump = subprocess.run(["fail2ban-client", "-d"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
readable = dump.returncode == 0
said = [line for line in dump.stderr.splitlines() if "ERROR" in line or "Have not found any log" in line]
said = [line for line in said if not re.search("Init of command line failed|Errors in jail", line)]
jails = {}
for line in dump.stdout.splitlines():
    try:
        words = ast.literal_eval(line)
        verb, name = words[0], words[1]
    except (ValueError, SyntaxError, IndexError, TypeError):
        continue
    if verb == "config-error":
        wrong = re.match(r"Jail .(.+?). skipped, because of wrong configuration: (.*)", str(name), re.S)
        if wrong:
            jails[wrong[1]] = {"wrong": wrong[2]}
    elif verb == "add":
        jails[name] = {"loaded": True, "backend": str(words[2]), "set": [], "ignoreip": [], "actions": {}, "logpath": [], "journalmatch": []}
    elif verb in ("set", "multi-set") and name in jails and len(words) > 3:
        jail, key = jails[name], words[2]
        if key == "addignoreip":
            jail["ignoreip"] += flat(words[3:])
        elif key == "addlogpath":
            jail["logpath"].append(str(words[3]))
        elif key == "addjournalmatch":
            jail["journalmatch"].append([])
            for word in words[3:]:
                if word == "+":
                    jail["journalmatch"].append([])
                else:
                    jail["journalmatch"][-1].append(str(word))
        elif key == "addaction":
            jail["actions"].setdefault(words[3], {})
        elif key == "action":
            pairs = words[4] if verb == "multi-set" else [words[4:]]
            jail["actions"].setdefault(words[3], {}).update((pair[0], str(pair[1])) for pair in pairs)
        else:
            jail["set"].append(words)

# What runs.
server = None
try:
    server = CSocket("/run/fail2ban/fail2ban.sock", timeout=10)
except PermissionError:
    sys.exit("Permission denied: only root may ask fail2ban")
except OSError:
    pass

def ask(*words):
    try:
        code, value = server.send(list(words))
    except Exception:
        return None
    return value if code == 0 else None

# In what words a server tells what it was given only a server can tell: a second one, of which nothing is started.
second = Server()
given = Transmitter(second)

def values(name, jail):
    """What both servers answer: key, the one that runs, the second one."""
    told = {words[2]: words[3] for words in jail["set"]}
    second.addJail(name, "polling")
    for words in jail["set"]:
        if words[2] not in EXTRA:
            given.proceed(words)
    for key in KEYS + EXTRA:
        if key == "logencoding" and str(told.get(key, "auto")).lower() == "auto":
            continue  # Depends on the environment of the server.
        if key == "datepattern" and "\n" in str(told.get(key, "\n")).strip(" "):
            continue  # Of several, that comes first which matched most often.
        try:
            code, runs = server.send(["get", name, key])
        except Exception:
            continue
        right, wanted = (0, told.get(key)) if key in EXTRA else given.proceed(["get", name, key])
        if (code, right) == (0, 0):
            yield key, runs, wanted

running = []
if server:
    status = ask("status")
    if status is None:
        sys.exit("fail2ban answers nothing")
    running = [name for name in dict(status).get("Jail list", "").split(", ") if name]
for name in running:
    jail = jails.setdefault(name, {})
    jail["running"], jail["stale"], jail["restart"] = True, [], False
    if not jail.get("loaded"):
        continue
    def compare(key, runs, wanted, action=""):
        if runs != wanted:
            jail["stale"].append({"key": key, "action": action, "is": runs, "should": wanted})
    for key, runs, wanted in values(name, jail):
        if key in ("failregex", "ignoreregex"):
            patterns = [list(map(str, each)) for each in (runs, wanted)]
            if patterns[0] != patterns[1]:
                compare(key, counted(*patterns), counted(*patterns[::-1]))
        elif plain(key, runs) != plain(key, wanted):
            compare(key, plain(key, runs), plain(key, wanted))
            # Reload sets what it finds in the files, and nothing else back to what it was at first.
            jail["restart"] |= all(words[2] != key for words in jail["set"])
    ignored = ask("get", name, "ignoreip")
    if ignored is not None:
        compare("ignoreip", *(plain("ignoreip", " ".join(flat(each))) for each in (ignored, jail["ignoreip"])))
    read = ask("get", name, "logpath")
    if read is not None:
        # It holds on to files that are gone, until they come back.
        read = {str(path) for path in read if path in jail["logpath"] or os.path.exists(str(path))}
        compare("logpath", ", ".join(sorted(read)), ", ".join(sorted(set(jail["logpath"]))))
    matched = ask("get", name, "journalmatch")
    if matched is not None and (matched or jail["backend"] == "systemd"):
        compare("journalmatch", *(" + ".join(sorted(" ".join(map(str, each)) for each in all if each)) for all in (matched, jail["journalmatch"])))
    actions = ask("get", name, "actions")
    if actions is not None:
        compare("action", ", ".join(sorted(map(str, actions))), ", ".join(sorted(jail["actions"])))
        # Nor does it add an action again.
        jail["restart"] |= any(action not in actions for action in jail["actions"])
    for action, properties in jail["actions"].items():
        for key, wanted in properties.items():
            value = ask("get", name, "action", action, key)
            if value is not None:
                compare(key, str(value), wanted, action)
told = ("wrong", "running", "stale", "restart")
jails = {name: {key: jail[key] for key in told if key in jail} for name, jail in jails.items()}
other = dict(overridden()) if readable else {}
json.dump({"installed": True, "readable": readable, "server": server is not None, "said": said[-5:], "overridden": other, "jails": jails}, sys.stdout)
'
