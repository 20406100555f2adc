/** What the wizard has done between its questions: it looks at the server, the executors and the files. */
import { CbError } from "../core/errors.ts";
import type { Environment, Values } from "../core/settings.ts";
import { count } from "../core/text.ts";
import { runChecks } from "../exec/checks.ts";
import { FaradayApi } from "../faraday/api.ts";
import { ExecutorCatalog } from "../faraday/executor-catalog.ts";
import { HttpClient, type HttpOptions } from "../faraday/http-client.ts";
import { findInstallation, readOfficialManifest } from "../faraday/official-executors.ts";
import { inheritedEnvironment } from "../faraday/run-environment.ts";
import { withoutSecrets } from "../faraday/secrets.ts";
import { ServerFailure } from "../faraday/server-failure.ts";
import {
  isTrusted,
  type ShownCertificate,
  shownCertificates,
  trusting,
  trustworthy,
} from "../faraday/shown-certificates.ts";
import type { Check, Connection, Draft, Reach, Registered, Results, Trust, Work } from "../setup/work.ts";
import { checkExecutor } from "./dispatcher-check-command.ts";
import { serverOptions } from "./dispatcher-connection.ts";
import type { serverSettings } from "./settings/dispatcher.ts";
import { takeInventory } from "./wizard-inventory.ts";

type ServerSettings = Values<typeof serverSettings>;

export type Surroundings = {
  /** What is not asked: our certificate, the time for an answer. */
  readonly settings: ServerSettings;
  readonly directories: readonly string[];
  readonly environment: Environment;
  readonly outline: (draft: Draft) => Results["outline"];
  readonly register: (draft: Draft, code: string, http: HttpClient) => Promise<Registered>;
  readonly signal: AbortSignal;
};

/** Milliseconds that a person who looks on is let wait for a server. */
const PATIENCE = 15_000;

export class WizardWork {
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** @throws the reason of the signal */
  async perform(work: Work): Promise<Results[keyof Results]> {
    const { directories, environment, outline, register } = this.#around;
    switch (work.do) {
      case "reach":
        return this.#reach(work.connection);
      case "find":
        return takeInventory(directories, work.python, environment);
      case "check":
        return this.#check(work);
      case "outline":
        return outline(work.draft);
      case "register": {
        const http = new HttpClient(this.#options(work.draft.connection));
        return register(work.draft, work.code, http).finally(() => http.close());
      }
    }
  }

  /** @throws {CbError} for a file of certificates that cannot be used */
  #options({ server, proxy, trust }: Connection): HttpOptions {
    const { settings, environment } = this.#around;
    const isShown = trust.kind === "certificate" || trust.kind === "fingerprint";
    const options = serverOptions(
      {
        ...settings,
        server: new URL(server),
        proxy: proxy === undefined || proxy === "none" ? proxy : new URL(proxy),
        "tls-ca": trust.kind === "file" ? trust.path : undefined,
        insecure: trust.kind === "insecure" || isShown,
      },
      environment,
    );
    if (trust.kind !== "certificate") return options;
    return { ...options, tls: { ...options.tls, ...trusting(trust.pem) } };
  }

  async #reach(connection: Connection): Promise<Reach> {
    try {
      const { trust } = connection;
      if (trust.kind === "fingerprint") return await this.#reachByFingerprint(connection, trust.sha256);
      const options = hasty(this.#options(connection));
      try {
        return await probe(options, trust, this.#around.signal);
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error;
        return await this.#failed(connection, options, error.message);
      }
    } catch (error) {
      if (error instanceof ServerFailure) return { kind: "failed", reason: error.message };
      if (!(error instanceof CbError)) throw error;
      // Without any authorities of the system nobody is trusted, and the server can be looked at all the same.
      const isForAuthorities = connection.trust.kind === "system" && error.code === "file";
      if (!isForAuthorities) return { kind: "failed", reason: error.message };
      return this.#untrusted(connection, error.message);
    }
  }

  async #failed(connection: Connection, options: HttpOptions, reason: string): Promise<Reach> {
    const { signal } = this.#around;
    if (connection.server.startsWith("http:") || (await isTrusted(options, signal)))
      return { kind: "failed", reason };
    return this.#untrusted(connection, reason);
  }

  async #untrusted(connection: Connection, reason: string): Promise<Reach> {
    try {
      const { shown, candidates } = await this.#look(connection);
      return { kind: "untrusted", reason, shown, candidates };
    } catch (error) {
      // There is no TLS to be had, which is what was said in the first place.
      if (error instanceof ServerFailure) return { kind: "failed", reason };
      throw error;
    }
  }

  async #look(connection: Connection) {
    const { signal } = this.#around;
    const options = hasty(this.#options({ ...connection, trust: { kind: "insecure" } }));
    const shown = await shownCertificates(options, signal);
    return { options, shown, candidates: await trustworthy(shown, options, signal) };
  }

  /** Fails for another certificate, whoever vouches for it: somebody may be in between. */
  async #reachByFingerprint(connection: Connection, sha256: string): Promise<Reach> {
    const { shown, candidates } = await this.#look(connection);
    const [own] = shown;
    const meant = shown.find(({ fingerprint }) => fingerprint === sha256);
    if (own === undefined || meant === undefined) {
      const what =
        own === undefined ? "it shows no certificate" : `its certificate has the SHA-256 ${own.fingerprint}`;
      return { kind: "failed", reason: `${what}, expected ${sha256}` };
    }
    const chosen = chooseFor(meant, own, candidates);
    if (chosen === undefined)
      return {
        kind: "failed",
        reason: "its certificate is for another name, is not valid today, or lacks its authority",
      };
    const trust: Trust = { kind: "certificate", pem: chosen.pem };
    return probe(hasty(this.#options({ ...connection, trust })), trust, this.#around.signal);
  }

  async #check({ executor, variables, python }: Extract<Work, { do: "check" }>): Promise<Check> {
    const { directories, environment, signal } = this.#around;
    const installation = python === undefined ? undefined : await findInstallation(python);
    if (executor.wants === undefined || executor.official === undefined || installation === undefined) {
      const catalog = new ExecutorCatalog([executor.name], directories, installation);
      return checkExecutor(catalog, executor.name, { environment }, undefined, signal);
    }
    const { checks, parameters } = readOfficialManifest(installation, executor.official);
    const values = [...variables].map(([name, one]) => [name, "value" in one ? one.value : one.secret]);
    const secrets = [...variables.values()].flatMap((one) => ("secret" in one ? [one.secret] : []));
    const around = { ...inheritedEnvironment(environment), ...Object.fromEntries(values) };
    const hide = (text: string) => withoutSecrets(text, secrets);
    const failed = (await runChecks({ checks }, around, signal, { hide })).find(({ ok }) => !ok);
    if (failed !== undefined)
      return { ok: false, detail: `check "${failed.command}" failed: ${failed.detail}` };
    const length = Object.keys(parameters).length;
    return { ok: true, detail: `${count(length, "parameter")}, ${count(checks.length, "check")} passed` };
  }
}

function hasty(options: HttpOptions): HttpOptions {
  return { ...options, timeout: Math.min(options.timeout, PATIENCE) };
}

/** @throws {ServerFailure} where there is no answer */
async function probe(options: HttpOptions, trust: Trust, signal: AbortSignal): Promise<Reach> {
  const http = new HttpClient(options);
  try {
    const { status, version, oddity } = await new FaradayApi(http).probe(signal);
    if (oddity !== undefined) return { kind: "failed", reason: oddity };
    const who = version === undefined ? "Faraday answers" : `Faraday ${version} answers`;
    return { kind: "reached", words: `${who} (HTTP ${status})`, trust };
  } finally {
    await http.close();
  }
}

/** Whoever trusts the server's own certificate trusts the chain that is shown with it. */
function chooseFor(
  meant: ShownCertificate,
  own: ShownCertificate,
  candidates: readonly ShownCertificate[],
): ShownCertificate | undefined {
  return candidates.find((one) => one === meant) ?? (meant === own ? candidates[0] : undefined);
}
