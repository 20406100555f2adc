/**
 * The executable for the other architecture, under qemu: keys, an agent, a station.
 *
 * qemu and a C library for that architecture are Debian's `qemu-user-static` and `libc6-arm64-cross` (on arm64,
 * where this has not been run, `libc6-amd64-cross`).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "../../build/build.ts";
import { ARCHITECTURES, NATIVE } from "../../build/paths.ts";
import { tool } from "../../build/tool.ts";
import { Fleet } from "../support/fleet.ts";
import { lines } from "../support/running-program.ts";
import { FOREIGN } from "../support/runtimes.ts";

/** Milliseconds for fetching 100 MB, Debian's packages and the other Bun. */
const FIRST_TIME = 240_000;

const PACKAGES: Readonly<Record<string, string>> = {
  "qemu-aarch64-static": "qemu-user-static",
  "qemu-x86_64-static": "qemu-user-static",
  "/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1": "libc6-arm64-cross",
  "/usr/x86_64-linux-gnu/lib/ld-linux-x86-64.so.2": "libc6-amd64-cross",
};

test("the executable for the other architecture makes keys, serves and asks, under qemu", {
  timeout: FIRST_TIME,
}, async () => {
  const emulator = FOREIGN.command[0];
  const libraries = FOREIGN.command.find((word) => word.startsWith("/usr/")) ?? "";
  for (const [path, name] of Object.entries(PACKAGES)) {
    if (path === emulator || path.startsWith(libraries)) tool(path, name);
  }
  await build(new AbortController().signal, ARCHITECTURES);

  await using fleet = await Fleet.start({ runtime: FOREIGN.name });
  fleet.command("reload", 'echo "nginx reloaded"', "uname -m", "exit 3");
  await fleet.agent("web1");
  const { status, stdout, stderr } = await fleet.station("-H", "20", "run", "reload");
  assert.equal(status, 4, stderr);
  // What it runs are this machine's own programs.
  const machine = NATIVE === "amd64" ? "x86_64" : "aarch64";
  assert.deepEqual(lines(stdout), ["web1 │ nginx reloaded", `web1 │ ${machine}`]);
  assert.match(stderr, /^cb: web1: exit status 3 after /m);
});
