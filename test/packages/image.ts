/** The image of `npm run image`: keys, agent, station and health in containers that may do nothing else. */
import assert from "node:assert/strict";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage } from "../../build/image.ts";
import type { RedisServer } from "../support/redis-server.ts";
import type { Engine } from "./engine.ts";
import type { Step } from "./steps.ts";

export type Containers = {
  readonly engine: Engine;
  /** Its socket is in ./redis of the engine's directory, open to all users. */
  readonly redis: RedisServer;
  readonly signal: AbortSignal;
};

export const IMAGE = "localhost/cb:latest";
/** The user in the image. */
const UID = 10_001;

/** All that can be taken away from a container; the hub comes in as a socket. */
const LOCKED = [
  "--network=none",
  "--read-only",
  "--read-only-tmpfs=false",
  "--cap-drop=all",
  "--security-opt=no-new-privileges",
  "--volume=./redis:/redis",
  "--env=CB_CONNECTION_STRING=unix:///redis/redis.sock",
] as const;

export const imageSteps: readonly Step<Containers>[] = [
  [
    "two builds of a commit have the same layers",
    async ({ engine, signal }) => {
      const layers = async () => {
        await buildImage(signal);
        return await engine.ok("image", "inspect", "--format", "{{.RootFS.Layers}}", IMAGE);
      };
      assert.equal(await layers(), await layers());
    },
  ],
  [
    "the image says its version, and has a user of its own",
    async ({ engine }) => {
      assert.match(await engine.once(...LOCKED, IMAGE, "--version"), /^cb \d+\.\d+\.\d+/m);
      assert.equal(await engine.ok("image", "inspect", "--format", "{{.User}}", IMAGE), `${UID}:${UID}\n`);
    },
  ],
  [
    "cb keygen writes keys into a mounted directory",
    async ({ engine }) => {
      const keys = join(engine.directory, "keys");
      mkdirSync(keys);
      chownSync(keys, UID, UID);
      const output = await engine.once(
        ...LOCKED,
        "--volume=./keys:/keys",
        IMAGE,
        "keygen",
        "--directory",
        "/keys",
      );
      assert.match(output, /^Wrote \/keys\/network\.key: /m);
    },
  ],
  [
    "an agent with secrets serves a station with a mounted directory of keys",
    async ({ engine }) => {
      // podman makes /run/secrets read-only with the rest, before it has put anything into it.
      const mounts = ["--tmpfs=/run/secrets"];
      for (const name of ["network.key", "base-station.pub"]) {
        await engine.ok("secret", "create", `${engine.prefix}-${name}`, `keys/${name}`);
        mounts.push(`--secret=${engine.prefix}-${name},target=${name}`);
      }
      mkdirSync(join(engine.directory, "run.d"));
      const waits = "#!/bin/sh\necho begins\nsleep 2\necho ends\n";
      writeFileSync(join(engine.directory, "run.d/waits"), waits, { mode: 0o755 });
      const commands = "--volume=./run.d:/etc/cb/run.d:ro";
      await engine.ok(
        ...["run", "--detach", `--name=${agentOf(engine)}`, "--hostname=web1", ...LOCKED, ...mounts],
        ...[commands, IMAGE],
      );
      await engine.eventually(async () => void (await engine.ok("healthcheck", "run", agentOf(engine))));
      assert.match(await station(engine, "run", "ping"), /^web1 │ pong$/m);
    },
  ],
  [
    "the agent is unhealthy while its hub does not answer",
    async ({ engine, redis }) => {
      // No connection is lost: the hub must be asked.
      process.kill(redis.pid, "SIGSTOP");
      const { status } = await engine.podman("healthcheck", "run", agentOf(engine));
      process.kill(redis.pid, "SIGCONT");
      assert.equal(status, 1);
      await engine.eventually(async () => void (await engine.ok("healthcheck", "run", agentOf(engine))));
    },
  ],
  [
    "podman stop lets a command end, which brings its output, and the agent ends with 0",
    async ({ engine }) => {
      const running = engine.eventually(async () => {
        const health = await engine.ok("exec", agentOf(engine), "/usr/bin/cb", "agent", "--health");
        assert.match(health, /, 1 running$/m);
      });
      const stopped = running.then(() => engine.ok("stop", "--time=90", agentOf(engine)));
      const [output] = await Promise.all([station(engine, "run", "waits"), stopped]);
      assert.match(output, /^web1 │ ends$/m);
      assert.equal(await engine.ok("inspect", "--format", "{{.State.ExitCode}}", agentOf(engine)), "0\n");
    },
  ],
  [
    "a dispatcher keeps its state in a volume, says that its server is away, and ends with 0",
    async ({ engine }) => {
      const dispatcher = `${engine.prefix}-dispatcher`;
      const state = join(engine.directory, "state");
      mkdirSync(state, { mode: 0o700 });
      const registration = { token: "x".repeat(64), server: "http://127.0.0.1:5985" };
      writeFileSync(join(state, "agent.json"), JSON.stringify(registration), { mode: 0o600 });
      for (const path of [state, join(state, "agent.json")]) chownSync(path, UID, UID);
      const settings = ["--env=CB_SERVER=http://127.0.0.1:5985", "--env=CB_EXECUTORS=ping"];
      await engine.ok(
        ...["run", "--detach", `--name=${dispatcher}`, ...LOCKED, "--volume=./state:/var/lib/cb"],
        ...[...settings, IMAGE, "dispatcher", "run"],
      );
      await engine.eventually(async () => {
        const { status, output } = await engine.podman("exec", dispatcher, "cb", "dispatcher", "status");
        assert.match(output, /^server +http:\/\/127\.0\.0\.1:5985, not connected: connection refused$/m);
        assert.equal(status, 1);
      });
      await engine.ok("stop", "--time=30", dispatcher);
      assert.equal(await engine.ok("inspect", "--format", "{{.State.ExitCode}}", dispatcher), "0\n");
    },
  ],
];

function agentOf(engine: Engine): string {
  return `${engine.prefix}-agent`;
}

async function station(engine: Engine, ...words: readonly string[]): Promise<string> {
  return await engine.once(...LOCKED, "--volume=./keys:/run/secrets:ro", IMAGE, "station", ...words);
}
