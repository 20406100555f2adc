/** `npm run sentences`: writes the tables of test/README.md anew, from the names of the tests. */
import { readFileSync, writeFileSync } from "node:fs";
import { TABLE_FILE, withTables } from "../test/seed/table.ts";

writeFileSync(TABLE_FILE, withTables(readFileSync(TABLE_FILE, "utf8")));
