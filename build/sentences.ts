/** `npm run sentences`: writes the table of test/README.md anew, from the names of the tests. */
import { readFileSync, writeFileSync } from "node:fs";
import { TABLE_FILE, withTable } from "../test/seed/table.ts";

writeFileSync(TABLE_FILE, withTable(readFileSync(TABLE_FILE, "utf8")));
