/** The packages for arm64: that what is in them makes keys, serves and asks, under qemu. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { executableFor } from "../../build/paths.ts";
import { tool } from "../../build/tool.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { FOREIGN } from "../support/runtimes.ts";
import { mustRun } from "./must-run.ts";
import type { Step } from "./steps.ts";

export type Arm64 = {
  readonly deb: string;
  readonly rpm: string;
  /** An empty directory. */
  readonly scratch: string;
  readonly signal: AbortSignal;
};

const LIBRARIES = "/usr/aarch64-linux-gnu";

export const arm64Steps: readonly Step<Arm64>[] = [
  [
    "the executable of the .deb makes keys under qemu",
    async ({ deb, scratch, signal }) => {
      const emulator = tool("qemu-aarch64-static", "qemu-user-static");
      tool(join(LIBRARIES, "lib/ld-linux-aarch64.so.1"), "libc6-arm64-cross");
      await mustRun(["dpkg-deb", "--extract", deb, scratch], signal);
      const program = [emulator, "-L", LIBRARIES, join(scratch, "usr/bin/cb")] as const;
      const said = await mustRun([...program, "keygen", "--directory", join(scratch, "keys")], signal);
      assert.match(said, /^Wrote .*network\.key: /m);
      assert.ok(readFileSync(join(scratch, "usr/bin/cb")).equals(readFileSync(executableFor("arm64"))));
    },
  ],
  [
    "the executable serves and asks",
    async () => {
      await using fleet = await Fleet.start({ runtime: FOREIGN.name });
      fleet.command("reload", 'echo "nginx reloaded"', "uname -m", "exit 3");
      await fleet.agent("web1");
      const { status, stdout, stderr } = await fleet.station("-H", "20", "run", "reload");
      assert.equal(status, 4, stderr);
      // What it runs are this machine's own programs.
      assert.deepEqual(lines(stdout), ["web1 │ nginx reloaded", "web1 │ x86_64"]);
      assert.match(stderr, /^cb: web1: exit status 3 after /m);
    },
  ],
  [
    "the .rpm has the same executable",
    async ({ rpm, signal }) => {
      const format = "--queryformat=[%{FILENAMES} %{FILEDIGESTS}\\n]";
      const digests = await mustRun(["rpm", "--query", "--package", format, rpm], signal);
      const sum = createHash("sha256")
        .update(readFileSync(executableFor("arm64")))
        .digest("hex");
      assert.ok(digests.includes(`/usr/bin/cb ${sum}\n`), digests);
    },
  ],
];
