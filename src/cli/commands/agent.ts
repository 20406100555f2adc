/** What `cb agent` is; what it does is loaded when it is run. */
import { defineCommand } from "../command.ts";
import { agentSettings } from "../settings/agent.ts";

export const agentCommand = defineCommand({
  words: ["agent"],
  summary: "Listen for stations and run commands for them",
  description: [
    "Runs the executable of the asked name in a run-directory, with the agent's identity as its only " +
      "argument, and sends back what it prints and how it ends.",
  ],
  examples: [
    "cb agent --tags web,eu --run-directory /etc/cb/run.d",
    "cb -c lab agent -r ./run.d -t web eu",
    "cb agent --health",
  ],
  settings: agentSettings,
  configFile: "agent.toml",
  run: async (invocation) => (await import("../agent-command.ts")).runAgent(invocation),
});
