/** The settings of what sets a dispatcher up: `register`. */
import type { Schema } from "../../core/settings.ts";
import { dispatcherControlSettings, dispatcherSettings, serverSettings } from "./dispatcher.ts";

const { name, description, token, "register-again": registerAgain } = dispatcherSettings;

/** What a new agent is registered with. */
const AGENT = { name, description, token, "register-again": registerAgain } as const satisfies Schema;

export const dispatcherRegisterSettings = {
  ...serverSettings,
  ...AGENT,
  ...dispatcherControlSettings,
} as const satisfies Schema;
