/** packaging/compose.yaml under podman-compose; its Redis is a Debian from the cache, as nothing is pulled. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../build/paths.ts";
import type { Engine } from "./engine.ts";
import { IMAGE } from "./image.ts";
import type { Step } from "./steps.ts";

export type Composition = {
  /** Its directory has keys/ and run.d/. */
  readonly engine: Engine;
  /** A Debian with redis-server. */
  readonly redisTar: string;
};

export const composeSteps: readonly Step<Composition>[] = [
  [
    "compose.yaml brings up a Redis, two agents and a station",
    async ({ engine, redisTar }) => {
      copyFileSync(join(ROOT, "packaging/compose.yaml"), join(engine.directory, "compose.yaml"));
      await engine.ok("import", redisTar, redisImage(engine));
      await compose(engine, "up", "--detach");
      await engine.eventually(async () => {
        const output = await compose(engine, "run", "--rm", "-T", "station", "run", "ping");
        assert.match(output, /^web1 │ pong$/m);
        assert.match(output, /^web2 │ pong$/m);
      });
    },
  ],
  [
    "it goes down, and each agent ends with 0",
    async ({ engine }) => {
      await compose(engine, "stop");
      for (const name of ["web1", "web2"]) {
        const agent = `${engine.prefix}_${name}_1`;
        assert.equal(await engine.ok("inspect", "--format", "{{.State.ExitCode}}", agent), "0\n");
      }
      await compose(engine, "down");
    },
  ],
];

function redisImage({ prefix }: Engine): string {
  return `localhost/${prefix}-redis:latest`;
}

async function compose(engine: Engine, ...words: readonly string[]): Promise<string> {
  return await engine.compose({ CB_IMAGE: IMAGE, REDIS_IMAGE: redisImage(engine) }, ...words);
}
