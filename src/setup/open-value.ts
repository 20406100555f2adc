/**
 * What may stand where everybody can read it: values of variables, and commands in scripts.
 *
 * Of a variable everything is a secret unless its name clearly is harmless and its value is none to look at: a file too
 * many does no harm, a password in a manifest that everybody can read does. A command has to be readable in any case,
 * so of that there is a hint.
 */
import { isIPv6 } from "node:net";

/** Ends of names whose values may be seen: where something is, who somebody is, how long something takes. */
const OPEN =
  /(?:^|_)(?:HOST|HOSTNAME|SERVER|PORT|URL|URI|PATH|DIR|DIRECTORY|FOLDER|FILE|TEMPLATES?|INTERVAL|TIMEOUT|USER|USERNAME|USR|OWNER|REGION|LANG|TZ|DEBUG|VERBOSE)$/;
/** Anywhere in a name. `KEY_FILE` may hold either; then it is a secret. */
const CLOSED = /PASS|PWD|SECRET|TOKEN|KEY|CRED|AUTH|PRIVATE|COOKIE|SESSION|SIGN|CERT|WEBHOOK/;
/** Of somebody, to whom `:` joins a password and nothing else. */
const PERSON = /(?:USER|USERNAME|USR|OWNER)$/;
/** A user or a query in it may be worth as much as a password. */
const OPEN_URL = /^[a-z][a-z0-9+.-]*:\/\/(?:[^\s/?#@:[\]]+|\[[\da-f:.]+\])(?::\d{1,5})?(?:\/[^\s?#@]*)?$/i;
const HOST_AND_PORT = /^(?:[\w.-]+|\[[\da-f:.]+\]):\d{1,5}$/i;

/** Whether the values of a variable may be seen, as long as they look harmless. */
export function isOpenName(name: string): boolean {
  const upper = name.toUpperCase();
  return OPEN.test(upper) && !CLOSED.test(upper);
}

/** Whether a value may stand where everybody can read it. */
export function isOpen(name: string, value: string): boolean {
  if (value === "") return true;
  if (!isOpenName(name) || wordsOf(value).some(isRandom)) return false;
  // However it is called: "//" is how a URL comes, with a password or without.
  if (/:\/\/|@/.test(value)) return OPEN_URL.test(value);
  if (!value.includes(":")) return true;
  if (PERSON.test(name.toUpperCase())) return false;
  return value.startsWith("/") || HOST_AND_PORT.test(value) || isIPv6(value);
}

/** What passwords look like on a command line, roughly. What begins with `$` is a variable, as it should be. */
const PASSWORDS = [
  // --password=x, token: x, ?api_key=x
  /(?:^|[\s._?&"'{(,-])(?:pass(?:w(?:or)?d|wd|phrase)?|token|secret|(?:api|access|auth|secret)[._-]?key)["']?[=\s:]+["']?[^\s"'$-]/i,
  /(?:^|[\s_?&-])pwd=["']?[^\s"'$]/i,
  // user:x@host, in a URL or without; bounded, as it may begin anywhere
  /(?:^|[\s/"'=])[^\s/@:"']{1,128}:[^\s/@"'$][^\s/@"']{0,256}@[\w[]/,
  // Authorization: Basic x
  /\b(?:basic|bearer)\s+[^\s"'$]{6}/i,
  /\bsshpass\s+-p\s*["']?[^\s"'$]/,
  // As smbclient has it.
  /(?:^|\s)-U\s*["']?[^\s%"'$]+%[^\s"'$]/,
];
/** As curl has it. */
const USER = /(?:^|\s)(?:-[uU]|--(?:proxy-)?user)[=\s]*["']?([^\s"':]+):(?!\/\/)["']?([^\s"'$]+)/g;

/** Whether a command seems to hold a password or the like: it is a hint, and nothing hangs on it. */
export function holdsSecret(command: string): boolean {
  return (
    PASSWORDS.some((form) => form.test(command)) ||
    [...command.matchAll(USER)].some(([, user = "", password = ""]) => !isPlace(user, password)) ||
    // The digest of an image is known to all.
    wordsOf(command.replace(/\bsha\d+:[\da-f]+/gi, "")).some(isRandom)
  );
}

/** A host and its port, or the numbers of a user and a group: with these, too, -u stands. */
function isPlace(user: string, password: string): boolean {
  return /^\d{1,5}(?:\/.*)?$/.test(password) && /^\d+$|\.|^localhost$/.test(user);
}

/** Pieces in which nothing is but letters, digits and what some keys have between them. */
function wordsOf(text: string): readonly string[] {
  return text.split(/[^\w+-]+/);
}

/** Letters of both cases and digits, or many hexadecimal ones: nobody has made up such a word. */
function isRandom(word: string): boolean {
  if (word.startsWith("-")) return false;
  const isMixed = word.length >= 20 && /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);
  return isMixed || (/^[\da-f]{24,}$/i.test(word) && /\d/.test(word) && /[a-f]/i.test(word));
}
