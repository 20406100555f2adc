/**
 * The README's first screen is what happens: each of its commands is run, and answers what stands there, apart
 * from times, key ids and the order of agents that answer at the same time.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DIST, ROOT } from "../../build/paths.ts";
import { startRedis } from "../support/redis-server.ts";

type Step = { readonly command: string; readonly output: string };

test("README first screen answers what it says", async () => {
  const home = mkdtempSync(join(tmpdir(), "cb-readme-"));
  const redis = await startRedis();
  const agents: ChildProcess[] = [];
  try {
    mkdirSync(join(home, "run.d"));
    writeFileSync(join(home, "run.d/reload"), "#!/bin/sh\necho nginx reloaded\n", { mode: 0o755 });
    const env = {
      HOME: home,
      PATH: `${DIST}:${process.env["PATH"]}`,
      CB_CONNECTION_STRING: redis.url,
      STATE_DIRECTORY: join(home, "state"),
      CB_LOG_FORMAT: "json",
    };
    let status = 0;
    for (const { command, output } of firstSession()) {
      if (command === "echo $?") {
        assert.equal(`${status}\n`, output);
      } else if (command.endsWith("&")) {
        agents.push(await startAgent(command.replace(/ *&$/, ""), env, home));
      } else {
        const result = spawnSync("sh", ["-c", `${command} 2>&1`], { cwd: home, env, encoding: "utf8" });
        status = result.status ?? -1;
        assert.deepEqual(comparable(result.stdout.replaceAll(home, "/root")), comparable(output), command);
      }
    }
    assert.equal(agents.length, 2);
  } finally {
    for (const agent of agents) agent.kill("SIGTERM");
    for (const agent of agents) if (agent.exitCode === null) await once(agent, "exit");
    await redis.stop();
    rmSync(home, { recursive: true });
  }
});

function firstSession(): readonly Step[] {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const block = /```console\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const steps = block.split(/^\$ /m).slice(1);
  return steps.map((step) => {
    const end = step.indexOf("\n");
    return { command: step.slice(0, end), output: step.slice(end + 1) };
  });
}

/** Resolves when the agent listens. */
async function startAgent(command: string, env: NodeJS.ProcessEnv, cwd: string): Promise<ChildProcess> {
  const agent = spawn("sh", ["-c", `exec ${command}`], { env, cwd, stdio: ["ignore", "ignore", "pipe"] });
  for await (const log of agent.stderr ?? []) {
    if (String(log).includes("hub-connected")) break;
  }
  return agent;
}

function comparable(output: string): readonly string[] {
  const lines = output.split("\n").map((line) =>
    line
      .replace(/[0-9a-f]{16}/, "<id>")
      .replace(/ +\d+\.\d ms/, " <ms>")
      .replace(/\d+\.\d+ s$/, "<s>")
      .replace(/clock -/, "clock +"),
  );
  return lines.sort();
}
