/** Output from the command to the station's standard output: every byte, in order, and harmless on a terminal. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { Fleet } from "../support/fleet.ts";

const PREFIX = Buffer.from("web1 │ ");
const NEWLINE = 10;

test("cb station passes binary output on as it is", async () => {
  await using fleet = await Fleet.start();
  // Half of it without any newline for long, as no text is.
  const data = Buffer.concat([randomBytes(200_000), Buffer.alloc(60_000, 0xff), randomBytes(1_000)]);
  data[data.length - 1] = NEWLINE;
  writeFileSync(fleet.path("data"), data);
  fleet.command("print", `cat ${fleet.path("data")}`);
  await fleet.agent("web1");
  const { status, bytes, stderr } = await fleet.station("run", "print");
  assert.equal(status, 0, stderr);
  assert.equal(sha256(withoutPrefixes(bytes)), sha256(data));
});

test("cb station shows 20 MB complete and in order", async () => {
  await using fleet = await Fleet.start();
  const data = Buffer.from(`${randomBytes(15_000_000).toString("base64").replaceAll(/.{99}/g, "$&\n")}\n`);
  assert.ok(data.length > 20_000_000);
  writeFileSync(fleet.path("data"), data);
  fleet.command("print", `cat ${fleet.path("data")}`);
  await fleet.agent("web1");
  const { status, bytes, stderr } = await fleet.station("run", "print");
  assert.equal(status, 0, stderr);
  assert.equal(sha256(withoutPrefixes(bytes)), sha256(data));
});

test("cb station cuts a line of 1 MB into pieces, and marks them", async () => {
  await using fleet = await Fleet.start();
  fleet.command("print", "head -c 1000000 /dev/zero | tr '\\0' x; echo; echo next");
  await fleet.agent("web1");
  const { status, stdout, stderr } = await fleet.station("run", "print");
  assert.equal(status, 0, stderr);
  const pieces = stdout.trimEnd().split("\n");
  assert.equal(pieces.pop(), "web1 │ next");
  assert.equal(pieces.shift(), `web1 │ ${"x".repeat(65_536)}`);
  for (const piece of pieces) assert.match(piece, /^web1 … x{1,65536}$/);
  assert.equal(pieces.join("").replaceAll("web1 … ", "").length, 1_000_000 - 65_536);
});

test("cb station does not mix the lines of different agents", async () => {
  await using fleet = await Fleet.start();
  fleet.command(
    "print",
    "for number in 1 2 3 4 5; do",
    '  printf "line "; sleep 0.02; echo "$number"',
    "done",
  );
  const names = ["web1", "web2", "web3"];
  await Promise.all(names.map((name) => fleet.agent(name)));
  const { status, stdout } = await fleet.station("run", "print");
  assert.equal(status, 0);
  for (const name of names) {
    const own = stdout.split("\n").filter((line) => line.startsWith(name));
    assert.deepEqual(
      own,
      [1, 2, 3, 4, 5].map((number) => `${name} │ line ${number}`),
    );
  }
});

test("cb station shows a line as soon as it is complete", async () => {
  await using fleet = await Fleet.start();
  const go = fleet.path("go");
  fleet.command("print", "echo one", `until [ -e ${go} ]; do sleep 0.02; done`, "echo two");
  await fleet.agent("web1");
  const station = fleet.start(["station", "run", "print"]);
  await station.says(/^web1 │ one\n$/);
  writeFileSync(go, "");
  assert.equal((await station.finished).stdout, "web1 │ one\nweb1 │ two\n");
});

test("cb station shows control characters on a terminal, and passes none on", async () => {
  await using fleet = await Fleet.start();
  fleet.command(
    "attack",
    String.raw`printf '\033[2Jcleared \033]0;title\007 \302\233 \342\200\256 a\rb\n'`,
    String.raw`printf '\033c' >&2`,
  );
  await fleet.agent("web1");
  const wrapper = ["sh", "-c", 'exec script --quiet --return --command "$*" /dev/null', "sh"];
  const { status, stdout } = await fleet.cb(["station", "run", "attack", "--no-progress"], { wrapper });
  assert.equal(status, 0, stdout);
  // The names are painted, by us.
  const shown = stdout.replaceAll(/\u001b\[3[169]m/g, "").split("\r\n");
  assert.ok(shown.includes("web1 │ ^[[2Jcleared ^[]0;title^G <U+009B> <U+202E> a^Mb"), stdout);
  assert.ok(shown.includes("web1 ! ^[c"), stdout);
  assert.doesNotMatch(shown.join(""), /[\u0000-\u001f\u007f-\u009f\u202e]/);
});

test("cb station --output raw shows control characters on a terminal, and passes the bytes on to a pipe", async () => {
  await using fleet = await Fleet.start();
  fleet.command("attack", String.raw`printf '\033[2Jcleared\t\033]0;title\007 \302\233 a\rb\nnext\n'`);
  await fleet.agent("web1");
  const args = ["station", "run", "attack", "--to", "web1", "--output", "raw", "--no-progress"];
  const piped = await fleet.cb(args);
  assert.equal(piped.stdout, "\u001b[2Jcleared\t\u001b]0;title\u0007 \u009b a\rb\nnext\n");
  const wrapper = ["sh", "-c", 'exec script --quiet --return --command "$*" /dev/null', "sh"];
  const { stdout } = await fleet.cb(args, { wrapper });
  assert.ok(stdout.includes("^[[2Jcleared\t^[]0;title^G <U+009B> a^Mb\r\nnext\r\n"), stdout);
});

/** What an agent's command printed, from what the station did. */
function withoutPrefixes(shown: Uint8Array): Uint8Array {
  const rest: Uint8Array[] = [];
  for (let start = 0; start < shown.length; ) {
    assert.ok(PREFIX.equals(shown.subarray(start, start + PREFIX.length)), `a prefix at ${start}`);
    const newline = shown.indexOf(NEWLINE, start);
    rest.push(shown.subarray(start + PREFIX.length, newline + 1));
    start = newline + 1;
  }
  return Buffer.concat(rest);
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
