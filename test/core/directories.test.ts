import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  cacheDirectory,
  configDirectories,
  othersConfigDirectory,
  stateDirectory,
} from "../../src/core/directories.ts";

test("configDirectories() are credentials, the user's and the system's, in this order", () => {
  const environment = { CREDENTIALS_DIRECTORY: "/run/c", XDG_CONFIG_HOME: "/x", HOME: "/home/u" };
  assert.deepEqual(configDirectories(environment), ["/run/c", "/x/cb", "/etc/cb"]);
  assert.deepEqual(configDirectories({ HOME: "/home/u" }), ["/home/u/.config/cb", "/etc/cb"]);
});

test("configDirectories() names a directory once", () => {
  assert.deepEqual(configDirectories({ XDG_CONFIG_HOME: "/etc" }), ["/etc/cb"]);
});

test("configDirectories() ignores empty and relative variables", () => {
  const environment = { CREDENTIALS_DIRECTORY: "c", XDG_CONFIG_HOME: "x", HOME: "/home/u" };
  assert.deepEqual(configDirectories(environment), ["/home/u/.config/cb", "/etc/cb"]);
  assert.equal(configDirectories({ XDG_CONFIG_HOME: "", HOME: "" })[0], join(homedir(), ".config/cb"));
});

test("othersConfigDirectory() is the system's, unless that is the user's own, as it is a service's", () => {
  assert.equal(othersConfigDirectory({ HOME: "/home/u" }), "/etc/cb");
  assert.equal(othersConfigDirectory({ HOME: "/home/u", XDG_CONFIG_HOME: "/etc" }), undefined);
});

test("stateDirectory() is XDG_STATE_HOME's or below HOME", () => {
  assert.equal(stateDirectory({ XDG_STATE_HOME: "/s", HOME: "/home/u" }), "/s/cb");
  assert.equal(stateDirectory({ HOME: "/home/u" }), "/home/u/.local/state/cb");
});

test("cacheDirectory() is XDG_CACHE_HOME's or below HOME", () => {
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "/c", HOME: "/home/u" }), "/c/cb");
  assert.equal(cacheDirectory({ XDG_CACHE_HOME: "c", HOME: "/home/u" }), "/home/u/.cache/cb");
});
