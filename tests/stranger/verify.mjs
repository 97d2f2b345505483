// A verifier of an export, written from docs/audit-format.md alone, in another language: node verify.mjs DIR [CHECKPOINT ...]
// Exit 0 and a line "verified ...", or exit 1 and a line "NOT VERIFIED: ...".
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync, readdirSync, existsSync } from "node:fs";
import { join } from "node:path";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const LEAF = Buffer.from([0]), NODE = Buffer.from([1]), ED25519 = Buffer.from([1]);
const ALWAYS = new Set(["run_opened", "run_sealed", "inputs_recorded", "policy_adopted", "ledger_recovered", "body_withheld", "partition_detached"]);
const refuse = (why) => { throw new Error(why); };

function base64(text) {
  const data = Buffer.from(text, "base64");
  return data.toString("base64") === text ? data : refuse("that is no base64");
}

function publicKey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? refuse("verifier.txt holds no public key");
  const [, name, id, data] = found, raw = base64(data);
  if (raw.length !== 33 || raw[0] !== 1) refuse("verifier.txt holds no Ed25519 key");
  if (keyId(name, raw.subarray(1)).toString("hex") !== id) refuse("the key's id is another's");
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw.subarray(1)]); // X.509 for Ed25519
  return { name, id, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
}

const keyId = (name, key) => sha256(Buffer.from(name), Buffer.from("\n"), ED25519, key).subarray(0, 4);

function checkpoint(note, known) {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) refuse("it is no signed note");
  const text = note.slice(0, end + 1);
  let good = false;
  for (const line of note.slice(end + 2, -1).split("\n")) {
    const found = /^\u2014 (\S+) (\S+)$/.exec(line) ?? refuse("a line below the text is no signature");
    const data = base64(found[2]);
    if (found[1] !== known.name || data.subarray(0, 4).toString("hex") !== known.id) continue;
    if (!verify(null, Buffer.from(text), known.key, data.subarray(4))) refuse("its signature is not good");
    good = true;
  }
  const [origin, size, root] = text.split("\n");
  if (!good || origin !== known.name) refuse("the log's own key has not signed it");
  if (!/^(0|[1-9][0-9]*)$/.test(size)) refuse("its size is none");
  return { size: Number(size), root: base64(root) };
}

function main(directory, elsewhere) {
  const known = publicKey(readFileSync(join(directory, "verifier.txt"), "utf8")); // 1
  const folder = join(directory, "checkpoints");
  const files = (existsSync(folder) ? readdirSync(folder) : []).filter((name) => name.endsWith(".txt")).map((name) => join(folder, name));
  const points = [...files, ...elsewhere].map((file) => checkpoint(readFileSync(file, "utf8"), known)); // 2
  const lines = readFileSync(join(directory, "entries.jsonl"), "utf8").split("\n"); // at 0x0A alone
  if (lines.pop() !== "") refuse("the last line does not end");
  const hashes = [], without = [], said = [];
  const root = () => hashes.length === 0 ? sha256() : hashes.reduceRight((right, left) => sha256(NODE, left, right));
  const compare = (size) => points.forEach((point) => { if (point.size === size && !point.root.equals(root())) refuse(`the first ${size} entries are not those that were signed for`); });
  compare(0);
  lines.forEach((line, number) => {
    const entry = JSON.parse(line), body = entry.body === null ? null : JSON.parse(entry.body); // 3
    if (entry.seq !== number || (body && body.seq !== number)) refuse(`entry ${number} is missing, or another stands in its place`);
    let leaf = Buffer.from(entry.leaf, "hex");
    if (leaf.length !== 32) refuse(`entry ${number} has no leaf`);
    if (body === null) without.push(number);
    else if (!leaf.equals(sha256(LEAF, Buffer.from(entry.body)))) refuse(`entry ${number} is not what was hashed`);
    else if (ALWAYS.has(body.kind)) said.push(body);
    for (let n = number; n % 2 === 1; n = (n - 1) / 2) leaf = sha256(NODE, hashes.pop(), leaf); // 4
    hashes.push(leaf);
    compare(number + 1);
  });
  const named = (number) => said.some((body) => (body.kind === "body_withheld" && body.entry === number)
    || (body.kind === "partition_detached" && body.first <= number && number <= body.last));
  for (const number of without) if (!named(number)) refuse(`entry ${number} has no body, and no entry says why`);
  const newest = Math.max(-1, ...points.map((point) => point.size)); // 5
  if (newest < 0) refuse("there is no checkpoint");
  if (newest > lines.length) refuse(`there are ${lines.length} entries, ${newest} were signed for`);
  return `verified ${lines.length} entries of ${known.name}, ${newest} under checkpoints`;
}

try {
  console.log(main(process.argv[2], process.argv.slice(3)));
} catch (error) {
  console.error(`NOT VERIFIED: ${error.message}`);
  process.exitCode = 1;
}
