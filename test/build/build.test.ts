/** What `npm run build` does beyond making dist/, on copies of the checkout where it would change something. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { unpackBun } from "../../build/bun-package.ts";
import { PINNED, ROOT } from "../../build/paths.ts";

let scratch: string;

before(() => {
  scratch = mkdtempSync(join(tmpdir(), "cb-build-"));
});

after(() => rmSync(scratch, { recursive: true }));

/** What a build needs. */
const SOURCES = ["src", "build", "package.json", "package-lock.json", "tsconfig.json"];

/** A repository of its own with these sources, in the one commit that its contents give. */
function checkout(name: string, sources: readonly string[] = SOURCES): string {
  const directory = join(scratch, name);
  mkdirSync(directory, { recursive: true });
  for (const part of sources) {
    cpSync(join(ROOT, part), join(directory, part), { recursive: true });
  }
  writeFileSync(join(directory, ".gitignore"), "/node_modules\n/dist/\n");
  symlinkSync(join(ROOT, "node_modules"), join(directory, "node_modules"));
  const time = "2026-01-02T03:04:05Z";
  const identity = ["-c", "user.name=cb", "-c", "user.email=cb@example.org", "-c", "commit.gpgSign=false"];
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: directory,
      env: { PATH: process.env["PATH"], GIT_AUTHOR_DATE: time, GIT_COMMITTER_DATE: time, HOME: scratch },
      encoding: "utf8",
    });
  git("init", "--quiet");
  git("add", ".");
  git(...identity, "commit", "--quiet", "-m", "all");
  return directory;
}

function build(directory: string, args: readonly string[] = [], environment: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(PINNED.bun, ["build/build.ts", ...args], {
    cwd: directory,
    env: { PATH: process.env["PATH"] ?? "", HOME: scratch, TMPDIR: scratch, ...environment },
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

test("build() makes the same bytes of the same commit, wherever and whenever", () => {
  const one = checkout("one");
  const other = checkout("another/place/for it");
  assert.deepEqual(build(one), {
    status: 0,
    stdout: "Made dist/cb.cjs, dist/cb, dist/cb-keygen\n",
    stderr: "",
  });
  assert.equal(build(other, [], { TZ: "Asia/Tokyo", LANG: "tr_TR.UTF-8", USER: "somebody" }).status, 0);

  const sums = readFileSync(join(one, "dist/SHA256SUMS"), "utf8");
  assert.equal(readFileSync(join(other, "dist/SHA256SUMS"), "utf8"), sums);
  assert.deepEqual(sums.match(/\S+$/gm), ["THIRD-PARTY-LICENSES", "cb", "cb.cjs", "sbom.cdx.json"]);
  execFileSync("sha256sum", ["--check", "--strict", "--quiet", "SHA256SUMS"], { cwd: join(one, "dist") });

  const version = (directory: string) =>
    execFileSync(join(directory, "dist/cb"), ["--version"], { encoding: "utf8" });
  const commit = execFileSync("git", ["rev-parse", "HEAD"], { cwd: one, encoding: "utf8" }).slice(0, 12);
  const runtime = execFileSync(PINNED.bun, ["--version"], { encoding: "utf8" }).trim();
  assert.equal(version(one), `cb 0.1.0 (${commit}, Bun ${runtime})\n`);
  const { metadata } = JSON.parse(readFileSync(join(one, "dist/sbom.cdx.json"), "utf8"));
  assert.equal(metadata.timestamp, "2026-01-02T03:04:05.000Z");

  writeFileSync(join(one, "README.md"), "What is no source makes no other program.\n");
  assert.equal(build(one).stdout, "Nothing to do for dist/cb.cjs, dist/cb, dist/cb-keygen\n");
});

test("revision() tells a commit from what differs from it, and from sources without git", () => {
  const directory = checkout("sources", ["build"]);
  const script = 'console.log(require("./build/revision.ts").revision(["build"]).commit)';
  const commit = () =>
    execFileSync(PINNED.bun, ["-e", script], { cwd: directory, encoding: "utf8" }).replace("\n", "");
  assert.match(commit(), /^[0-9a-f]{12}$/);
  const clean = commit();
  writeFileSync(join(directory, "README.md"), "");
  assert.equal(commit(), clean);
  writeFileSync(join(directory, "build/new.ts"), "");
  assert.equal(commit(), `${clean}-dirty`);
  rmSync(join(directory, ".git"), { recursive: true });
  assert.equal(commit(), "undefined");
});

test("npm run build says in one line what it cannot do", () => {
  const denort = 'and no package registry has the denort that "deno compile" needs; it comes with the same';
  for (const [args, said] of [
    [["--arch", "mips"], 'Cannot build with "--arch mips": expected --arch amd64, arm64 or all, or'],
    [["--fast"], 'Cannot build with "--fast": expected --arch'],
    [["arm64"], 'Cannot build with "arm64": expected --arch'],
    [["--with", "zig"], 'Cannot build with "--with zig": expected --arch'],
    [["--denort", "x"], 'Cannot build with "--denort x": expected --arch'],
    [["--with", "deno"], `Cannot build with Deno: --denort FILE is missing, ${denort}`],
    [["--with", "deno", "--denort", "/no"], `Cannot build with Deno: "/no" does not exist, ${denort}`],
  ] as const) {
    const { status, stdout, stderr } = build(ROOT, args);
    assert.deepEqual([status, stdout, stderr.split("\n").length], [1, "", 2], stderr);
    assert.ok(stderr.startsWith(said), stderr);
  }
});

/** The tarball of a package that holds a program, where `unpackBun` keeps it. */
function cachedPackage(program: string) {
  const cache = mkdtempSync(join(scratch, "cache-"));
  mkdirSync(join(cache, "package/bin"), { recursive: true });
  writeFileSync(join(cache, "package/bin/bun"), program);
  const tarball = join(cache, "oven-bun-nowhere-1.0.0.tgz");
  execFileSync("tar", ["-czf", tarball, "package"], { cwd: cache });
  const sha512 = createHash("sha512").update(readFileSync(tarball)).digest("hex");
  const path = "node_modules/@oven/bun-nowhere";
  return { cache, bun: { name: "@oven/bun-nowhere", version: "1.0.0", license: "MIT", sha512, path } };
}

test("unpackBun() gives the program of the tarball that the lock file means, and of no other", async () => {
  const { cache, bun } = cachedPackage("#!/bin/true\n");
  const { signal } = new AbortController();
  const directory = mkdtempSync(join(scratch, "unpacked-"));
  const program = await unpackBun(bun, directory, signal, cache);
  assert.equal(readFileSync(program, "utf8"), "#!/bin/true\n");
  await assert.rejects(unpackBun({ ...bun, sha512: "00".repeat(64) }, directory, signal, cache), {
    name: "Failure",
    message:
      "Cannot use @oven/bun-nowhere 1.0.0 from the npm registry: its sha512 is not the one in package-lock.json",
  });
});
