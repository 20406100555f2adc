/**
 * Where the old agent's server is, as settings of ours.
 *
 * The original puts the base route behind host and port for REST alone: its channel is at the root of its own port.
 * Here the channel is where the server is, unless channel-server says otherwise.
 *
 * `ssl_ignore: 'False'` in quotes, which the server's web page writes, turns the verification of certificates off in
 * the original. Nobody has meant that: here it is false. Beside a certificate of its own the original pays no heed to
 * ssl_ignore, and neither do we.
 */
import { isAbsolute, join } from "node:path";
import { printable } from "../core/text.ts";
import type { EditableValue } from "../core/toml-edit.ts";
import { describeServer } from "../faraday/server-failure.ts";
import type { ImportSurroundings } from "./import-surroundings.ts";
import type { NoteKind } from "./notes.ts";
import { hiddenFrom } from "./old-command.ts";
import type { OldConfiguration } from "./old-configuration.ts";
import { booleanOf, entryOf, importError, integerOf, isNothing, type OldEntry, textAt } from "./old-value.ts";

/** Of what has no default there either, but which the original's own example has. */
const DEFAULT_HOST = "localhost";
const DEFAULT_PORT = 5985;
/** Where servers up to 4.6 had their channel, which was a WebSocket then. */
const LEGACY_CHANNEL_PORT = 9000;

type ServerSetup = {
  /** As `describeServer` has it. */
  readonly server: string;
  /** Undefined for a key that must not be there: it would mean something else. */
  readonly settings: ReadonlyMap<string, EditableValue | undefined>;
};

const KNOWN = ["host", "api_port", "websocket_port", "ssl", "ssl_cert", "ssl_ignore", "base_route"];
const OBSOLETE = ["workspace", "workspaces"];

/** @throws {CbError} `setting`, with the line, where no server can be made of it */
export function serverSetup(old: OldConfiguration, look: ImportSurroundings): ServerSetup {
  const reader = new ServerReader(old, look);
  const isTls = reader.ssl();
  const host = reader.host();
  const port = reader.port("api_port");
  const route = reader.route();
  const server = reader.url(isTls, host, port, route);
  reader.sayServer(server);
  const channel = reader.channel(reader.url(isTls, host, reader.port("websocket_port"), ""), server);
  const tls = isTls ? reader.trust() : reader.noTls();
  reader.leaveRest();
  return { server, settings: new Map([["server", server], ["channel-server", channel], ...tls]) };
}

type Trust = readonly (readonly [key: "tls-ca" | "insecure", value: EditableValue | undefined])[];

class ServerReader {
  readonly #old: OldConfiguration;
  readonly #look: ImportSurroundings;
  readonly #said = new Set<OldEntry>();

  constructor(old: OldConfiguration, look: ImportSurroundings) {
    this.#old = old;
    this.#look = look;
  }

  ssl(): boolean {
    const entry = this.#entry("ssl");
    if (entry === undefined) return false;
    const plain = booleanOf(entry.value);
    if (plain !== undefined) return plain;
    const text = entry.value.kind === "text" ? entry.value.text : "";
    if (text === "True") return true;
    if (!/^(?:f|false|t|true)$/i.test(text)) throw this.#unusable(entry, "expected True or False");
    if (/^t/i.test(text)) this.#say("changed", entry, "http://, as the agent takes only 'True' for true");
    return false;
  }

  host(): string {
    const entry = this.#entry("host");
    if (entry === undefined || isNothing(entry.value)) return this.#absent("host", DEFAULT_HOST);
    const host = entry.value.kind === "text" ? entry.value.text.trim() : "";
    if (/^[^\s/?#@\\]+$/.test(host)) return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
    throw this.#unusable(entry, "expected a host name or an address, without http:// and without a path");
  }

  port(key: "api_port" | "websocket_port"): number {
    const entry = this.#entry(key);
    if (entry === undefined || isNothing(entry.value)) return this.#absent(key, DEFAULT_PORT);
    const port = integerOf(entry.value);
    if (port !== undefined && port >= 1 && port <= 65_535) return port;
    throw this.#unusable(entry, "expected a port from 1 to 65535");
  }

  /** Empty, or with a slash in front and none behind. */
  route(): string {
    const entry = this.#entry("base_route");
    if (entry === undefined || isNothing(entry.value)) return "";
    const route = entry.value.kind === "text" ? entry.value.text.trim().replaceAll(/^\/+|\/+$/g, "") : "?";
    if (route === "") return "";
    if (/^[^\s?#\\]+$/.test(route)) return `/${route}`;
    throw this.#unusable(entry, "expected a path such as faraday");
  }

  url(isTls: boolean, host: string, port: number, route: string): string {
    const text = `${isTls ? "https" : "http"}://${host}:${port}${route}`;
    if (URL.canParse(text)) return describeServer(new URL(text));
    const entry = this.#entry("host");
    throw importError(
      this.#old.path,
      entry?.line ?? this.#old.server.line,
      "host: expected a host name or an address",
    );
  }

  sayServer(server: string): void {
    const parts = ["host", "api_port", "ssl", "base_route"].flatMap((key) => this.#entry(key) ?? []);
    for (const [index, entry] of parts.entries())
      if (!this.#said.has(entry))
        this.#say("taken", entry, index === 0 ? `server = "${server}"` : "in server");
  }

  /** @returns undefined where it is at the server's own URL */
  channel(channel: string, server: string): string | undefined {
    const entry = this.#entry("websocket_port");
    if (channel === server) {
      if (entry !== undefined) this.#say("taken", entry, "in server, where the channel is too");
      return undefined;
    }
    const line = entry ?? this.#entry("base_route");
    const isLegacy = entry !== undefined && integerOf(entry.value) === LEGACY_CHANNEL_PORT;
    const why = isLegacy
      ? "where servers up to 4.6 have it; for a newer one take it away"
      : "if the channel is at the server's URL, take it away";
    if (line !== undefined) this.#say("taken", line, `channel-server = "${channel}"; ${why}`);
    return channel;
  }

  trust(): Trust {
    const ignore = this.#ignore();
    const entry = this.#entry("ssl_cert");
    const path = textAt(this.#old.server, "ssl_cert")?.text ?? "";
    if (entry !== undefined && !isEmpty(entry) && (path === "" || path.includes("\0")))
      throw this.#unusable(entry, "expected a path");
    if (entry === undefined || path === "") {
      if (ignore === undefined) return this.#decided(undefined, undefined);
      this.#say(
        "taken",
        ignore,
        "insecure = true: ANY certificate is taken, and whoever is in between reads the results and the token",
      );
      return this.#decided(undefined, true);
    }
    if (ignore !== undefined) this.#say("left", ignore, "beside ssl_cert it does nothing, there as here");
    const file = isAbsolute(path) ? path : this.#found(path);
    const problem = this.#look.isHidden(file) ? hiddenFrom(file) : this.#look.certificatesProblem(file);
    if (problem === undefined) this.#say("taken", entry, `tls-ca = "${printable(file)}"`);
    else
      this.#say(
        "lost",
        entry,
        `tls-ca = "${printable(file)}", and nothing works before it is right: ${problem}`,
      );
    return this.#decided(file, undefined);
  }

  noTls(): Trust {
    for (const key of ["ssl_cert", "ssl_ignore"]) {
      const entry = this.#entry(key);
      if (entry !== undefined && !isEmpty(entry)) this.#say("left", entry, "there is no TLS");
    }
    return this.#decided(undefined, undefined);
  }

  leaveRest(): void {
    for (const entry of this.#old.server.entries) {
      if (OBSOLETE.includes(entry.key))
        this.#say("left", entry, "the server names the workspaces of each run");
      else if (!KNOWN.includes(entry.key)) this.#say("left", entry, "the agent reads nothing there");
    }
  }

  /** Where it says that any certificate is good; what does not mean that has been said then. */
  #ignore(): OldEntry | undefined {
    const entry = this.#entry("ssl_ignore");
    if (entry === undefined || isEmpty(entry)) return undefined;
    const { value } = entry;
    const isTrue = booleanOf(value) ?? (value.kind === "text" && /^t(?:rue)?$/i.test(value.text));
    if (isTrue) return entry;
    if (booleanOf(value) === undefined)
      this.#say("changed", entry, "the certificate IS verified; in quotes the agent takes any word for true");
    else this.#say("taken", entry, "the certificate is verified");
    return undefined;
  }

  #decided(authorities: string | undefined, insecure: true | undefined): Trust {
    return [
      ["tls-ca", authorities],
      ["insecure", insecure],
    ];
  }

  /** The original looks below the directory that it was started in, which nobody knows any more. */
  #found(path: string): string {
    const all = this.#look.places.map((place) => join(place, path));
    return all.find((file) => this.#look.isFile(file)) ?? all[0] ?? path;
  }

  #entry(key: string): OldEntry | undefined {
    return entryOf(this.#old.server, key);
  }

  #absent<Value extends string | number>(key: string, value: Value): Value {
    this.#old.notes.add("changed", this.#old.server.line, `server.${key}`, `it is not there: ${value}`);
    return value;
  }

  #say(kind: NoteKind, entry: OldEntry, text: string): void {
    this.#said.add(entry);
    this.#old.notes.add(kind, entry.line, `server.${entry.key}`, text);
  }

  #unusable({ line, key }: OldEntry, expected: string) {
    return importError(this.#old.path, line, `server.${key}: ${expected}`);
  }
}

function isEmpty({ value }: OldEntry): boolean {
  return isNothing(value) || (value.kind === "text" && value.text === "");
}
