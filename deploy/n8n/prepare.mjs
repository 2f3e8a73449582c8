// Makes an n8n ready that does not run yet: the credential with the signing secret, the workflows that use it, all published.
// Run by n8n's container (docker-compose.yml) and by `cargo xtask up --n8n`; again at every start, when it has little to do.
//
//   COCCINELLE_SIGNING_SECRET=… node prepare.mjs FOLDER_OF_WORKFLOWS [--keep-executions] [-- COMMAND OF N8N…]
//
// The secret is the text of Coccinelle's setting `n8n.signing_secret`. Beside it, n8n's own variables say where its database is.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const CREDENTIAL = { id: "coccinelleSignature1", name: "Coccinelle - signature" };
const SIGNING = "Calculer la signature";

const words = process.argv.slice(2);
const end = words.indexOf("--");
const command = end < 0 ? ["n8n"] : words.splice(end).slice(1);
const keepsExecutions = words.includes("--keep-executions");
const [folder] = words.filter((word) => !word.startsWith("--"));
const secret = process.env.COCCINELLE_SIGNING_SECRET ?? "";

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

/** Runs a command of n8n and gives what it said: its exit code says nothing. */
function n8n(...arguments_) {
  const [program, ...first] = command;
  const done = spawnSync(program, [...first, ...arguments_], { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  if (done.error) fail(`n8n could not be started: ${done.error.message}`);
  return `${done.stdout}\n${done.stderr}`;
}

function expect(said, words, what) {
  if (!said.includes(words)) fail(`${what}:\n${said.trim().split("\n").slice(-20).join("\n")}`);
}

if (!folder) fail("Say which folder holds the workflows");
if (Buffer.byteLength(secret) < 32) fail("COCCINELLE_SIGNING_SECRET must hold 32 bytes at least, as n8n.signing_secret does");

const workflows = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")));
for (const workflow of workflows) {
  for (const node of workflow.nodes) {
    if (node.name === SIGNING) node.credentials = { crypto: CREDENTIAL };
  }
  if (keepsExecutions) workflow.settings.saveDataSuccessExecution = "all";
}

const home = join(process.env.N8N_USER_FOLDER ?? homedir(), ".n8n");
const mark = join(home, "coccinelle.sha256");
const wanted = createHash("sha256").update(JSON.stringify([secret, workflows])).digest("hex");
const ids = workflows.map((workflow) => workflow.id);
let known = "";
try {
  known = readFileSync(mark, "utf8");
} catch {
  // The first time.
}
const published = n8n("list:workflow", "--active=true", "--onlyId").split("\n");
if (known === wanted && ids.every((id) => published.includes(id))) {
  console.log("The workflows are in place");
  process.exit(0);
}

// n8n takes no new version of a workflow that is published.
for (const id of ids.filter((id) => published.includes(id))) {
  console.log(`Taking back ${id}`);
  expect(n8n("unpublish:workflow", `--id=${id}`), "Note: Changes", `${id} was not taken back`);
}
const place = mkdtempSync(join(tmpdir(), "coccinelle-n8n-"));
try {
  const credentials = join(place, "credentials.json");
  const made = [{ ...CREDENTIAL, type: "crypto", data: { hmacSecret: secret } }];
  writeFileSync(credentials, JSON.stringify(made), { mode: 0o600 });
  mkdirSync(join(place, "workflows"));
  for (const workflow of workflows) {
    writeFileSync(join(place, "workflows", `${workflow.id}.json`), JSON.stringify(workflow));
  }
  console.log("Making the signing secret's credential");
  expect(n8n("import:credentials", `--input=${credentials}`), "Successfully imported 1 credential", "The credential was not made");
  console.log("Importing the workflows");
  const imported = n8n("import:workflow", "--separate", `--input=${join(place, "workflows")}`);
  expect(imported, `Successfully imported ${ids.length} workflow`, "The workflows were not imported");
} finally {
  rmSync(place, { recursive: true });
}
for (const id of ids) {
  console.log(`Publishing ${id}`);
  expect(n8n("publish:workflow", `--id=${id}`), "Note: Changes", `${id} was not published`);
}
mkdirSync(home, { recursive: true });
writeFileSync(mark, wanted);
console.log("The workflows are in place");
