/** From the settings to what a dispatcher works with: its server, and its executors. */
import { CbError } from "../core/errors.ts";
import type { Environment, Values } from "../core/settings.ts";
import { ExecutorCatalog } from "../faraday/executor-catalog.ts";
import { HttpClient, type HttpOptions, type ProxyOptions } from "../faraday/http-client.ts";
import { findInstallation } from "../faraday/official-executors.ts";
import type { dispatcherCheckSettings, serverSettings } from "./settings/dispatcher.ts";
import { loadIdentity, readCertificates, systemAuthorities } from "./tls-files.ts";

type Settings = Values<typeof dispatcherCheckSettings>;
type ServerSettings = Pick<Settings, keyof typeof serverSettings>;

/** What a dispatcher that takes any certificate says at each start. */
export const INSECURE =
  "the server's certificate is not verified: whoever is in between reads the results and this agent's token";

/** @throws {CbError} `setting` where no server is set, or settings do not go together; `file` and `key` */
export function loadServer(settings: ServerSettings, environment: Environment): HttpClient {
  return new HttpClient(serverOptions(settings, environment));
}

/** As `loadServer`, for whoever makes a client that differs in something. */
export function serverOptions(settings: ServerSettings, environment: Environment): HttpOptions {
  const { server, "channel-server": channel = server, timeout, insecure } = settings;
  if (server === undefined) {
    throw new CbError("setting", "Cannot reach a Faraday server: none is set", {
      hint: "Set server in dispatcher.toml, or --server http://host:5985, or run cb dispatcher wizard",
    });
  }
  const { "tls-ca": authorities, "tls-cert": certificate, "tls-key": key } = settings;
  if (insecure && authorities !== undefined)
    throw new CbError("setting", "Cannot use insecure with tls-ca: expected one of them");
  const identity = loadIdentity(certificate, key, environment);
  const isTls = [server, channel].some((url) => url?.protocol === "https:");
  const ca =
    authorities === undefined
      ? systemAuthoritiesFor(isTls, insecure, environment)
      : readCertificates(authorities);
  return {
    server,
    channel: channel ?? server,
    timeout,
    tls: {
      ca: bytesOf(ca),
      certificate: bytesOf(identity?.certificate),
      key: bytesOf(identity?.key),
      verify: !insecure,
      partial: authorities !== undefined,
    },
    proxy: proxyOptions(settings, environment),
  };
}

/** How the command channel is opened. */
export function channelSettings(settings: Settings) {
  return { protocol: settings["channel-protocol"], transport: settings["channel-transport"] } as const;
}

/** Whoever names a proxy for this one server means it, whatever is said of all the others. */
function proxyOptions({ proxy }: ServerSettings, environment: Environment): ProxyOptions {
  if (proxy !== undefined) {
    const url = proxy === "none" ? undefined : proxy.href;
    return { https: url, http: url, exceptions: undefined };
  }
  return {
    https: environment["HTTPS_PROXY"] ?? environment["https_proxy"],
    http: environment["HTTP_PROXY"] ?? environment["http_proxy"],
    exceptions: environment["NO_PROXY"] ?? environment["no_proxy"],
  };
}

/** A machine without certificates may well have a server without TLS, or none that is verified. */
function systemAuthoritiesFor(
  isTls: boolean,
  insecure: boolean,
  environment: Environment,
): string | undefined {
  if (!isTls) return undefined;
  try {
    // Also where the server is not verified: a proxy that speaks TLS is.
    return systemAuthorities(environment);
  } catch (error) {
    if (insecure && error instanceof CbError) return undefined;
    throw error;
  }
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

/** @throws {CbError} `setting` where no executor is named, `file` for a Python that cannot be used */
export async function loadCatalog(
  settings: Pick<Settings, "executors" | "run-directory" | "python">,
): Promise<ExecutorCatalog> {
  const { executors, "run-directory": directories, python } = settings;
  if (executors.length === 0) {
    throw new CbError("setting", "Cannot offer executors: none is named", {
      hint: "Set executors in dispatcher.toml, or --executors nmap,nikto",
    });
  }
  const installation = python === undefined ? undefined : await findInstallation(python);
  return new ExecutorCatalog(executors, directories, installation);
}
