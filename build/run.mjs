#!/usr/bin/env node
/**
 * Runs a script of this folder under the Bun that the lock file pins: `node build/run.mjs build/test.ts …`
 *
 * This file alone runs on whatever Node the machine has (Debian 12: 18), so it is plain JavaScript and
 * imports nothing but Node. It installs the packages first where node_modules does not hold what
 * package-lock.json asks for; the contents are compared, as a fresh clone or another branch sets file times
 * that mean nothing.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, "node_modules");
const BUNS = { x64: "bun-linux-x64", arm64: "bun-linux-aarch64" };

// What a stranger's shell may hold and no script of ours may obey: BUN_OPTIONS preloads code, BUN_BE_BUN
// turns the compiled cb into Bun, NODE_OPTIONS and NODE_PATH change what is imported, and settings of an
// installed cb would reach the tests.
const FOREIGN =
  /^((BUN|NODE|DENO|CB|CBRADIO)_.*|REDIS_CONNECTION_STRING|CREDENTIALS_DIRECTORY|STATE_DIRECTORY)$/;

main(process.argv.slice(2));

function main([script, ...args]) {
  if (script === undefined) return fail("Cannot run: name a script, such as build/test.ts");
  const bun = process.platform === "linux" ? BUNS[process.arch] : undefined;
  if (bun === undefined) {
    return fail(`Cannot run on ${process.platform} ${process.arch}: expected linux on x64 or arm64`);
  }
  if (!isInstalled() && !install()) return;
  const program = join(MODULES, "@oven", bun, "bin", "bun");
  if (!existsSync(program)) {
    return fail(`Cannot find the pinned Bun "${program}": run npm ci --include=optional`);
  }
  run(program, ["--no-env-file", script, ...args]);
}

/** Whether node_modules holds every package of the lock file in its version, save for other platforms' ones. */
function isInstalled() {
  const wanted = packages(join(ROOT, "package-lock.json"));
  // npm writes this file when it is done, so a broken-off installation has none.
  const installed = packages(join(MODULES, ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  delete wanted[""]; // the checkout itself
  const same = (path) => installed[path].integrity === wanted[path]?.integrity;
  const present = (path) => path in installed || wanted[path].optional === true;
  return Object.keys(installed).every(same) && Object.keys(wanted).every(present);
}

function packages(lockFile) {
  return existsSync(lockFile) ? JSON.parse(readFileSync(lockFile, "utf8")).packages : undefined;
}

/** @returns whether it worked; otherwise the reason has been said */
function install() {
  process.stderr.write("Install the packages of package-lock.json with npm ci\n");
  // `npm run` puts node_modules/.bin first, where the pinned Node is: npm would run on what it replaces.
  const path = (process.env.PATH ?? "").split(delimiter).filter((entry) => !entry.startsWith(MODULES));
  const npm = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: ROOT,
    env: { ...process.env, PATH: path.join(delimiter) },
    stdio: ["ignore", 2, 2],
  });
  if (npm.error?.code === "ENOENT") fail("Cannot find npm: install it, on Debian with apt-get install npm");
  else if (npm.status !== 0) fail("Cannot install the packages: npm ci failed, its reason is above");
  else return true;
  return false;
}

function run(program, args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)));
  const child = spawn(program, args, { cwd: ROOT, env, stdio: "inherit" });
  child.on("error", (error) => fail(`Cannot run "${program}": ${error.message}`));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group, so the script has got it already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("exit", (status, signal) => {
    process.exitCode = status ?? 128 + constants.signals[signal];
  });
}

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}
