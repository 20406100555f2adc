/** The token of an agent: stored, or got for a registration code. */
import { CbError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Values } from "../core/settings.ts";
import { printable } from "../core/text.ts";
import type { FaradayApi } from "../faraday/api.ts";
import { describeServer, ServerFailure, serverError } from "../faraday/server-failure.ts";
import { holdsResults, probeState, readRegistration, writeRegistration } from "./dispatcher-state.ts";
import type { dispatcherSettings } from "./settings/dispatcher.ts";

type Settings = Pick<
  Values<typeof dispatcherSettings>,
  "state-directory" | "token" | "register-again" | "name" | "description"
>;

type Registrar = {
  readonly api: Pick<FaradayApi, "register">;
  readonly server: URL;
  readonly log: Log;
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
  { api, server, log, signal }: Registrar,
): Promise<string | undefined> {
  const { "state-directory": directory, token: code, "register-again": again, name, description } = settings;
  if (again && code === undefined)
    throw new CbError("usage", "Cannot use --register-again: --token with a registration code is missing");
  const url = describeServer(server);
  if (again) refuseOtherResults(directory, url);
  const stored = again ? undefined : readRegistration(directory);
  if (stored !== undefined) {
    if (code === undefined) {
      if (stored.server !== url)
        log.warn(
          { event: "other-server", registered: stored.server, server: url },
          "Registered at another server",
        );
      return stored.token;
    }
    throw new CbError(
      "usage",
      `Cannot register again: "${printable(directory)}" holds the token of an agent already`,
      {
        hint: "Leave --token out, or add --register-again: the server then has two agents",
      },
    );
  }
  if (code === undefined) {
    throw new CbError("usage", `Cannot serve "${url}": no agent is registered in "${printable(directory)}"`, {
      hint: "Give --token with the six digits that the server's Agents page shows",
    });
  }
  // The code is good once, and the token is never shown again: not without a place for it.
  probeState(directory);
  try {
    const { id, token } = await api.register({ code, name, description }, signal);
    writeRegistration(directory, { token, server: url, id });
    log.info({ event: "registered", agent: id, name }, "Registered a new agent");
    return token;
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
