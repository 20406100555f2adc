/** What of our own environment an executor finds; the rest may hold what is none of its business. */
import type { Environment } from "../core/settings.ts";

const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
const DEFAULTS = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };

/** Scanners look for their data below HOME, and for the way out in the names of proxies. */
export function inheritedEnvironment(own: Environment): Readonly<Record<string, string>> {
  const found = INHERITED.flatMap((name) => {
    const value = own[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...DEFAULTS, ...Object.fromEntries(found) };
}
