/** What `cb dispatcher` and its commands are; what they do is loaded when one is run. */
import { type Command, defineCommand } from "../command.ts";
import {
  dispatcherCheckSettings,
  dispatcherControlSettings,
  dispatcherSettings,
  dispatcherStatusSettings,
  dispatcherTrySettings,
} from "../settings/dispatcher.ts";
import { dispatcherImportSettings } from "../settings/dispatcher-setup.ts";
import {
  dispatcherNewSettings,
  dispatcherRegisterSettings,
  dispatcherWizardSettings,
} from "../settings/dispatcher-wizard.ts";

const wizardCommand = defineCommand({
  words: ["dispatcher", "wizard"],
  summary: "Set a dispatcher up, question by question",
  description: [
    "Asks, shows what it is going to write, and changes nothing before; the dispatcher.toml that is there is edited, " +
      "comments stay. Escape goes back, Ctrl-C ends. What an option answers is not asked, and with --yes, or without " +
      "a terminal, nothing is.",
  ],
  examples: [
    "cb dispatcher wizard",
    "cb dispatcher wizard --server https://faraday.example.org --executors nmap",
    "cb dispatcher wizard --yes --server https://faraday.example.org --executors nmap --token 123456",
  ],
  settings: dispatcherWizardSettings,
  run: async (invocation) => (await import("../dispatcher-wizard-command.ts")).runWizard(invocation),
});

const newCommand = defineCommand({
  words: ["dispatcher", "new"],
  operands: [{ name: "executor-name" }],
  summary: "Make an executor to begin with, and its manifest",
  description: [
    "It works as it is made: with its parameters in the environment it prints a host with one vulnerability. " +
      "Files that are there are left alone.",
  ],
  examples: [
    "cb dispatcher new my_scan",
    "cb dispatcher new my_scan --run-directory ./run.d",
    "cb dispatcher new my_scan --language python --param target:list:mandatory --param fast:boolean",
  ],
  settings: dispatcherNewSettings,
  run: async (invocation) => (await import("../dispatcher-new-command.ts")).newExecutorFiles(invocation),
});

const registerCommand = defineCommand({
  words: ["dispatcher", "register"],
  summary: "Register at the server with a code, keep the token, and end",
  examples: [
    "cb dispatcher register --token 123456",
    "cb dispatcher register --token 123456 --config ./dispatcher.toml",
    "cb dispatcher register --token 123456 --server https://faraday.example.org",
  ],
  settings: dispatcherRegisterSettings,
  fileSettings: dispatcherSettings,
  configFile: "dispatcher.toml",
  run: async (invocation) =>
    (await import("../dispatcher-register-command.ts")).registerDispatcher(invocation),
});

const runCommand = defineCommand({
  words: ["dispatcher", "run"],
  summary: "Run executors for a Faraday server and post what they find",
  description: [
    "Registers once with a code, then holds the server's command channel, runs the executors that it asks for " +
      "and posts each JSON line that they print to the workspaces. A result is on disk before it is posted, " +
      "and stays there until the server has taken it.",
  ],
  examples: [
    "cb dispatcher run --server http://localhost:5985 --executors nmap --token 123456",
    "cb dispatcher run --config ./dispatcher.toml",
    "cb dispatcher run --server https://faraday.example.org --executors nmap,nikto --jobs 2",
  ],
  settings: dispatcherSettings,
  configFile: "dispatcher.toml",
  run: async (invocation) => (await import("../dispatcher-command.ts")).runDispatcher(invocation),
});

const checkCommand = defineCommand({
  words: ["dispatcher", "check"],
  summary: "Check server, certificate, token and what each executor needs",
  examples: [
    "cb dispatcher check",
    "cb dispatcher check --config ./dispatcher.toml",
    "cb dispatcher check --server https://faraday.example.org --executors nmap",
  ],
  settings: dispatcherCheckSettings,
  fileSettings: dispatcherSettings,
  configFile: "dispatcher.toml",
  run: async (invocation) => (await import("../dispatcher-check-command.ts")).checkDispatcher(invocation),
});

const tryCommand = defineCommand({
  words: ["dispatcher", "try"],
  operands: [{ name: "executor" }],
  summary: "Run an executor here as the dispatcher would, and post nothing",
  description: [
    "Checks the parameters and runs the checks and the executor in the same surroundings. Standard output is what " +
      "would be posted, one JSON object a line; what is wrong with a line is said on standard error.",
  ],
  examples: [
    "cb dispatcher try nmap --param target=192.0.2.1",
    "cb dispatcher try mine -r ./run.d",
    "cb dispatcher try mine -r ./run.d > results.jsonl",
  ],
  settings: dispatcherTrySettings,
  fileSettings: dispatcherSettings,
  configFile: "dispatcher.toml",
  run: async (invocation) => (await import("../dispatcher-try-command.ts")).tryExecutor(invocation),
});

const importCommand = defineCommand({
  words: ["dispatcher", "import"],
  operands: [
    {
      name: "file",
      hint: "Give the configuration of your agent: usually ~/.faraday/config/dispatcher.yaml, or below $FARADAY_HOME",
    },
  ],
  summary: "Take over the configuration of Faraday's agent dispatcher",
  description: [
    "Reads its YAML, the YAML of the server's web page or the INI of its first versions, or the directory in which one " +
      "is, and writes dispatcher.toml, an executable and a manifest for each executor, the agent's token and a file for " +
      "each secret. Says of each line what it took, changed and left; the old file stays as it is.",
  ],
  examples: [
    "cb dispatcher import ~/.faraday/config/dispatcher.yaml",
    "cb dispatcher import --plan ~/.faraday/config",
    "cb dispatcher import ~/.faraday/config/dispatcher.yaml --output ./dispatcher.toml",
  ],
  settings: dispatcherImportSettings,
  run: async (invocation) => (await import("../dispatcher-import-command.ts")).importDispatcher(invocation),
});

/** These need to know but where the dispatcher keeps its state. */
const CONTROL = {
  settings: dispatcherControlSettings,
  fileSettings: dispatcherSettings,
  configFile: "dispatcher.toml",
} as const;

const statusCommand = defineCommand({
  words: ["dispatcher", "status"],
  summary: "Show its connection, its runs, and what waits to be posted",
  examples: [
    "cb dispatcher status",
    "cb dispatcher status --output json",
    "cb dispatcher status --state-directory ./state",
  ],
  ...CONTROL,
  settings: dispatcherStatusSettings,
  run: async (invocation) => (await import("../dispatcher-control-command.ts")).showStatus(invocation),
});

const stopCommand = defineCommand({
  words: ["dispatcher", "stop"],
  operands: [{ name: "run" }],
  summary: "End one run; the server is told",
  examples: [
    "cb dispatcher stop 41",
    "cb dispatcher stop 41 --state-directory ./state",
    "cb dispatcher stop 41 --config ./dispatcher.toml",
  ],
  ...CONTROL,
  run: async (invocation) => (await import("../dispatcher-control-command.ts")).stopRun(invocation),
});

const spoolCommand = (
  action: "list" | "show" | "retry" | "drop",
  summary: string,
  operands: readonly { readonly name: string; readonly repeatable?: true }[],
  example: string,
) =>
  defineCommand({
    words: ["dispatcher", "spool", action],
    operands,
    summary,
    examples: ["", " --state-directory ./state", " --config ./dispatcher.toml"].map((more) => example + more),
    ...CONTROL,
    run: async (invocation) =>
      (await import("../dispatcher-control-command.ts")).useSpool(action, invocation),
  });

/** Every command of `cb dispatcher`, in the order of the help. */
export const dispatcherCommands: readonly Command[] = [
  wizardCommand,
  newCommand,
  registerCommand,
  runCommand,
  checkCommand,
  tryCommand,
  importCommand,
  statusCommand,
  stopCommand,
  spoolCommand("list", "List what the server has refused", [], "cb dispatcher spool list"),
  spoolCommand(
    "show",
    "Show one refused result and the server's words",
    [{ name: "item" }],
    "cb dispatcher spool show 41-0-3",
  ),
  spoolCommand(
    "retry",
    "Post refused results once more",
    [{ name: "item", repeatable: true }],
    "cb dispatcher spool retry 41-0-3",
  ),
  spoolCommand(
    "drop",
    "Throw refused results away",
    [{ name: "item", repeatable: true }],
    "cb dispatcher spool drop 41-0-3",
  ),
];
