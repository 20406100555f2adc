/** All commands, in the order of the help. */
import type { Command } from "./command.ts";
import { agentCommand } from "./commands/agent.ts";
import { dispatcherCommands } from "./commands/dispatcher.ts";
import { executorCommands } from "./commands/executor.ts";
import { keygenCommands } from "./commands/keygen.ts";
import { stationCommands } from "./commands/station.ts";
import { completeCommand } from "./complete-command.ts";

export const commands: readonly Command[] = [
  agentCommand,
  ...stationCommands,
  ...dispatcherCommands,
  ...executorCommands,
  ...keygenCommands,
];

/** Those that programs call, not people: no help lists them. */
export const hiddenCommands: readonly Command[] = [completeCommand(commands)];
