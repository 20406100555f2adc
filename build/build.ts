/**
 * `npm run build`: one bundle and one executable in dist/.
 *
 *   src/cli/main.ts ──esbuild──▶ cb.cjs (Node ≥ 20.19, Deno, Bun) ──bun build --compile──▶ cb ◀── cb-keygen
 *
 * CommonJS, as ioredis requires Node's modules by name, which Node refuses in a bundled ES module. The same
 * sources give the same bytes in any directory. Nothing is done while dist/ fits what it is made of, so that
 * tests and demo can ask for it every time.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join } from "node:path";
import * as esbuild from "esbuild";
import { BUNDLE, DIST, EXECUTABLE, PINNED, ROOT } from "./paths.ts";
import { Failure, program, run } from "./program.ts";

const ENTRY = "src/cli/main.ts";
const KEYGEN = join(DIST, "cb-keygen");
/** Holds the hash of what dist/ was made of. */
const STAMP = join(DIST, ".inputs");

/** @returns whether there was anything to do */
export async function build(signal: AbortSignal): Promise<boolean> {
  const inputs = hashOfInputs();
  const complete = [BUNDLE, EXECUTABLE, KEYGEN].every((path) => existsSync(path));
  if (complete && existsSync(STAMP) && readFileSync(STAMP, "utf8") === inputs) return false;

  mkdirSync(DIST, { recursive: true });
  // Made aside and renamed: whoever runs the old executable, or builds at the same time, is not disturbed.
  const scratch = mkdtempSync(join(DIST, ".build-"));
  try {
    const bundle = join(scratch, basename(BUNDLE));
    const executable = join(scratch, basename(EXECUTABLE));
    await makeBundle(bundle);
    await makeExecutable(bundle, executable, signal);
    symlinkSync(basename(EXECUTABLE), join(scratch, basename(KEYGEN)));
    writeFileSync(join(scratch, basename(STAMP)), inputs);
    rmSync(STAMP, { force: true });
    for (const path of [BUNDLE, EXECUTABLE, KEYGEN, STAMP]) renameSync(join(scratch, basename(path)), path);
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return true;
}

/** A hash over the names and contents of everything that decides what comes out. */
function hashOfInputs(): string {
  const hash = createHash("sha256");
  const sources = globSync("src/**/*.ts", { cwd: ROOT }).sort();
  for (const path of [...sources, "package.json", "package-lock.json", "tsconfig.json", "build/build.ts"]) {
    const bytes = readFileSync(join(ROOT, path));
    hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

async function makeBundle(outfile: string): Promise<void> {
  if (!existsSync(join(ROOT, ENTRY))) throw new Failure(`Cannot build: ${ENTRY} does not exist`);
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const result = await esbuild
    .build({
      absWorkingDir: ROOT,
      entryPoints: [ENTRY],
      outfile,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      metafile: true,
      banner: { js: "#!/usr/bin/env node" },
      define: {
        __CB_VERSION__: JSON.stringify(version),
        // Bun would write the directory of the build in their place.
        __dirname: '"/"',
        __filename: '"/cb.cjs"',
      },
      // In Bun alone, and loaded there alone.
      external: ["bun:ffi"],
      plugins: [withoutDebug],
    })
    .catch((error: unknown) => {
      // esbuild has shown what is wrong, with file and line.
      throw new Failure("Cannot build dist/cb.cjs: esbuild failed", { cause: error });
    });
  const outside = Object.values(result.metafile.outputs)
    .flatMap((output) => output.imports)
    .filter(({ external, path }) => external && path !== "bun:ffi" && !isBuiltin(path));
  if (outside.length > 0) {
    throw new Failure(
      `Cannot build dist/cb.cjs: it would need ${outside.map(({ path }) => path).join(", ")}`,
    );
  }
  chmodSync(outfile, 0o755);
}

/**
 * `debug` (of ioredis) goes: with `DEBUG=ioredis:*` in the environment it prints every command, AUTH and its
 * password among them, and it loads a `supports-color` from whatever lies above the installed bundle.
 */
const withoutDebug: esbuild.Plugin = {
  name: "without-debug",
  setup({ onResolve, onLoad }) {
    const contents = "exports.default = () => Object.assign(() => {}, { enabled: false });";
    onResolve({ filter: /^debug$/ }, ({ path }) => ({ path, namespace: "silent" }));
    onLoad({ filter: /.*/, namespace: "silent" }, () => ({ contents }));
  },
};

async function makeExecutable(bundle: string, outfile: string, signal: AbortSignal): Promise<void> {
  // A .env or bunfig.toml in the directory where cb is called is a stranger's.
  const closed = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig"];
  const command = [PINNED.bun, "build", "--compile", ...closed, "--minify", "--bytecode"] as const;
  const files = [basename(bundle), "--outfile", basename(outfile)];
  // Relative names, as the path of the entry is kept in the executable.
  const { status, output } = await run([...command, ...files], { signal, cwd: join(bundle, "..") });
  if (status !== 0) throw new Failure(`Cannot build dist/cb: bun build failed\n${output}`);
}

if (import.meta.main) {
  await program(async (signal) => {
    const made = await build(signal);
    process.stdout.write(`${made ? "Made" : "Nothing to do for"} dist/cb.cjs, dist/cb and dist/cb-keygen\n`);
    return 0;
  });
}
