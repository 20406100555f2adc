/** What `cb station` and its commands are; what they do is loaded when one is run. */
import { type Command, defineCommand } from "../command.ts";
import { AGENTS_EXIT, COMMANDS_EXIT, PING_EXIT, STATION_EXIT } from "../exit-meanings.ts";
import { commonSettings } from "../settings/common.ts";
import {
  acceptSettings,
  agentKeySettings,
  agentsSettings,
  commandsSettings,
  forgetSettings,
  pingIdleSettings,
  pingSettings,
  runSettings,
  stationFileSettings,
} from "../settings/station.ts";

const runCommand = defineCommand({
  words: ["station", "run"],
  exitMeanings: STATION_EXIT,
  operands: [
    {
      name: "command",
      extraHint: "Say with --to or --tags which agents run it, and with --param KEY=VALUE what it is given",
    },
  ],
  summary: "Run a command on the agents and collect its output",
  description: [
    "Without --tags or --to, all agents of the channel run the executable of that name in their run-directories. " +
      "Output comes line by line, behind the agent's name, and at the end who did what.",
  ],
  examples: [
    "cb station --tags web run reload",
    "cb station --to 'web[1-9],db*' --not-to db3 run reload --plan",
    "cb station run reload --canary 1 --parallel 25%",
    "cb station run scan --param target=10.0.0.1 --report scan.html",
  ],
  settings: runSettings,
  idleSettings: agentKeySettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-command.ts")).runOnAgents(invocation),
});

const pingCommand = defineCommand({
  words: ["station", "ping"],
  exitMeanings: PING_EXIT,
  summary: "Show which agents are listening",
  description: ["Shows each agent's round trip time, version, tags and clock difference."],
  examples: [
    "cb station ping",
    "cb station --to web7 ping",
    "cb -c lab station --tags web,eu ping --fail-missing",
  ],
  settings: pingSettings,
  idleSettings: pingIdleSettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-command.ts")).pingAgents(invocation),
});

const commandsCommand = defineCommand({
  words: ["station", "commands"],
  exitMeanings: COMMANDS_EXIT,
  summary: "Show which commands the agents have",
  description: [
    "Shows each command that this station may run: the beginning of the SHA-256 of its executable and of its " +
      "manifest, who has it, and what it does, or why it cannot be run. Versions that differ from that of the most " +
      "agents have a ≠ in front.",
  ],
  examples: [
    "cb station commands",
    "cb station --tags web commands",
    "cb -c lab station --to 'web*' commands --json",
  ],
  settings: commandsSettings,
  idleSettings: agentKeySettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-command.ts")).listCommands(invocation),
});

const showCommand = defineCommand({
  words: ["station", "agents"],
  exitMeanings: AGENTS_EXIT,
  summary: "Show which agents are known, and by which keys",
  description: [
    "Lists tags, first and last answer and the fingerprint of the key of each agent that this station knows.",
  ],
  examples: ["cb station agents", "cb station --tags 'web,!eu' agents", "cb -c lab station agents --json"],
  settings: agentsSettings,
  idleSettings: commonSettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-agents-command.ts")).showAgents(invocation),
});

const forgetCommand = defineCommand({
  words: ["station", "agents", "forget"],
  operands: [{ name: "name", repeatable: true }],
  summary: "Forget agents, keys and all",
  description: [
    "They are missed no more. When they answer again they are new, and are believed whatever their key is: to " +
      "take a changed key, rather accept it.",
  ],
  examples: [
    "cb station agents forget web40",
    "cb station agents forget web40 web41",
    "cb -c lab station agents forget test1",
  ],
  settings: forgetSettings,
  idleSettings: commonSettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-agents-command.ts")).forgetAgents(invocation),
});

const acceptCommand = defineCommand({
  words: ["station", "agents", "accept"],
  operands: [{ name: "name" }],
  summary: "Accept the changed key of an agent",
  description: [
    "Asks the agent for its key, which must have the fingerprint that is given, and keeps it in place of the one " +
      "that was kept. Compare the fingerprint with the one that the agent itself logs when it starts, not with " +
      "the one in the station's message.",
  ],
  examples: [
    "cb station agents accept web1 --fingerprint 0123456789abcdef",
    "cb -c lab station agents accept web1 --fingerprint 0123456789abcdef",
    "cb station agents accept web1 --fingerprint 0123456789abcdef --hello-wait 10",
  ],
  settings: acceptSettings,
  idleSettings: commonSettings,
  configFile: "station.toml",
  fileSettings: stationFileSettings,
  run: async (invocation) => (await import("../station-agents-command.ts")).acceptAgent(invocation),
});

/** Every command of `cb station`, in the order of the help. */
export const stationCommands: readonly Command[] = [
  runCommand,
  pingCommand,
  commandsCommand,
  showCommand,
  forgetCommand,
  acceptCommand,
];
