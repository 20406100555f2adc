/**
 * `npm run image [-- --base IMAGE]`: the image of the Dockerfile, without Docker and without a registry.
 *
 *   mmdebstrap ──▶ localhost/cb-base ──buildah: Dockerfile, dist/root-ARCH/──▶ localhost/cb:VERSION, localhost/cb
 *
 * It lands in the storage that buildah and podman share. What is ours in it is dated with the commit, so that the
 * same commit gives the same layers; the base is Debian as it was when it was fetched.
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { type Architecture, DIST, NATIVE, ROOT } from "./paths.ts";
import { Failure, program, run } from "./program.ts";
import { rootfs } from "./rootfs.ts";
import { sourceDate } from "./source-date.ts";
import { stage } from "./stage.ts";
import { tool } from "./tool.ts";

/** As debian:bookworm-slim: without the pages that nobody reads in a container, with the licences. */
const BASE = {
  name: "bookworm-slim",
  suite: "bookworm",
  include: [],
  options: ["man", "locale", "doc"]
    .map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`)
    .concat("--dpkgopt=path-include=/usr/share/doc/*/copyright"),
} as const;

type Image = {
  readonly tags: readonly [string, ...string[]];
  readonly id: string;
};

/** Makes dist/root-ARCH/, which the Dockerfile copies; the executable must be there. */
export function stageImage(architecture: Architecture): void {
  const tree = join(DIST, `root-${architecture}`);
  rmSync(tree, { recursive: true, force: true });
  stage(architecture, "image", tree);
}

/**
 * Makes the image for this machine's architecture.
 *
 * @param base an image to build on, which is pulled if it is not here; default: made by mmdebstrap
 */
export async function buildImage(signal: AbortSignal, base?: string): Promise<Image> {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const buildah = tool("buildah", "buildah");
  await build(signal);
  stageImage(NATIVE);
  const tags = [`localhost/cb:${version}`, "localhost/cb:latest"] as const;
  const command = [
    ...[buildah, "build"],
    // In a container, as here, no other isolation may be set up; a healthcheck is no part of the OCI format.
    ...["--isolation", "chroot", "--format", "docker"],
    ...["--timestamp", String(sourceDate()), "--build-arg", `BASE=${base ?? (await importBase(signal))}`],
    ...tags.flatMap((tag) => ["--tag", tag]),
    ROOT,
  ] as const;
  const before = await idOf(tags[1], signal);
  const { status, output } = await run(command, { signal });
  if (status !== 0) throw new Failure(`Cannot build ${tags[0]}: buildah failed\n${output}`);
  const id = output.trimEnd().split("\n").at(-1) ?? "";
  // What has lost its names would stay for good, 240 MB of it; where a container still needs it this fails.
  if (before !== undefined && before !== id) await run([buildah, "rmi", before], { signal });
  return { tags, id };
}

async function idOf(tag: string, signal: AbortSignal): Promise<string | undefined> {
  const { status, output } = await run([tool("buildah", "buildah"), "images", "--quiet", "--no-trunc", tag], {
    signal,
  });
  return status === 0 ? output.trim().replace("sha256:", "") : undefined;
}

/** The name of the base in the storage; as old as its tar file, as an older one is another base. */
async function importBase(signal: AbortSignal): Promise<string> {
  const tar = await rootfs(BASE, signal);
  const podman = tool("podman", "podman");
  const name = `localhost/cb-base:${BASE.name}-${Math.floor(statSync(tar).mtimeMs / 1000)}`;
  if ((await run([podman, "image", "exists", name], { signal })).status === 0) return name;
  const { status, output } = await run([podman, "import", tar, name], { signal });
  if (status !== 0) throw new Failure(`Cannot import "${tar}": podman failed\n${output}`);
  return name;
}

if (import.meta.main) {
  await program(async (signal) => {
    const { base } = parseArgs({ options: { base: { type: "string" } } }).values;
    const { tags, id } = await buildImage(signal, base);
    process.stdout.write(`Made ${tags.join(" and ")}, image ${id.slice(0, 12)}\n`);
    return 0;
  });
}
