/** The file of `--report`: made, or put in the place of an earlier report, and of nothing else. */
import { CbError } from "../core/errors.ts";
import { isMissing, readBeginning, refuseIfNotWritable, writeAtomically } from "../core/files.ts";
import { printable } from "../core/text.ts";
import { utf8 } from "../protocol/bytes.ts";
import { REPORT_MARK } from "../station/report-page.ts";

/** Outputs may hold what is not for everybody: whoever shows the page to others decides so. */
const MODE = 0o600;

/**
 * @returns what writes the page; it throws as this does, for much may have happened by then
 * @throws {CbError} `file`, where it cannot be written, or something is there that is no report: that is never replaced
 */
export function openReportFile(path: string): (page: string) => void {
  refuseIfNotWritable(path);
  refuseIfOther(path);
  return (page) => {
    refuseIfOther(path);
    writeAtomically(path, utf8(page), MODE);
  };
}

function refuseIfOther(path: string): void {
  try {
    const mark = utf8(REPORT_MARK);
    const beginning = readBeginning(path, mark.length);
    if (Buffer.compare(beginning, mark) === 0) return;
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  const why = "there is a file that is no report of cb, name another one";
  throw new CbError("file", `Cannot write "${printable(path)}": ${why}`);
}
