/** Which program this is: version and commit, which the build writes into the bundle, and the runtime. */

// esbuild's `define`; the sources, which no build has seen, have none.
declare const __CB_VERSION__: string | undefined;
declare const __CB_COMMIT__: string | undefined;

/** `0.1.0`; in the sources `0.0.0-dev`. */
export const VERSION: string = typeof __CB_VERSION__ === "string" ? __CB_VERSION__ : "0.0.0-dev";

/** The commit's first 12 digits, with `-dirty` where the tree differed; `unknown commit` outside of git. */
const COMMIT = typeof __CB_COMMIT__ === "string" ? __CB_COMMIT__ : "unknown commit";

/** `0.1.0 (8b6850302d94, Bun 1.4.5)` */
export function versionText(): string {
  return `${VERSION} (${COMMIT}, ${runtime()})`;
}

/** Each runtime has a `process.versions.node` too, so that one comes last. */
function runtime(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`;
}
