/** `cb dispatcher register`: makes an agent at the server, keeps its token, and ends. */
import { CbError, ExitStatus } from "../core/errors.ts";
import { printable } from "../core/text.ts";
import { FaradayApi } from "../faraday/api.ts";
import type { Invocation } from "./command.ts";
import { loadServer } from "./dispatcher-connection.ts";
import { newAgent, storedRegistration } from "./dispatcher-registration.ts";
import { lockState, registrationFile, writeRegistration } from "./dispatcher-state.ts";
import { write } from "./output.ts";
import type { dispatcherRegisterSettings } from "./settings/dispatcher-wizard.ts";
import { setupPlace } from "./setup-files.ts";
import { stopSignal } from "./stop-signal.ts";

export async function registerDispatcher({
  settings,
  context,
}: Invocation<typeof dispatcherRegisterSettings>): Promise<number> {
  const { token: code, "state-directory": directory, name } = settings;
  if (code === undefined) {
    throw new CbError("usage", "Cannot register: --token with a registration code is missing", {
      hint: "The server's Agents page shows one, six digits that change every minute",
    });
  }
  const http = loadServer(settings, context.environment);
  const stop = stopSignal(context.signal);
  try {
    // Root does it for the service, which has to write there afterwards.
    const { service } = setupPlace(undefined, directory, context.environment);
    const lock = lockState(directory, service);
    try {
      storedRegistration(settings, http.server);
      const api = new FaradayApi(http);
      const made = await newAgent(settings, code, { api, server: http.server, signal: stop.signal });
      if (made === undefined) return stop.status();
      writeRegistration(directory, made, service);
      const where = `its token is in "${printable(registrationFile(directory))}"`;
      const line = `Registered "${printable(name)}" at "${made.server}" as agent ${made.id}; ${where}`;
      await write(context.stdout, `${line}\n`);
      return ExitStatus.ok;
    } finally {
      lock.release();
    }
  } finally {
    stop.release();
    await http.close();
  }
}
