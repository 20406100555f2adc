/** What `cb executor` and its commands are; what they do is loaded when one is run. */
import { type Command, defineCommand } from "../command.ts";
import { executorSettings } from "../settings/executor.ts";

const nmapCommand = defineCommand({
  words: ["executor", "nmap"],
  summary: "Scan with nmap, and print what it finds as results for Faraday",
  description: [
    "What to scan, and how, is in the environment, as for any executor: EXECUTOR_CONFIG_TARGET, and more in " +
      "cb-executor(5). Each host is one line of JSON on standard output, as soon as nmap has finished with it.",
  ],
  examples: [
    "EXECUTOR_CONFIG_TARGET=192.0.2.0/24 cb executor nmap",
    "cb executor nmap --report scan.xml",
    "nmap -sV -oX - 192.0.2.1 | cb executor nmap --report -",
  ],
  settings: executorSettings,
  run: async (invocation) => (await import("../executor-nmap-command.ts")).runNmap(invocation),
});

const sslscanCommand = defineCommand({
  words: ["executor", "sslscan"],
  summary: "Look at TLS with sslscan, and print what it finds for Faraday",
  description: [
    "What to look at is in the environment, as for any executor: EXECUTOR_CONFIG_TARGET, and EXECUTOR_CONFIG_STARTTLS " +
      "where the server speaks another protocol first. Each server is one line of JSON on standard output.",
  ],
  examples: [
    "EXECUTOR_CONFIG_TARGET=a.example,192.0.2.1:8443 cb executor sslscan",
    "EXECUTOR_CONFIG_TARGET=mail.example:25 EXECUTOR_CONFIG_STARTTLS=smtp cb executor sslscan",
    "cb executor sslscan --report scan.xml",
  ],
  settings: executorSettings,
  run: async (invocation) => (await import("../executor-sslscan-command.ts")).runSslscan(invocation),
});

/** Every command of `cb executor`, in the order of the help. */
export const executorCommands: readonly Command[] = [nmapCommand, sslscanCommand];
