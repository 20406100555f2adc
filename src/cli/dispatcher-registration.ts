/** The token of an agent: stored, or got for a registration code. */
import { CbError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import type { FaradayApi } from "../faraday/api.ts";
import { describeServer, ServerFailure, serverError } from "../faraday/server-failure.ts";
import type { Registration } from "../setup/dispatcher-setup.ts";
import { holdsResults, probeState, readRegistration, writeRegistration } from "./dispatcher-state.ts";
import type { dispatcherSettings } from "./settings/dispatcher.ts";

type Settings = Pick<
  Values<typeof dispatcherSettings>,
  "state-directory" | "token" | "register-again" | "name" | "description"
>;

type Registrar = {
  readonly api: Pick<FaradayApi, "register">;
  readonly server: URL;
  readonly signal: AbortSignal;
};

/**
 * Registers only where there is no token, or where it is asked for expressly: each time the server makes a new agent.
 *
 * @returns undefined where the signal came first
 * @throws {CbError} `usage` for a code that is not needed or missing, `server` where there is no registration
 */
export async function agentToken(
  settings: Settings,
  { log, ...registrar }: Registrar & { readonly log: Log },
): Promise<string | undefined> {
  const { "state-directory": directory, token: code, name } = settings;
  const url = describeServer(registrar.server);
  const stored = storedRegistration(settings, registrar.server);
  if (stored !== undefined) {
    if (stored.server !== url)
      log.warn(
        { event: "other-server", registered: stored.server, server: url },
        "Registered at another server",
      );
    return stored.token;
  }
  if (code === undefined) {
    throw new CbError("usage", `Cannot serve "${url}": no agent is registered in "${printable(directory)}"`, {
      hint: "Give --token with the six digits that the server's Agents page shows",
    });
  }
  const made = await newAgent(settings, code, registrar);
  if (made === undefined) return undefined;
  writeRegistration(directory, made);
  log.info({ event: "registered", agent: made.id, name }, "Registered a new agent");
  return made.token;
}

/**
 * The registration that is there and stays; undefined where there has to be a new one.
 *
 * @throws {CbError} `usage` where a new one is asked for and must not be made, `key` for a file that is damaged
 */
export function storedRegistration(
  { "state-directory": directory, token: code, "register-again": again }: Settings,
  server: URL,
): Registration | undefined {
  if (again && code === undefined)
    throw new CbError("usage", "Cannot use --register-again: --token with a registration code is missing");
  if (again) {
    refuseOtherResults(directory, describeServer(server));
    return undefined;
  }
  const stored = readRegistration(directory);
  if (stored === undefined || code === undefined) return stored;
  throw new CbError(
    "usage",
    `Cannot register again: "${printable(directory)}" holds the token of an agent already`,
    {
      hint: "Leave --token out, or add --register-again: the server then has two agents",
    },
  );
}

/**
 * Makes a new agent at the server; who asks for it has to keep what comes back, as the server never tells it again.
 *
 * @param code is spent by that
 * @returns undefined where the signal came first
 * @throws {CbError} `server` where there is no registration, `file` where there is no place for one
 */
export async function newAgent(
  {
    "state-directory": directory,
    name,
    description,
  }: Pick<Settings, "state-directory" | "name" | "description">,
  code: string,
  { api, server, signal }: Registrar,
): Promise<Registration | undefined> {
  probeState(directory);
  try {
    const { id, token } = await api.register({ code, name, description }, signal);
    return { token, server: describeServer(server), id };
  } catch (error) {
    if (signal.aborted) return undefined;
    if (error instanceof ServerFailure) throw serverError("register at", server, error);
    throw error;
  }
}

/**
 * Executions and workspaces of two servers have the same numbers and names: what one has not taken yet would reach the
 * other, in the place of results that are its own.
 *
 * @throws {CbError} `usage`
 */
export function refuseOtherResults(directory: string, url: string): void {
  const server = registeredAt(directory);
  if (server === undefined || server === url || !holdsResults(directory)) return;
  const held = `"${printable(directory)}" holds results for "${printable(server)}"`;
  throw new CbError("usage", `Cannot register at "${url}": ${held}`, {
    hint: "Take another --state-directory, or move its spool and quarantine away",
  });
}

/** Undefined also where the file is damaged, which registering again is to mend. */
function registeredAt(directory: string): string | undefined {
  try {
    return readRegistration(directory)?.server;
  } catch (error) {
    if (error instanceof CbError) return undefined;
    throw error;
  }
}
