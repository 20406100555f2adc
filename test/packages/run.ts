/**
 * `npm run test:packages [-- bookworm trixie rpm arm64 image]`: what `npm run package` and `npm run image` make, on
 * systems that boot, in containers, and under an emulator. Ends with `N passed, N failed`.
 *
 * As root, since it boots machines; what it needs of Debian's packages it installs. The trees that it boots are kept
 * in $XDG_CACHE_HOME/cb-test.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makePackages } from "../../build/package.ts";
import { DIST, ROOT } from "../../build/paths.ts";
import { Failure, program } from "../../build/program.ts";
import { type Rootfs, rootfs } from "../../build/rootfs.ts";
import { makeRpm } from "../../build/rpm.ts";
import { startRedis } from "../support/redis-server.ts";
import { arm64Steps } from "./arm64.ts";
import { composeSteps } from "./compose.ts";
import { debianSteps } from "./debian.ts";
import { Engine } from "./engine.ts";
import { imageSteps } from "./image.ts";
import { Machine } from "./machine.ts";
import { MachineFaraday } from "./machine-faraday.ts";
import { mustRun } from "./must-run.ts";
import { rpmSteps } from "./rpm.ts";
import { Tally } from "./steps.ts";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly version: string;
};
/** The version that an upgrade brings. */
const NEXT_VERSION = `${version}+1`;
const DEB = join(DIST, `cb_${version}_amd64.deb`);
const RPM = join(DIST, `cb-${version}-1.x86_64.rpm`);

/** A tree to boot. That for the .rpm has rpm besides, which one of its own would not be worth. */
function bootable(suite: Rootfs["suite"]): Rootfs {
  const include = ["systemd", "systemd-sysv", "dbus", "redis-server", "rpm"];
  return { name: `${suite}-systemd`, suite, include };
}

type Part = (tally: Tally, scratch: string, signal: AbortSignal) => Promise<void>;

const PARTS: Readonly<Record<string, Part>> = {
  bookworm: debian("bookworm"),
  trixie: debian("trixie"),
  rpm: async (tally, scratch, signal) => {
    const next = join(scratch, "next.rpm");
    renameSync(await makeRpm(NEXT_VERSION, "amd64", signal), next);
    const tar = await rootfs(bootable("bookworm"), signal);
    await using machine = await Machine.boot("rpm", tar, scratch, signal);
    await using faraday = await MachineFaraday.start(machine);
    for (const file of [RPM, next]) machine.copy(file);
    await tally.run("rpm", rpmSteps, { machine, faraday, rpm: basename(RPM), nextRpm: basename(next) });
  },
  arm64: async (tally, scratch, signal) => {
    const deb = join(DIST, `cb_${version}_arm64.deb`);
    const rpm = join(DIST, `cb-${version}-1.aarch64.rpm`);
    await tally.run("arm64", arm64Steps, { deb, rpm, scratch, signal });
  },
  image: async (tally, _scratch, signal) => {
    await using engine = await Engine.start(signal);
    const directory = join(engine.directory, "redis");
    mkdirSync(directory);
    // Open to the user in the image.
    chmodSync(engine.directory, 0o755);
    const redis = await startRedis({ directory, extraArgs: ["--unixsocketperm", "777"] });
    try {
      await tally.run("image", imageSteps, { engine, redis, signal });
    } finally {
      await redis.stop();
    }
    const redisTar = await rootfs(bootable("bookworm"), signal);
    await tally.run("compose", composeSteps, { engine, redisTar });
  },
};

function debian(suite: Rootfs["suite"]): Part {
  return async (tally, scratch, signal) => {
    const next = await repack(DEB, NEXT_VERSION, scratch, signal);
    const tar = await rootfs(bootable(suite), signal);
    await using machine = await Machine.boot(suite, tar, scratch, signal);
    await using faraday = await MachineFaraday.start(machine);
    for (const file of [DEB, next]) machine.copy(file);
    const files = { deb: basename(DEB), nextDeb: basename(next), nextVersion: NEXT_VERSION };
    await tally.run(suite, debianSteps, { machine, faraday, ...files, filesBefore: [] });
  };
}

/** The same package as another version, made quickly. @returns where it is */
async function repack(deb: string, version: string, scratch: string, signal: AbortSignal): Promise<string> {
  const tree = join(scratch, "tree");
  const made = join(scratch, `cb_${version}_amd64.deb`);
  await mustRun(["dpkg-deb", "--raw-extract", deb, tree], signal);
  const control = join(tree, "DEBIAN/control");
  writeFileSync(control, readFileSync(control, "utf8").replace(/^Version: .*/m, `Version: ${version}`));
  await mustRun(["dpkg-deb", "--root-owner-group", "-Znone", "--build", tree, made], signal);
  return made;
}

async function testPackages(wanted: readonly string[], signal: AbortSignal): Promise<number> {
  if (process.getuid?.() !== 0)
    throw new Failure("Cannot boot machines: npm run test:packages wants to be root");
  const unknown = wanted.find((name) => !Object.hasOwn(PARTS, name));
  if (unknown !== undefined) {
    throw new Failure(`Cannot test "${unknown}": expected ${Object.keys(PARTS).join(", ")}`);
  }
  await makePackages(signal);
  const tally = new Tally();
  for (const [name, part] of Object.entries(PARTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const scratch = mkdtempSync(join(tmpdir(), "cb-packages-"));
    try {
      await tally.attempt(name, () => part(tally, scratch, signal));
    } finally {
      rmSync(scratch, { recursive: true });
    }
    signal.throwIfAborted();
  }
  process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 ? 0 : 1;
}

await program((signal) => testPackages(process.argv.slice(2), signal));
