// Speaks with the language server as an editor does: JSON-RPC on its standard streams (Language Server Protocol 3.17).
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , installed, repository] = process.argv;
const schema = (what) => pathToFileURL(join(installed, "schemas", `${what}.json`)).href;
const yaml = {
  schemas: {
    [schema("project")]: "comply.yml",
    [schema("inventory")]: ["inventory.yml", "inventory/*.yml"],
    [schema("policy")]: "policies/*.yml",
    [schema("technique")]: "techniques/*.yml",
    [schema("waivers")]: "waivers.yml",
  },
  schemaStore: { enable: false },
  validate: true,
  completion: true,
};

const server = spawn("node", [join(installed, "node_modules/.bin/yaml-language-server"), "--stdio"], {
  stdio: ["pipe", "pipe", "inherit"],
});
const answers = new Map();
const diagnostics = new Map();
let received = Buffer.alloc(0);
let last = 0;

function send(message) {
  const text = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
}

function ask(method, params) {
  last += 1;
  send({ id: last, method, params });
  return new Promise((resolve) => answers.set(last, resolve));
}

function hear(message) {
  if (message.method === "textDocument/publishDiagnostics") {
    const { uri, diagnostics: found } = message.params;
    diagnostics.get(uri)?.(found);
  } else if (message.method === "workspace/configuration") {
    send({ id: message.id, result: message.params.items.map(({ section }) => (section === "yaml" ? yaml : {})) });
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (answers.has(message.id)) {
    answers.get(message.id)(message.result);
  }
}

server.stdout.on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  for (;;) {
    const end = received.indexOf("\r\n\r\n");
    const length = Number(/Content-Length: (\d+)/.exec(received.subarray(0, Math.max(end, 0)))?.[1]);
    if (end < 0 || received.length < end + 4 + length) return;
    hear(JSON.parse(received.subarray(end + 4, end + 4 + length)));
    received = received.subarray(end + 4 + length);
  }
});

// Opens a document; what the server says of it.
function open(path, text) {
  const uri = pathToFileURL(path).href;
  send({ method: "textDocument/didOpen", params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  return new Promise((resolve) => diagnostics.set(uri, resolve));
}

// The files of the language in a repository.
function files(directory) {
  const names = readdirSync(directory).filter((name) => /^(comply|inventory|waivers)\.yml$/.test(name));
  for (const below of ["inventory", "policies", "techniques"]) {
    try {
      const yml = readdirSync(join(directory, below), { withFileTypes: true }).filter((entry) => entry.isFile());
      names.push(...yml.map((entry) => join(below, entry.name)).filter((name) => name.endsWith(".yml")));
    } catch (error) {
      if (!["ENOENT", "ENOTDIR"].includes(error.code)) throw error;
    }
  }
  return names.map((name) => join(directory, name));
}

// What the server underlines in a repository, a line each.
async function underlined(directory) {
  const found = await Promise.all(
    files(directory).map(async (path) => {
      const all = await open(path, readFileSync(path, "utf8"));
      return all.map(({ range, message }) => `${path}:${range.start.line + 1}: ${message}`);
    }),
  );
  return found.flat();
}

async function completed(text) {
  const path = join(repository, `policies/new${(last += 1)}.yml`);
  await open(path, text);
  const [line, character] = [text.split("\n").length - 1, text.split("\n").at(-1).length];
  const uri = pathToFileURL(path).href;
  const found = await ask("textDocument/completion", { textDocument: { uri }, position: { line, character } });
  return (found.items ?? found).map(({ label }) => label);
}

// Directories of examples or of mistakes.
function directories(below) {
  const entries = readdirSync(join(repository, below), { withFileTypes: true });
  const named = entries.filter((entry) => entry.isDirectory() && entry.name !== "said");
  return named.map((entry) => join(repository, below, entry.name));
}

const wrong = [];
const capabilities = { workspace: { configuration: true } };
await ask("initialize", { processId: process.pid, rootUri: pathToFileURL(repository).href, capabilities });
send({ method: "initialized", params: {} });
send({ method: "workspace/didChangeConfiguration", params: { settings: { yaml } } });
// It reads its settings without saying when it has.
await new Promise((resolve) => setTimeout(resolve, 1000));

const examples = directories("examples");
for (const example of examples) wrong.push(...(await underlined(example)));

const snapshot = join(repository, "policies/tests/snapshots/schema__an_editor_sees_every_mistake_but_these.snap");
const excepted = new Set(readFileSync(snapshot, "utf8").split("---\n").at(-1).trim().split("\n"));
// YAML 1.1's merge keys are known to it, it reads any bytes as text, and a file may hold several documents.
for (const name of ["merge_key", "not_utf8", "several_documents"]) excepted.add(name);
const mistakes = directories("policies/tests/mistakes").filter((directory) => !excepted.has(basename(directory)));
for (const mistake of mistakes) {
  if ((await underlined(mistake)).length === 0) wrong.push(`${mistake}: nothing is underlined`);
}

for (const [text, expected] of [
  ["hosts: [all]\nuse", "users"],
  ["hosts: [all]\nusers:\n  alice:\n    ", "shell"],
  ["hosts: [all]\npackages:\n  curl: ", "absent"],
  ["hosts: [all]\nmode: ", "enforce"],
  ["hosts: [all]\nsshd:\n  Permit", "PermitRootLogin"],
]) {
  const offered = await completed(text);
  if (!offered.includes(expected)) wrong.push(`after ${JSON.stringify(text)} it offers: ${offered.join(" ")}`);
}

for (const line of wrong) console.error(line);
console.log(`editor: ${examples.length} examples, ${mistakes.length} mistakes, ${wrong.length} surprises`);
server.kill();
process.exit(wrong.length === 0 ? 0 : 1);
