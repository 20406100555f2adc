/**
 * The command lines of nmap for the parameters of a run.
 *
 * Names and meaning of the parameters are those of Faraday's own executor, so that schedules go on working. Values
 * come from whoever may press Run on a web page: each is checked here for what it may be, no shell is involved, and
 * targets stand behind "--". With -oX - nmap writes nothing but its report.
 * Source: nmap(1); faraday_agent_parameters_types 1.9.1, nmap 2.1.2.
 */
import { CbError } from "../core/errors.ts";
import type { Environment } from "../core/settings.ts";
import type { AgentOptions } from "./agent-options.ts";
import { booleanIn, integerIn, listIn, problem, textIn, variableOf } from "./executor-parameters.ts";
import { type NmapTargets, TARGET_FORM, targetsIn } from "./nmap-targets.ts";

/** Report on standard output, a sign of life now and then, no reading of keys. */
const ALWAYS = ["-oX", "-", "--stats-every", "15s", "--noninteractive"];
/** Seconds: 24 days. */
const LONGEST = 2_073_600;

/**
 * The arguments of each scan that has to be done, one after the other: one for IPv4 and names, one for IPv6.
 *
 * @throws {CbError} `setting` for a parameter that is missing or that cannot be one
 */
export function nmapScans(
  environment: Environment,
  { resolvesNames }: AgentOptions,
): readonly (readonly string[])[] {
  const options = [
    ...ALWAYS,
    ...(resolvesNames ? [] : ["-n"]),
    ...flag(environment, "OPTION_SV", "-sV"),
    ...flag(environment, "OPTION_PN", "-Pn"),
    ...ports(environment),
    ...number(environment, "TOP_PORTS", "--top-ports", 1, 65_535),
    ...scripts(environment),
    ...number(environment, "SCRIPT_TIMEOUT", "--script-timeout", 0, LONGEST, "s"),
    ...number(environment, "HOST_TIMEOUT", "--host-timeout", 0, LONGEST, "s"),
  ];
  const { ipv4, ipv6 } = targets(environment);
  return [
    ...(ipv4.length === 0 ? [] : [[...options, "--", ...ipv4]]),
    ...(ipv6.length === 0 ? [] : [[...options, "-6", "--", ...ipv6]]),
  ];
}

function targets(environment: Environment): NmapTargets {
  const items = listIn(environment, variableOf("TARGET"));
  if (items.length === 0) {
    const hint = `Set ${variableOf("TARGET")}`;
    throw new CbError("setting", `Cannot scan: TARGET is missing, ${TARGET_FORM}`, { hint });
  }
  const all = items.map((item) => {
    const found = targetsIn(item);
    if (found === undefined) throw problem("TARGET", item, TARGET_FORM);
    return found;
  });
  const unique = (kind: keyof NmapTargets) => [...new Set(all.flatMap((found) => found[kind]))];
  return { ipv4: unique("ipv4"), ipv6: unique("ipv6") };
}

function flag(environment: Environment, name: string, option: string): readonly string[] {
  return booleanIn(environment, variableOf(name)) === true ? [option] : [];
}

function number(
  environment: Environment,
  name: string,
  option: string,
  least: number,
  most: number,
  unit = "",
): readonly string[] {
  const value = integerIn(environment, variableOf(name), least, most);
  return value === undefined ? [] : [option, `${value}${unit}`];
}

const PORT_FORM = "expected TCP ports such as 80, 8000-8100, 60000-, - for all, or names such as http*";

/** As one word, since a list of ports may begin with a dash. */
function ports(environment: Environment): readonly string[] {
  const items = listIn(environment, variableOf("PORT_LIST")).flatMap((item) => item.split(","));
  const bad = items.find((item) => !isPorts(item));
  if (bad !== undefined) throw problem("PORT_LIST", bad, PORT_FORM);
  return items.length === 0 ? [] : [`-p${items.join(",")}`];
}

/** TCP alone is scanned, so "U:" and its like would be passed over. */
function isPorts(text: string): boolean {
  const item = text.replace(/^T:/, "");
  // A service of nmap's own list, with wildcards.
  if (/^[A-Za-z*][A-Za-z0-9_*?-]{0,63}$/.test(item)) return true;
  const [, from = "", dash, to = ""] = /^(\d{0,5})(-?)(\d{0,5})$/.exec(item) ?? [];
  if (item === "" || Number(from) > 65_535 || Number(to) > 65_535) return false;
  return dash === "-" ? to === "" || Number(from) <= Number(to) : from !== "" && dash === "" && to === "";
}

const SCRIPT_FORM =
  "expected names of scripts or categories, with *, and, or, not and brackets; no files and no directories";
const SCRIPT_WORD = /^\+?[A-Za-z0-9*][A-Za-z0-9_*-]*$/;

/**
 * What --script takes, without its files and directories: each of those would be run as a program, or shown.
 *
 * Without a dot and a slash nmap can only find what is among its scripts; or in the directory that it works in, which
 * is one that holds none.
 */
function scripts(environment: Environment): readonly string[] {
  const isDefault = flag(environment, "OPTION_SC", "-sC");
  const text = textIn(environment, variableOf("SCRIPT_CMD"))?.replaceAll(/\s+/g, " ");
  if (text === undefined) return isDefault;
  const words = text.split(/[\s,()]+/).filter((word) => word !== "");
  if (words.length === 0 || text.length > MAX_SCRIPTS || !words.every((word) => SCRIPT_WORD.test(word))) {
    throw problem("SCRIPT_CMD", text, SCRIPT_FORM);
  }
  // Beside --script, nmap passes over -sC without a word.
  return [`--script=${isDefault.length === 0 ? "" : "default,"}${text}`];
}

const MAX_SCRIPTS = 4096;
