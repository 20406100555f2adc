/** Settings of more than one program. */
import { hostname } from "node:os";
import { CbError } from "../../core/errors.ts";
import { type Channel, type Identity, parseName, parseTags, type Tag } from "../../core/names.ts";
import { parseCount, parsePath, parseSwitch } from "../../core/parse.ts";
import type { Schema, Values } from "../../core/settings.ts";
import { parseConnectionString } from "../../hub/connection-string.ts";

/** How much is said, and in which colors; all programs. */
export const outputSettings = {
  verbose: {
    group: "Output",
    short: "v",
    repeatable: true,
    number: true,
    parse: parseCount,
    help: "say more; repeat it for still more",
  },
  "errors-only": { group: "Output", default: "false", parse: parseSwitch, help: "say nothing but errors" },
  "force-colors": {
    group: "Output",
    default: "false",
    parse: parseSwitch,
    help: "use colors even where there is no terminal",
  },
} as const satisfies Schema;

/** @throws {CbError} `usage`, where more and less were asked for at once */
export function verbosityOf({
  verbose,
  "errors-only": errorsOnly,
}: Pick<Values<typeof outputSettings>, "verbose" | "errors-only">): "errors" | "normal" | "verbose" {
  if (!errorsOnly) return verbose === 0 ? "normal" : "verbose";
  if (verbose === 0) return "errors";
  throw new CbError("usage", "Cannot use --verbose with --errors-only: they contradict each other");
}

/** Which file the other settings may come from. */
export const configSettings = {
  config: {
    group: "Other",
    value: "<file>",
    file: false,
    parse: parsePath,
    help: "read this file of settings and no other",
  },
} as const satisfies Schema;

/** Where Redis is, and what both sides prove themselves with; `hub-connection.ts` makes one of them all. */
export const hubSettings = {
  "connection-string": {
    group: "Keys and connection",
    short: "r",
    value: "<url>",
    environment: ["REDIS_CONNECTION_STRING"],
    default: "redis://localhost:6379",
    parse: parseConnectionString,
    secret: true,
    help: "Redis: redis://, rediss:// (TLS), unix:// or redis+unix://, with user, password and database number",
  },
  "password-file": {
    group: "Keys and connection",
    value: "<file>",
    parse: parsePath,
    help: "password for Redis, readable by its owner alone; or set CB_PASSWORD",
  },
  "tls-ca": {
    group: "Keys and connection",
    value: "<file>",
    parse: parsePath,
    help: "certificates of those who may have signed that of Redis; without it the system's",
  },
  "tls-cert": {
    group: "Keys and connection",
    value: "<file>",
    parse: parsePath,
    help: "our certificate, for a Redis that wants one",
  },
  "tls-key": {
    group: "Keys and connection",
    value: "<file>",
    parse: parsePath,
    help: "its key, readable by its owner alone",
  },
  "tls-server-name": {
    group: "Keys and connection",
    value: "<name>",
    parse: parseServerName,
    help: "name in the certificate of Redis, where it is not the host",
  },
} as const satisfies Schema;

/** Agent and station. Each accepts all four keys, as one configuration may serve both; it uses its own two. */
export const commonSettings = {
  channel: {
    group: "Keys and connection",
    short: "c",
    value: "<name>",
    environment: ["CBRADIO_CHANNEL"],
    default: "default",
    parse: parseName<Channel>,
    help: "channel on which agents and stations meet",
  },
  ...hubSettings,
  identity: {
    group: "Keys and connection",
    short: "i",
    value: "<name>",
    environment: ["HOSTNAME"],
    default: { help: "the host name", text: () => hostname() },
    parse: parseName<Identity>,
    help: "name of this agent or station",
  },
  "base-station-public-key": {
    group: "Keys and connection",
    short: "b",
    value: "<file>",
    parse: parsePath,
    help: "public keys of the base stations (agent)",
  },
  "base-station-secret-key": {
    group: "Keys and connection",
    short: "B",
    value: "<file>",
    parse: parsePath,
    help: "secret key of the base station (station)",
  },
  "network-public-key": {
    group: "Keys and connection",
    short: "n",
    value: "<file>",
    parse: parsePath,
    help: "public key of the network (station)",
  },
  "network-secret-key": {
    group: "Keys and connection",
    short: "N",
    value: "<file>",
    parse: parsePath,
    help: "secret keys of the network (agent)",
  },
  ...configSettings,
  ...outputSettings,
} as const satisfies Schema;

/** All tags of a `--tags` option, however they are spread over texts; none given is none. */
export function parseTagTexts(texts: readonly string[]): readonly Tag[] {
  return texts.length === 0 ? [] : parseTags(texts.join(","));
}

/**
 * TLS has no way to ask for an address (RFC 6066), and what is written like one names no host. (`node:net`
 * could tell them apart, and takes a fifth of the time that `cb --version` has.)
 */
function parseServerName(text: string): string {
  const isAddress = /^\d+(\.\d+){3}$/.test(text);
  const isName = /^(?=.{1,253}$)[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(text);
  if (!isName || isAddress) throw new SyntaxError("expected a host name");
  return text;
}
