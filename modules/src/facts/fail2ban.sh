command -v fail2ban-client >/dev/null || {
	echo '{"installed": false}'
	exit
}
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -c '
import ast, ipaddress, json, subprocess, sys
from fail2ban.client.csocket import CSocket
from fail2ban.server.mytime import MyTime

# What it would load.
dump = subprocess.run(["fail2ban-client", "-d"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
said = [line for line in dump.stderr.splitlines() if "ERROR" in line or "Have not found any log" in line]
jails = {}

def flat(words):
    for word in words:
        if isinstance(word, (list, tuple)):
            yield from flat(word)
        else:
            yield str(word)

for line in dump.stdout.splitlines():
    try:
        words = ast.literal_eval(line)
        verb, name = words[0], words[1]
    except (ValueError, SyntaxError, IndexError, TypeError):
        continue
    if verb == "add":
        jails[name] = {"loaded": True, "backend": str(words[2]), "values": {}, "ignoreip": [], "actions": {}}
    elif verb in ("set", "multi-set") and name in jails and len(words) > 3:
        jail, key = jails[name], words[2]
        if key in ("maxretry", "findtime", "bantime", "maxmatches", "usedns"):
            jail["values"][key] = str(words[3])
        elif key == "addignoreip":
            jail["ignoreip"] += flat(words[3:])
        elif key == "addaction":
            jail["actions"].setdefault(words[3], {})
        elif key == "action" and verb == "multi-set":
            jail["actions"].setdefault(words[3], {}).update((pair[0], str(pair[1])) for pair in words[4])

def plain(key, value):
    if key in ("findtime", "bantime"):
        try:
            return str(int(MyTime.str2seconds(str(value))))
        except (ValueError, TypeError, SyntaxError):
            pass
    return str(value)

def address(text):
    try:
        network = ipaddress.ip_network(text, strict=False)
        return str(network if network.num_addresses > 1 else network.network_address)
    except ValueError:
        return text

for jail in jails.values():
    jail["values"] = {key: plain(key, value) for key, value in jail["values"].items()}

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

running = []
if server:
    status = ask("status")
    if status is None:
        sys.exit("fail2ban answers nothing")
    running = [name for name in dict(status).get("Jail list", "").split(", ") if name]
for name in running:
    jail = jails.setdefault(name, {"loaded": False, "values": {}, "ignoreip": [], "actions": {}})
    jail["running"], jail["stale"] = True, []
    if not jail["loaded"]:
        continue
    for key, wanted in jail["values"].items():
        value = ask("get", name, key)
        if value is not None and plain(key, value) != wanted:
            jail["stale"].append([key, plain(key, value), wanted])
    ignored = ask("get", name, "ignoreip")
    if ignored is not None:
        ignored, wanted = [sorted({address(text) for text in flat(each)}) for each in (ignored, jail["ignoreip"])]
        if ignored != wanted:
            jail["stale"].append(["ignoreip", ", ".join(ignored) or "none", ", ".join(wanted) or "none"])
    actions = ask("get", name, "actions")
    if actions is not None and sorted(map(str, actions)) != sorted(jail["actions"]):
        jail["stale"].append(["action", ", ".join(map(str, actions)), ", ".join(jail["actions"])])
    for action, values in jail["actions"].items():
        for key, wanted in values.items():
            value = ask("get", name, "action", action, key)
            if value is not None and str(value) != wanted:
                jail["stale"].append([key, str(value), wanted])
for jail in jails.values():
    jail["actions"] = sorted(jail["actions"])
json.dump({"installed": True, "readable": dump.returncode == 0, "server": server is not None, "said": said[-5:], "jails": jails}, sys.stdout)
'
