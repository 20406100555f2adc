/** All commands, in the order of the help. */
import { agentCommand } from "./agent-command.ts";
import type { Command } from "./command.ts";
import { keygenCommands } from "./keygen-command.ts";
import { stationAgentsCommands } from "./station-agents-command.ts";
import { stationCommands } from "./station-command.ts";

export const commands: readonly Command[] = [
  agentCommand,
  ...stationCommands,
  ...stationAgentsCommands,
  ...keygenCommands,
];
