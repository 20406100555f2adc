/**
 * The bundle: all of src/ and of the packages that it needs, in one script.
 *
 * CommonJS, as ioredis requires Node's modules by name, which Node refuses in a bundled ES module. The same
 * sources give the same bytes in any directory.
 */
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { ROOT } from "./paths.ts";
import { Failure } from "./program.ts";
import type { Revision } from "./revision.ts";

const ENTRY = "src/cli/main.ts";

/** @returns what went into it */
export async function makeBundle(outfile: string, { commit }: Revision): Promise<esbuild.Metafile> {
  if (!existsSync(join(ROOT, ENTRY))) throw new Failure(`Cannot build: ${ENTRY} does not exist`);
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const { metafile } = await esbuild
    .build({
      absWorkingDir: ROOT,
      entryPoints: [ENTRY],
      outfile,
      bundle: true,
      platform: "node",
      target: "node20",
      format: "cjs",
      metafile: true,
      // node_modules may be a link; the bundle's comments say where a source is, and shall not say where that leads.
      preserveSymlinks: true,
      banner: { js: "#!/usr/bin/env node" },
      define: {
        __CB_VERSION__: JSON.stringify(version),
        __CB_COMMIT__: JSON.stringify(commit ?? "unknown commit"),
        // Bun would write the directory of the build in their place.
        __dirname: '"/"',
        __filename: '"/cb.cjs"',
      },
      // In Bun alone, and loaded there alone.
      external: ["bun:ffi"],
      plugins: [withStandIns],
    })
    .catch((error: unknown) => {
      // esbuild has shown what is wrong, with file and line.
      throw new Failure("Cannot build dist/cb.cjs: esbuild failed", { cause: error });
    });
  const outside = Object.values(metafile.outputs)
    .flatMap((output) => output.imports)
    // Of `node:` also what this Node has not: undici asks for node:sqlite, for a cache that nobody uses.
    .filter(({ external, path }) => external && !/^(node|bun):/.test(path) && !isBuiltin(path));
  if (outside.length > 0) {
    throw new Failure(
      `Cannot build dist/cb.cjs: it would need ${outside.map(({ path }) => path).join(", ")}`,
    );
  }
  chmodSync(outfile, 0o755);
  return metafile;
}

/**
 * What stands in for packages that others want and we do not:
 * - `debug` (of ioredis and engine.io-client): with `DEBUG=*` in the environment it prints every command, AUTH and its
 *   password among them, and every message with its token; and it loads a `supports-color` from whatever lies above
 *   the installed bundle. The one takes the function as `default`, the other as the module.
 * - `ws` and `xmlhttprequest-ssl` (of engine.io-client): its transports are ours, over undici. The second can start
 *   processes.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  debug:
    "module.exports = () => Object.assign(() => {}, { enabled: false });" +
    "module.exports.default = module.exports;",
  ws: "",
  "xmlhttprequest-ssl": "",
};

const withStandIns: esbuild.Plugin = {
  name: "stand-ins",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${Object.keys(STAND_INS).join("|")})$`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: "stand-in" }));
    onLoad({ filter: /.*/, namespace: "stand-in" }, ({ path }) => ({ contents: STAND_INS[path] ?? "" }));
  },
};
