/** From the settings to what a dispatcher works with: its server, and its executors. */
import { CbError } from "../core/errors.ts";
import type { Environment, Values } from "../core/settings.ts";
import { ExecutorCatalog } from "../faraday/executor-catalog.ts";
import { HttpClient } from "../faraday/http-client.ts";
import { findInstallation } from "../faraday/official-executors.ts";
import type { dispatcherCheckSettings } from "./settings/dispatcher.ts";
import { loadIdentity, readCertificates, systemAuthorities } from "./tls-files.ts";

type Settings = Values<typeof dispatcherCheckSettings>;

/** What a dispatcher that takes any certificate says at each start. */
export const INSECURE =
  "the server's certificate is not verified: whoever is in between reads the results and this agent's token";

/** @throws {CbError} `setting` where no server is set, or settings do not go together; `file` and `key` */
export function loadServer(settings: Settings, environment: Environment): HttpClient {
  const { server, "channel-server": channel = server, timeout, insecure } = settings;
  if (server === undefined) {
    throw new CbError("setting", "Cannot reach a Faraday server: none is set", {
      hint: "Set server in dispatcher.toml, or --server http://host:5985",
    });
  }
  const { "tls-ca": authorities, "tls-cert": certificate, "tls-key": key } = settings;
  if (insecure && authorities !== undefined)
    throw new CbError("setting", "Cannot use insecure with tls-ca: expected one of them");
  const identity = loadIdentity(certificate, key, environment);
  const isTls = [server, channel].some((url) => url?.protocol === "https:");
  const ca =
    authorities === undefined ? systemAuthoritiesFor(isTls, environment) : readCertificates(authorities);
  return new HttpClient({
    server,
    channel: channel ?? server,
    timeout,
    tls: {
      ca: bytesOf(ca),
      certificate: bytesOf(identity?.certificate),
      key: bytesOf(identity?.key),
      verify: !insecure,
    },
    proxy: {
      https: environment["HTTPS_PROXY"] ?? environment["https_proxy"],
      http: environment["HTTP_PROXY"] ?? environment["http_proxy"],
      exceptions: environment["NO_PROXY"] ?? environment["no_proxy"],
    },
  });
}

/** How the command channel is opened. */
export function channelSettings(settings: Settings) {
  return { protocol: settings["channel-protocol"], transport: settings["channel-transport"] } as const;
}

/** A machine without certificates may well have a server without TLS. */
function systemAuthoritiesFor(isTls: boolean, environment: Environment): string | undefined {
  return isTls ? systemAuthorities(environment) : undefined;
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

/** @throws {CbError} `setting` where no executor is named, `file` for a Python that cannot be used */
export async function loadCatalog(settings: Settings): Promise<ExecutorCatalog> {
  const { executors, "run-directory": directories, python } = settings;
  if (executors.length === 0) {
    throw new CbError("setting", "Cannot offer executors: none is named", {
      hint: "Set executors in dispatcher.toml, or --executors nmap,nikto",
    });
  }
  const installation = python === undefined ? undefined : await findInstallation(python);
  return new ExecutorCatalog(executors, directories, installation);
}
