/** The version, which the build writes into the bundle (esbuild's `define`). */

declare const __CB_VERSION__: string | undefined;

/** `0.1.0`; in the sources, which no build has seen, `0.0.0-dev`. */
export const VERSION: string = typeof __CB_VERSION__ === "string" ? __CB_VERSION__ : "0.0.0-dev";
