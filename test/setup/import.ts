/** An import on a machine that has what a test says. */
import type { ImportSurroundings } from "../../src/setup/import-surroundings.ts";
import { readOldConfiguration } from "../../src/setup/old-configuration.ts";
import { setupOf } from "../../src/setup/old-dispatcher.ts";

export const TOKEN = "a1".repeat(32);

const BARE: ImportSurroundings = {
  python: undefined,
  officialVariables: () => undefined,
  isShipped: () => false,
  isFile: () => false,
  certificatesProblem: () => undefined,
  home: "/home/me",
  places: ["/home/me"],
  runDirectory: "/run.d",
  isHidden: () => false,
};

/** A machine with Faraday's executors, which want these variables. */
export function withPython(...variables: readonly string[]): Partial<ImportSurroundings> {
  return { python: "/venv/bin/python", officialVariables: () => variables };
}

export function imported(file: string | Uint8Array, look: Partial<ImportSurroundings> = {}) {
  const bytes = typeof file === "string" ? new TextEncoder().encode(file) : file;
  const old = readOldConfiguration(bytes, "old.yaml");
  const setup = setupOf(old, { ...BARE, ...look });
  // As a person reads them; what is taken is seen in what it becomes.
  const said = old.notes.all.map(({ kind, line, key, text: words }) => `${kind} ${line} ${key}: ${words}`);
  return { ...setup, said, notable: said.filter((line) => !line.startsWith("taken ")) };
}

const SERVER_LINES = `server:
  host: faraday.example
  api_port: 443
  websocket_port: 443
  ssl: true
  ssl_cert: ''
`;

/** @param executors lines below `executors:`, the first of them line 9 */
export function withExecutors(...executors: readonly string[]): string {
  return `${SERVER_LINES}agent:\n  executors:\n${executors.map((line) => `    ${line}\n`).join("")}`;
}
