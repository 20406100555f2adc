/**
 * `npm run dev`: a Redis, keys and one agent of this checkout in the foreground, and what to type in another
 * terminal to be its station. Ctrl-C ends and removes everything.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "../test/support/redis-server.ts";
import { build } from "./build.ts";
import { DIST, EXECUTABLE, ROOT } from "./paths.ts";
import { program } from "./program.ts";

const RUN_DIRECTORY = join(ROOT, "test/fixtures/executors");

async function dev(signal: AbortSignal): Promise<number> {
  await build(signal);
  const scratch = mkdtempSync(join(tmpdir(), "cb-dev-"));
  const redis = await startRedis();
  try {
    // Both programs find the keys and the hub by these, whatever else is set up on this machine.
    const settings = {
      XDG_CONFIG_HOME: join(scratch, "config"),
      XDG_STATE_HOME: join(scratch, "state"),
      XDG_CACHE_HOME: join(scratch, "cache"),
      REDIS_CONNECTION_STRING: redis.url,
    };
    execFileSync(join(DIST, "cb-keygen"), ["--directory", join(settings.XDG_CONFIG_HOME, "cb")]);
    const exported = Object.entries(settings).map(([name, value]) => `  export ${name}=${value}\n`);
    process.stdout.write(
      `In another terminal:\n${exported.join("")}` +
        `  ${EXECUTABLE} station ping\n  ${EXECUTABLE} station run prints-to-both-streams\n\n`,
    );
    const state = ["--state-directory", settings.XDG_STATE_HOME];
    const agent = spawn(
      EXECUTABLE,
      ["agent", "-v", "--identity", "dev", "--tags", "dev", "--run-directory", RUN_DIRECTORY, ...state],
      { env: { ...process.env, ...settings }, stdio: "inherit" },
    );
    // Ctrl-C in a terminal reaches the agent as well; a second signal does no harm.
    const stop = () => agent.kill("SIGTERM");
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    const [status] = await once(agent, "exit");
    return signal.aborted ? 0 : (status ?? 1);
  } finally {
    await redis.stop();
    rmSync(scratch, { recursive: true });
  }
}

await program(dev);
