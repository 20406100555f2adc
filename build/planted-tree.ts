/** A copy of the checkout in which defects may be planted. */
import { cpSync, symlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { DIST, ROOT } from "./paths.ts";

/** Makes the copy; packages and products are links. @returns its path */
export function plantTree(tree: string): string {
  const links = [join(ROOT, "node_modules"), DIST];
  const left = new Set([...links, join(ROOT, ".git")]);
  cpSync(ROOT, tree, { recursive: true, filter: (path) => !left.has(path) });
  for (const path of links) symlinkSync(path, join(tree, basename(path)));
  return tree;
}
