/** The settings of `cb dispatcher`, and the keys of `dispatcher.toml`. */
import { existsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { ownConfigDirectory, stateDirectory } from "../../core/directories.ts";
import { parseAge, parseLimit } from "../../core/duration.ts";
import { type CommandName, parseName } from "../../core/names.ts";
import { parseChoice, parseInteger, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Environment, Schema } from "../../core/settings.ts";
import { configSettings, outputSettings } from "./common.ts";
import { executionSettings } from "./execution.ts";
import { parseParameters } from "./parameters.ts";

export const DISTRO_RUN_DIRECTORIES = ["/etc/cb/run.d", "/usr/lib/cb/run.d"] as const;

const SERVICE_STATE = "/var/lib/cb-dispatcher";

const STATE = {
  "state-directory": {
    value: "<directory>",
    environment: ["STATE_DIRECTORY"],
    default: {
      help: "/var/lib/cb-dispatcher as root and as its owner, else ~/.local/state/cb-dispatcher",
      text: (environment) => (isRootOrOwner() ? SERVICE_STATE : stateDirectory(environment, "cb-dispatcher")),
    },
    parse: parsePath,
    help: "where the agent's token and results that are not yet posted are kept",
  },
  ...configSettings,
  ...outputSettings,
} as const satisfies Schema;

/** Where the Faraday server is, the way to it, and which certificate it must have. */
export const serverSettings = {
  server: {
    value: "<url>",
    // One with a password in it is refused, and not shown.
    secret: true,
    parse: parseServer,
    help: "the Faraday server: http://host:5985 or https://host, with its base route if it has one",
  },
  "channel-server": {
    value: "<url>",
    secret: true,
    parse: parseServer,
    help: "where its command channel is, if not at the same URL",
  },
  proxy: {
    value: "<url>",
    secret: true,
    parse: parseProxy,
    help: "HTTP proxy on the way to it, in place of HTTPS_PROXY and HTTP_PROXY; none for no proxy",
  },
  "tls-ca": {
    value: "<file>",
    parse: parsePath,
    help: "certificates of those who may have signed the server's, or its own; without it the system's",
  },
  "tls-cert": { value: "<file>", parse: parsePath, help: "our certificate, for a server that wants one" },
  "tls-key": { value: "<file>", parse: parsePath, help: "its key, readable by its owner alone" },
  insecure: {
    default: "false",
    parse: parseSwitch,
    help: "take any certificate: whoever is in between then reads results and the agent's token",
  },
  timeout: {
    value: "<seconds>",
    number: true,
    default: "60",
    parse: parseLimit,
    help: "time for one answer of the server",
  },
} as const satisfies Schema;

const EXECUTORS = {
  executors: {
    value: "<names>",
    repeatable: true,
    takesWords: true,
    parse: parseExecutors,
    help: "executors that the server is told of and may run, separated by commas or repeated; no others",
  },
  "run-directory": {
    short: "r",
    value: "<directory>",
    repeatable: true,
    default: {
      help: `${DISTRO_RUN_DIRECTORIES.join(" and ")}; of a user ~/.config/cb/run.d before them`,
      text: defaultRunDirectories,
    },
    parse: (texts: readonly string[]): readonly string[] => texts.map(parsePath),
    help: "where executors are, the first that has one wins",
  },
  python: {
    value: "<file>",
    parse: parsePath,
    help: "the Python in which Faraday's own executors are installed, for manifests that name one",
  },
} as const satisfies Schema;

const CHANNEL = {
  "channel-transport": {
    value: "<transport>",
    default: "auto",
    parse: parseChoice("auto", "websocket", "polling"),
    help: "how the command channel is held: websocket, polling, or auto: polling where no WebSocket comes through",
  },
  "channel-protocol": {
    value: "<protocol>",
    default: "auto",
    parse: parseChoice("auto", "socket.io", "legacy"),
    help: "what is spoken on it: socket.io, legacy for Faraday 4.6 and older, or auto: whichever the server speaks",
  },
} as const satisfies Schema;

/** `stop` and `spool`: they ask the dispatcher that is running, as `status` does. */
export const dispatcherControlSettings = STATE;

export const dispatcherStatusSettings = {
  output: {
    value: "<form>",
    default: "text",
    parse: parseChoice("text", "json"),
    file: false,
    environment: false,
    help: "text for people, or json for programs: one object on one line",
  },
  ...STATE,
} as const satisfies Schema;

/** `try`: what it runs, without a server. */
export const dispatcherTrySettings = {
  param: {
    value: "<name=value>",
    repeatable: true,
    file: false,
    parse: parseParameters,
    help: "pass a parameter that the manifest declares, as the server would; repeat it for more",
  },
  "run-directory": EXECUTORS["run-directory"],
  python: EXECUTORS.python,
  ...configSettings,
  ...outputSettings,
} as const satisfies Schema;

export const dispatcherCheckSettings = {
  ...serverSettings,
  ...EXECUTORS,
  ...CHANNEL,
  ...STATE,
} as const satisfies Schema;

export const dispatcherSettings = {
  ...serverSettings,
  name: {
    value: "<name>",
    default: { help: "the host name", text: () => hostname() },
    parse: parseAgentName,
    help: "name of this agent at the server",
  },
  description: {
    value: "<text>",
    default: "",
    parse: (text: string) => text,
    help: "what the server shows beside the name",
  },
  token: {
    value: "<code>",
    file: false,
    secret: true,
    parse: parseCode,
    help: "registration code of six digits, as the server's Agents page shows it; needed once",
  },
  "register-again": {
    default: "false",
    parse: parseSwitch,
    file: false,
    help: "with --token: make a new agent although a token is stored; the server keeps the old one too",
  },
  ...EXECUTORS,
  jobs: {
    value: "<number>",
    number: true,
    default: "8",
    parse: parseInteger(1, 1024),
    help: "executors that run at once, at most; others wait",
  },
  ...executionSettings,
  ...CHANNEL,
  "spool-keep": {
    value: "<age>",
    default: "7d",
    parse: parseAge,
    help: "how long a result is offered to the server before it is set aside",
  },
  "spool-size": {
    value: "<megabytes>",
    number: true,
    default: "1024",
    parse: parseInteger(1, 1_000_000),
    help: "results waiting on disk, in megabytes; beyond it new runs are refused and nothing is dropped",
  },
  ...STATE,
} as const satisfies Schema;

/** The user of the service finds its state without the unit, too. */
function isRootOrOwner(): boolean {
  const user = process.getuid?.();
  return user === 0 || (existsSync(SERVICE_STATE) && statSync(SERVICE_STATE).uid === user);
}

/** Root's are those that all programs share; a user can write none of them. */
export function defaultRunDirectories(environment: Environment): readonly string[] {
  const own = process.getuid?.() === 0 ? [] : [join(ownConfigDirectory(environment), "run.d")];
  return [...new Set([...own, ...DISTRO_RUN_DIRECTORIES])];
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWhole = url?.protocol === "http:" || url?.protocol === "https:";
  if (url === undefined || !isWhole) throw new SyntaxError("expected http://host:port or https://host");
  if (url.username !== "" || url.password !== "") throw new SyntaxError("expected a URL without a password");
  if (url.search !== "" || url.hash !== "") throw new SyntaxError('expected a URL without "?" and "#"');
  return url;
}

/** With name and password, if it wants them. */
function parseProxy(text: string): URL | "none" {
  if (text === "none") return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isProxy = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === "/";
  if (!isProxy || url.search !== "" || url.hash !== "")
    throw new SyntaxError("expected a URL such as http://proxy.example:3128, or none");
  // undici would pass over one that comes alone.
  if ((url.username === "") !== (url.password === ""))
    throw new SyntaxError("expected name and password together: http://name:password@proxy.example:3128");
  return url;
}

function parseAgentName(text: string): string {
  if (text.trim() === "" || text.length > 250) throw new SyntaxError("expected 1 to 250 characters");
  return text;
}

function parseCode(text: string): string {
  if (!/^\d{6}$/.test(text)) throw new SyntaxError("expected six digits");
  return text;
}

function parseExecutors(texts: readonly string[]): readonly CommandName[] {
  if (texts.length === 0) return [];
  return [...new Set(texts.flatMap((text) => text.split(",")).map((text) => parseName<CommandName>(text)))];
}
