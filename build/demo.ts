/**
 * `npm run demo`: the main job on real parts. A private Redis, keys, three agents and a station; a command that
 * works, one that fails, and a request that somebody recorded on the hub and publishes again.
 *
 * What it prints is what the programs printed. It fails where they did not do what they should.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { startRedis } from "../test/support/redis-server.ts";
import { build } from "./build.ts";
import { DIST, EXECUTABLE } from "./paths.ts";
import { Failure, program } from "./program.ts";

/** Milliseconds in which an agent must be listening, on a busy machine. */
const START_LIMIT = 20_000;

const AGENTS = [
  { identity: "web1", tags: "web,eu" },
  { identity: "web2", tags: "web,us" },
  { identity: "db1", tags: "db,eu" },
] as const;

const COMMANDS = {
  reload: 'echo "nginx reloaded on $1" && echo run >> "$COUNTER"',
  check: 'case $1 in web2) echo "disk 97 % full" >&2; exit 3;; *) echo "disk fine";; esac',
};

type Session = { readonly directory: string; readonly environment: NodeJS.ProcessEnv };

async function demo(signal: AbortSignal): Promise<number> {
  await build(signal);
  const directory = mkdtempSync(join(tmpdir(), "cb-demo-"));
  const redis = await startRedis();
  const session = prepare(directory, redis.url);
  const agents: ChildProcess[] = [];
  try {
    say("Two key pairs. The network's secret half goes to all agents, the base station's stays with it.");
    await show(session, join(DIST, "cb-keygen"), ["--directory", "config/cb"], 0);

    say("Three agents, each on a server of its own if this were not a demo.");
    for (const agent of AGENTS) agents.push(startAgent(session, agent));
    for (const { identity } of AGENTS) await logged(session, identity, '"hub-connected"');

    say("One command on all agents that have the tag web; then on all agents, one of which fails.");
    const envelope = await record(redis.socketPath, () =>
      show(session, EXECUTABLE, ["station", "--tags", "web", "run", "reload"], 0),
    );
    await show(session, EXECUTABLE, ["station", "ping"], 0);
    await show(session, EXECUTABLE, ["station", "run", "check"], 4);

    say(
      `Somebody with access to Redis recorded the first request (${envelope.length} bytes) and publishes it again.`,
    );
    await publish(redis.socketPath, envelope);
    await showRefusals(session);
    return 0;
  } finally {
    for (const agent of agents) await end(agent);
    await redis.stop();
    rmSync(directory, { recursive: true });
  }
}

function prepare(directory: string, url: string): Session {
  const environment = {
    PATH: process.env["PATH"],
    XDG_CONFIG_HOME: join(directory, "config"),
    XDG_STATE_HOME: join(directory, "state"),
    XDG_CACHE_HOME: join(directory, "cache"),
    CB_CONNECTION_STRING: url,
  };
  mkdirSync(environment.XDG_CONFIG_HOME);
  mkdirSync(join(directory, "run.d"));
  for (const [name, script] of Object.entries(COMMANDS)) {
    const text = `#!/bin/sh\nCOUNTER=${join(directory, "counter")}\n${script}\n`;
    writeFileSync(join(directory, "run.d", name), text, { mode: 0o755 });
  }
  return { directory, environment };
}

/** Runs a program, shows it as a shell session would, and insists on its exit status. */
async function show(
  session: Session,
  file: string,
  args: readonly string[],
  expected: number,
): Promise<void> {
  process.stdout.write(`$ ${[basename(file), ...args].join(" ")}\n`);
  // One descriptor for both streams, as in a terminal, so that the lines come in their order.
  const { directory: cwd, environment: env } = session;
  const [status] = await once(spawn(file, args, { cwd, env, stdio: ["ignore", 1, 1] }), "exit");
  process.stdout.write(`(exit status ${status})\n`);
  if (status !== expected) throw new Failure(`The demo failed: exit status ${status}, expected ${expected}`);
}

function startAgent(session: Session, { identity, tags }: (typeof AGENTS)[number]): ChildProcess {
  const { directory: cwd, environment: env } = session;
  const args = ["agent", "--identity", identity, "--tags", tags, "--run-directory", "run.d"];
  process.stdout.write(`$ cb ${args.join(" ")} &\n`);
  const own = ["--log-format", "json", "--state-directory", "state"];
  const log = openSync(logFile(session, identity), "a");
  const agent = spawn(EXECUTABLE, [...args, ...own], { cwd, env, stdio: ["ignore", 1, log] });
  closeSync(log);
  return agent;
}

/** The log of an agent, of which each line is a record in JSON. */
function logFile({ directory }: Session, identity: string): string {
  return join(directory, `${identity}.log`);
}

/** The first record of an agent's log that holds these words, once it is there. */
async function logged(session: Session, identity: string, words: string): Promise<string> {
  const record = () =>
    readFileSync(logFile(session, identity), "utf8")
      .split("\n")
      .find((line) => line.includes(words));
  await until(
    () => record() !== undefined,
    () => `${identity} has not logged ${words}`,
  );
  return record() ?? "";
}

async function end(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const ended = once(agent, "exit");
  agent.kill("SIGTERM");
  await ended;
}

/**
 * The first request published while `action` runs, as MONITOR shows it to whoever may ask the hub. (A subscriber
 * would hear it too, but the hub would count it among the agents, and the station wait for its answer.)
 */
async function record(socketPath: string, action: () => Promise<void>): Promise<Buffer> {
  const tap = connect(socketPath);
  let seen = "";
  tap.on("data", (data) => {
    seen += data.toString("latin1");
  });
  tap.write("MONITOR\r\n");
  await until(
    () => seen.includes("+OK"),
    () => "MONITOR did not answer",
  );
  await action();
  const published = () => /"PUBLISH" "[^"]*" "((?:[^"\\]|\\.)*)"/.exec(seen)?.[1];
  await until(
    () => published() !== undefined,
    () => "nothing was published",
  );
  tap.destroy();
  return unescaped(published() ?? "");
}

/** The bytes of a string as MONITOR writes it. */
function unescaped(text: string): Buffer {
  const named: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\u0007", b: "\b" };
  const plain = text.replace(/\\(?:x(..)|(.))/g, (_all, code?: string, name = "") =>
    code === undefined ? (named[name] ?? name) : String.fromCharCode(Number.parseInt(code, 16)),
  );
  return Buffer.from(plain, "latin1");
}

async function publish(socketPath: string, envelope: Buffer): Promise<void> {
  const hub = new Redis({ path: socketPath });
  const receivers = await hub.publish("cb:0:{default}:request", envelope);
  process.stdout.write(`redis> PUBLISH cb:0:{default}:request "cb1q…"\n(integer) ${receivers}\n`);
  hub.disconnect();
}

/** Shows what the agents' logs say of it, and that the command has not run again. */
async function showRefusals(session: Session): Promise<void> {
  for (const { identity } of AGENTS) {
    const { msg, event, reason } = JSON.parse(await logged(session, identity, '"replayed"'));
    process.stdout.write(`${identity}: ${msg} (event=${event} reason=${reason})\n`);
  }
  const runs = readFileSync(join(session.directory, "counter"), "utf8").split("\n").length - 1;
  process.stdout.write(`"reload" has run ${runs} times, once on each agent that was asked.\n`);
  if (runs !== 2) throw new Failure("The demo failed: the replay has run the command again");
}

async function until(isSo: () => boolean, otherwise: () => string): Promise<void> {
  const deadline = Date.now() + START_LIMIT;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Failure(`The demo failed: ${otherwise()}`);
    await sleep(10);
  }
}

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

await program(demo);
