import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { LOCK_FILE, type LockFile, mended } from "../../build/lock.ts";

test("package-lock.json is as `npm run lock` leaves it", () => {
  const text = readFileSync(LOCK_FILE, "utf8");
  assert.equal(`${JSON.stringify(mended(JSON.parse(text)), null, 2)}\n`, text);
});

test("mended() takes the engines of optional packages away, and of no other", () => {
  const engines = { node: ">=20" };
  const lock: LockFile = {
    packages: {
      "node_modules/binding-linux-x64-gnu": { version: "1.0.0", optional: true, engines },
      "node_modules/parser": { version: "1.0.0", engines },
    },
  };
  assert.deepEqual(mended(lock), {
    packages: {
      "node_modules/binding-linux-x64-gnu": { version: "1.0.0", optional: true },
      "node_modules/parser": { version: "1.0.0", engines },
    },
  });
});

test("mended() adds optional packages that are missing, with their platforms", () => {
  const bindings = ["darwin-arm64", "linux-x64", "linux-arm64-musl", "win32-x64-msvc"];
  const optionalDependencies = Object.fromEntries(bindings.map((name) => [`@p/cli-${name}`, "1.0.0"]));
  const { packages } = mended({
    packages: { "node_modules/p": { version: "1.0.0", dev: true, optionalDependencies } },
  });
  const common = { version: "1.0.0", dev: true, optional: true };
  assert.deepEqual(packages["node_modules/@p/cli-darwin-arm64"], {
    ...common,
    os: ["darwin"],
    cpu: ["arm64"],
  });
  assert.deepEqual(packages["node_modules/@p/cli-win32-x64-msvc"], {
    ...common,
    os: ["win32"],
    cpu: ["x64"],
  });
  const linux = { ...common, os: ["linux"] };
  assert.deepEqual(packages["node_modules/@p/cli-linux-x64"], { ...linux, cpu: ["x64"], libc: ["glibc"] });
  assert.deepEqual(packages["node_modules/@p/cli-linux-arm64-musl"], {
    ...linux,
    cpu: ["arm64"],
    libc: ["musl"],
  });
});

test("mended() refuses to guess the platform of a missing package", () => {
  const lock = { packages: { "node_modules/p": { version: "1.0.0", optionalDependencies: { q: "1.0.0" } } } };
  assert.throws(() => mended(lock), /q is missing/);
});
